/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks headers up in a forest as the kernel programs do, and counts what it
 * takes: how the builder compares forests.
 */
#ifndef IMAGE_WALK_H
#define IMAGE_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "pep.h"

struct rule_list;

struct walk {
	uint32_t rank; /* of the match, ~0: none */
	uint32_t trees;
	uint32_t nodes;
	uint32_t compares;
	uint32_t matches; /* rules whose slot was asked for */
};

/**
 * Looks @key up in a forest of an image. Extra fields are taken for matching.
 * If @dead is not 0, slots n with n % @dead == 1 match nothing.
 */
struct walk image_walk(const void *image, const struct pep_forest *forest,
		       const struct pep_key *key, uint32_t dead);

struct probe {
	double nodes, compares; /* of the average packet */
	uint32_t most; /* compares of the worst of those looked up */
};

/** Looks up some packets that are random points of @list's rules; the same ones for the same list. */
struct probe image_probe(const void *image, const struct pep_forest *forest,
			 const struct rule_list *list, bool ipv6);

#endif
