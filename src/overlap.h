/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether some packet matches two policies.
 */
#ifndef OVERLAP_H
#define OVERLAP_H

#include <stdbool.h>
#include <stddef.h>

#include "pep.h"

struct address_prefix;
struct policy;

struct cover {
	struct address_prefix *prefix; /* ascending and disjoint */
	size_t count;
};

/* What a policy matches, as two of them are compared. */
struct footprint {
	const struct policy *policy; /* borrowed */
	bool family[PEP_FAMILIES];
	struct cover src[PEP_FAMILIES], dst[PEP_FAMILIES];
};

/** Fills in @ret, to be cleared with footprint_clear() also on failure. Returns 0 or -ENOMEM. */
int footprint_make(const struct policy *policy, struct footprint *ret);
/** Frees the covers. */
void footprint_clear(struct footprint *footprint);

/** Whether some packet of @family matches both. */
bool footprints_overlap(const struct footprint *a, const struct footprint *b,
			enum pep_family family);

#endif
