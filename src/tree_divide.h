/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of rules divided among the children of a cut.  Used by tree.c alone.
 */
#ifndef TREE_DIVIDE_H
#define TREE_DIVIDE_H

#include "tree_region.h"

struct rule_span {
	uint32_t *list; /* indices, ascending */
	size_t count;
};

struct division {
	uint32_t children;
	uint32_t *start; /* of each child's list in `list`, children + 1 of them */
	uint32_t *list;
	uint32_t *first; /* of each child, the first child that its subtree serves */
	uint32_t *order; /* of those that have rules and are such a first one, short lists first */
	uint32_t distinct; /* in order */
};

/** Divides the list. 0 or -ENOMEM. */
int division_make(const struct tree_builder *builder, const struct region *region,
		  const struct cut *cut, const struct rule_span *rules, struct division *ret);

/** Frees it. */
void division_clear(struct division *division);

static inline size_t division_count(const struct division *division, uint32_t child)
{
	return division->start[child + 1] - division->start[child];
}

#endif
