// SPDX-License-Identifier: Apache-2.0
#include "image_trees.h"

#include <stdint.h>
#include <stdlib.h>

#define NO_TREE                                                                                    \
	{                                                                                          \
		.entry = PEP_ENTRY_LEAF, .best_rank = UINT32_MAX                                   \
	}
const struct pep_forest trees_none = { { NO_TREE, NO_TREE, NO_TREE, NO_TREE } };
_Static_assert(PEP_TREES == 4, "trees_none has them all");

static int compare_trees(const void *a, const void *b)
{
	const struct pep_tree *x = a, *y = b;

	return x->best_rank < y->best_rank ? -1 : x->best_rank > y->best_rank;
}

unsigned int trees_count(const struct pep_forest *forest)
{
	unsigned int count = 0;

	for (int i = 0; i < PEP_TREES; i++)
		count += forest->tree[i].best_rank != UINT32_MAX;
	return count;
}

void trees_add(struct pep_forest *forest, const struct pep_forest *more)
{
	unsigned int count = trees_count(forest);

	qsort(forest->tree, PEP_TREES, sizeof(forest->tree[0]), compare_trees);
	for (unsigned int i = 0; i < trees_count(more); i++)
		forest->tree[count + i] = more->tree[i];
	qsort(forest->tree, PEP_TREES, sizeof(forest->tree[0]), compare_trees);
}
