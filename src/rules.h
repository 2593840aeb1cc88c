/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From policies to rules: each policy becomes the product of its prefixes,
 * port ranges and so on, all with the policy's rank and slot.
 */
#ifndef RULES_H
#define RULES_H

#include <stddef.h>
#include <stdint.h>

#include "pep.h"

struct policy;
struct address_sets;
struct policyset;
struct problems;
struct ranking;

struct rule {
	uint32_t src[4], dst[4]; /* as struct address */
	uint16_t sport_low, sport_high, dport_low, dport_high;
	uint8_t src_bits, dst_bits;
	uint8_t protocol;
	uint8_t flags; /* PEP_RULE_ */
	uint32_t rank;
	uint32_t slot;
	struct pep_extra extra; /* all zero unless PEP_RULE_EXTRA */
};

struct rule_list {
	struct rule *rule; /* in the order of their ranks */
	size_t count;
	size_t room;
};

struct rules {
	struct rule_list list[PEP_RULESETS][PEP_FAMILIES][PEP_DIRECTIONS];
	size_t count;
};

/* What policies refer to and the kernel numbers. */
struct rules_names {
	/** The id of an interface's name, or -errno. */
	int (*interface_id)(void *context, const char *name);
	void *context;
	const uint32_t *slots; /* of set->policy[i] */
	const uint32_t *failsafe_slots; /* of failsafe->policy[i] */
	const struct ranking *ranking; /* of the set, by enum pep_family; NULL: made here */
	const struct address_sets *sets; /* that policies name; NULL: none */
	size_t max; /* more rules than that are refused, naming the policies that cost most */
};

/**
 * Expands both sets; disabled policies give no rules.
 * Returns 0, -ENOSPC (noted in @problems), -ENOMEM, or what interface_id gave.
 */
int rules_expand(const struct policyset *set, const struct policyset *failsafe,
		 const struct rules_names *names, struct rules *ret, struct problems *problems);

/** How many rules a policy gives. Returns 0, -ENOMEM, or what interface_id gave. */
int rules_count(const struct rules_names *names, const struct policy *policy, uint64_t *ret);

/** Frees the lists. */
void rules_clear(struct rules *rules);

#endif
