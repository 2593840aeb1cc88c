/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy is the product of.  Used by rules.c alone.
 */
#ifndef RULES_FACTORS_H
#define RULES_FACTORS_H

#include "address.h"
#include "policy.h"
#include "rules.h"

/* The lists whose product a policy is, in one family. */
struct factors {
	struct address_prefix *src, *dst;
	size_t src_count, dst_count;
	struct number_list sport, dport, vlan;
	uint16_t *interfaces;
	size_t interface_count;
};

/** Returns 0, -ENOMEM or what interface_id gave; then there is nothing to clear. */
int factors_make(const struct rules_names *names, const struct policy *policy,
		 enum pep_family family, struct factors *ret);

void factors_clear(struct factors *factors);

/** How many combinations there are; saturates. */
uint64_t factors_product(const struct factors *factors);

/** An empty list stands for any number. */
static inline size_t at_least_one(size_t count)
{
	return count ? count : 1;
}

#endif
