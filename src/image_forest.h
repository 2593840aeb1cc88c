/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forest of one ruleset, family and direction: which rules go to which
 * tree, and how much memory they may take.  Used by image.c alone.
 */
#ifndef IMAGE_FOREST_H
#define IMAGE_FOREST_H

#include <stdbool.h>

#include "image.h"
#include "image_walk.h"
#include "tree.h"

struct rule_list;

struct forest {
	struct pep_forest trees;
	struct probe probe;
	uint32_t worst_compares, worst_live; /* as in struct image */
	uint32_t depth;
	uint32_t costliest[IMAGE_COSTLIEST];
};

/**
 * Appends the trees of @list to @buffer, and tries as many configurations as
 * @options allow.  @ret->trees: those that there are already, which stay; the
 * rest is of the new ones.  Returns 0, -ENOMEM, -EFBIG or -ECANCELED.
 */
int forest_build(const struct rule_list *list, bool ipv6, const struct image_options *options,
		 struct image_buffer *buffer, struct forest *ret);

#endif
