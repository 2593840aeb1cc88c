/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an overlay is compiled.  While changes come quickly most of its policies
 * were in the last one too.  So one that has become large is kept as the older
 * layer of those that follow: they begin with a copy of it, in which policies
 * that are in it no more are made to match nothing, and only what is fresh is
 * compiled, as trees of its own.  Shared by the datapath_*.c files only.
 */
#ifndef DATAPATH_LAYERS_H
#define DATAPATH_LAYERS_H

#include "datapath_base.h"
#include "image.h"
#include "image_records.h"

struct rules_names;

/* What an overlay is laid over, and what for. */
struct layer {
	const struct datapath_base *base;
	struct datapath_policies wanted;
	struct base_difference difference;
	uint32_t flags; /* of the state */
	uint32_t
		older_least; /* policies of an overlay that is kept as an older layer; 0: as usual */
};

/* A cache: whether it helps depends on what is wanted next, not what comes out. */
struct older_layer {
	struct policyset *set; /* whose rules it has; NULL: there is none */
	uint32_t *slot; /* of set->policy[i] */
	struct ranking ranking[PEP_FAMILIES]; /* of the set, among the base */
	struct image image;
	struct image_records records; /* of the image */
	struct policyset *base; /* of the main image */
	struct address_sets *sets; /* NULL: none */
};

/**
 * Compiles the overlay, with the help of the older layer, which it may exchange. @older NULL: there
 * is none and none is kept. Returns 0, -ENOMEM, what rules_count() gives, or -ERANGE, -ENOSPC,
 * -EFBIG or -E2BIG when it takes a new main image instead.
 */
int layer_compile(const struct layer *layer, const struct rules_names *names,
		  struct older_layer *older, struct image *ret);

/** Frees what it holds. */
void older_layer_clear(struct older_layer *older);

#endif
