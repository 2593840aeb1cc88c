/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A way to build a forest: which rules go to which tree, and how free it is with
 * memory.  Used by image_forest.c alone.
 */
#ifndef IMAGE_PLAN_H
#define IMAGE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pep.h"

struct rule_list;

#define GROUPS 4 /* both or the source pinned; only destination; neither; only source */
#define FEW_RULES 24 /* one tree is best */

/* How free a plan is with memory. */
struct thrift {
	double room; /* in what the rules take, each once */
	double copy_price, table_price; /* as in struct tree_builder */
};

struct plan {
	uint8_t pinned; /* a prefix longer than that pins an address down */
	bool apart; /* rules that pin only the source are, too */
	struct thrift thrift;
};

/* Indices of a list's rules, ascending; there is room for all in each. */
struct groups {
	unsigned int most; /* so many groups may have rules, 1 to GROUPS */
	uint32_t *rule[GROUPS];
	size_t count[GROUPS];
};

/* What is to be tried, the first first. */
extern const uint8_t plan_pinned[PEP_FAMILIES][2];
extern const struct thrift plan_thrifts[2];

/* A small image, as overlays are, may be many times its rules. */
extern const struct thrift plan_ample;

/** Divides a list. False: into groups of the same sizes as before. */
bool plan_groups(const struct plan *plan, const struct rule_list *list, struct groups *groups);

#endif
