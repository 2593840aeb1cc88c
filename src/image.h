/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiled classifier: a position-independent block of memory, made of
 * rules alone (see pep.h for its layout and image.c for how it is cut).
 */
#ifndef IMAGE_H
#define IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pep.h"

struct rules;

#define IMAGE_COSTLIEST 3 /* policies that are named */

struct image {
	struct pep_image *data;
	size_t bytes;
	uint32_t worst_compares; /* most rules that one lookup can compare, whatever policies die */
	uint32_t worst_live; /* the same while all policies are in force */
	uint32_t depth;
	double expected_compares; /* of a packet that is a random point of a random rule */
	double expected_nodes;
	uint32_t costliest[IMAGE_COSTLIEST]; /* slots, see image_costliest() */
};

enum image_effort {
	IMAGE_FIRST, /* the first configuration */
	IMAGE_BEST, /* the best of some configurations */
};

#define IMAGE_WORK_USUAL 50000000 /* a second or two */

struct image_options {
	uint32_t flags; /* PEP_IMAGE_ */
	enum image_effort effort;
	size_t bytes_most; /* of the image; 0: as many as there can be */
	uint64_t work_most; /* another configuration is tried only up to so many rules looked
			       at, some 10 ns each; 0: no such limit */
	const struct image *onto; /* its trees stay, and those compiled come to them; NULL: none */
	const bool *cancelled; /* set by another thread, atomically, to end the build; or NULL */
};

/**
 * Compiles @rules. The same rules and options give the same bytes; it keeps no
 * state, so threads may build at the same time. Rules of one slot are one
 * policy's: they are expected to follow each other.
 * Returns 0, -ENOMEM, -EFBIG when it does not fit in an image, when a
 * lookup could run into one of the programs' bounds, or @options->onto leaves
 * no room for trees; -ECANCELED within some
 * hundredths of a second of @options->cancelled.
 */
int image_build_with(const struct rules *rules, const struct image_options *options,
		     struct image *ret);

/** The same; how much effort depends on how many rules there are. */
int image_build(const struct rules *rules, uint32_t flags, struct image *ret);

/**
 * The policies with the most rules in the longest leaf, where the most rules
 * are compared: up to IMAGE_COSTLIEST slots. How many they are.
 */
size_t image_costliest(const struct image *image, uint32_t ret_slots[IMAGE_COSTLIEST]);

/** 0 if @data of @bytes is whole and of this ABI, else -EBADMSG. */
int image_verify(const struct pep_image *data, size_t bytes);

/** Frees the memory. */
void image_clear(struct image *image);

#endif
