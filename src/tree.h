/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting one group of rules into a tree: the part of the classifier that
 * decides how fast it is.  Used by image.c alone; tree.c begins with how it
 * works.
 */
#ifndef TREE_H
#define TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pep.h"

struct rule;

/* The image's memory while it grows; offsets, since it moves. */
struct image_buffer {
	unsigned char *data;
	size_t bytes;
	size_t room;
};

/** Appends @bytes of zeros, a multiple of 8. Returns their offset, or -ENOMEM, -EFBIG. */
int64_t image_buffer_add(struct image_buffer *buffer, size_t bytes);

/* A rule as the cuts see it: for each word of the key the bits that it fixes. */
struct box {
	uint32_t value[PEP_KEY_WORDS];
	uint32_t fixed[PEP_KEY_WORDS];
	uint16_t port_low[2], port_high[2]; /* destination, source */
};

struct leaf_index; /* leaves by content, tree_leaf.c */

struct tree_builder {
	struct image_buffer *buffer;
	const struct rule *rules; /* in the order of their ranks */
	const struct box *boxes;
	const uint32_t *extras; /* offset / 8 of each rule's extra fields */
	struct leaf_index *leaves;
	bool ipv6;
	uint32_t leaf_rules; /* so few are not worth a cut */
	double budget; /* of copies of a rule along one path */
	size_t copies; /* rules in leaves so far */
	size_t copies_most;
	uint32_t depth; /* deepest so far */
	uint32_t longest; /* leaf so far */
};

/* A tree that was built. */
struct tree_result {
	uint64_t entry;
	double cost; /* of a lookup, in rule comparisons, expected */
};

/**
 * Builds the tree of @count rules, given by their indices in ascending order.
 * Returns 0, -ENOMEM, -EFBIG, or -E2BIG when @copies_most does not suffice.
 */
int tree_build(struct tree_builder *builder, const uint32_t *list, size_t count,
	       struct tree_result *ret);

/* ---- tree_cut.c */

/* What the path to a node has decided. */
struct region {
	uint32_t known[PEP_KEY_WORDS]; /* bits that were cut on */
	uint16_t port_low[2], port_high[2]; /* by thresholds; destination, source */
	double copies; /* product of what the cuts above replicated */
	uint32_t depth;
};

struct cut {
	uint8_t word, shift, bits;
	uint32_t threshold; /* 0: a window of bits */
	double score;
	double replication;
};

/** Chooses how to cut; false: a leaf is better. */
bool cut_choose(const struct tree_builder *builder, const uint32_t *list, size_t count,
		const struct region *region, struct cut *ret);

/** The bits of a word that a window shows. */
static inline uint32_t window_of(uint32_t word, unsigned int shift, unsigned int bits)
{
	return word >> shift & ((1U << bits) - 1);
}

/* ---- tree_leaf.c */

/** An empty index, or NULL. */
struct leaf_index *leaf_index_new(void);
/** Frees it. Tolerates NULL. */
void leaf_index_free(struct leaf_index **index);

/** Writes the rules of a leaf, or finds the same ones written. Its offset or -errno. */
int64_t leaf_write(struct tree_builder *builder, const uint32_t *list, size_t count);

#endif
