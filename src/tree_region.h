/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known about a packet at a node, and what that says about a list of
 * rules.  Used by tree*.c alone.
 */
#ifndef TREE_REGION_H
#define TREE_REGION_H

#include "tree.h"

/* What the path to a node has decided. */
struct region {
	uint32_t known[PEP_KEY_WORDS]; /* bits that were cut on */
	uint16_t port_low[2], port_high[2]; /* destination, source */
	uint32_t depth;
};

#define LIMITS_MOST 7

/*
 * A window of bits of a word, or limits that divide a port.  Where all port
 * bits above a window are decided, its children are intervals, and rules are
 * placed by their ranges rather than by the bits that they fix.
 */
struct cut {
	uint8_t word, shift, bits;
	bool interval; /* its children are intervals of a port */
	uint8_t port; /* of an interval: 0 destination, 1 source */
	uint8_t limits; /* 0: a window */
	uint16_t limit[LIMITS_MOST]; /* the first value of each child but the first */
	double gain; /* halvings of the list that a packet of some rule meets */
	double random_gain; /* the same of any packet that comes here */
	double copies; /* doublings of the rules */
	double growth; /* of the bytes that the list takes */
	double score; /* gain less what it costs */
};

/* How long a list is for those who meet it. */
struct load {
	double met; /* rules compared, if a policy is dead with a probability of HIDDEN_SHARE */
	size_t live; /* rules up to the first that all packets match; all, if there is none */
};

#define HIDDEN_SHARE 0.25f

/** The words in which the region reaches beyond the box. */
uint32_t region_beyond(const struct tree_builder *builder, const struct region *region,
		       const struct box *box);

/** Drops rules that the same policy makes needless in this region. How many are left. */
size_t region_prune(struct tree_builder *builder, const struct region *region, uint32_t *list,
		    size_t count);

/** How long a list is in a region. */
struct load region_load(struct tree_builder *builder, const struct region *region,
			const uint32_t *list, size_t count);

/** The region of a child. */
struct region region_child(const struct region *region, const struct cut *cut, uint32_t child);

/** Narrows the ports of the region before a cut into intervals to those of its child @n. */
void region_narrow(struct region *child, const struct cut *cut, uint32_t n);

/** Whether a window on the ports divides them into intervals: sets interval and port. */
void region_classify(const struct region *region, struct cut *cut);

/** Every bit of @bits bits. */
static inline uint32_t low_bits(unsigned int bits)
{
	return (1U << bits) - 1;
}

static inline uint32_t cut_children(const struct cut *cut)
{
	return cut->limits ? cut->limits + 1U : 1U << cut->bits;
}

/** Limits are compared one by one, each by a table of two. */
static inline uint32_t cut_table_bytes(const struct cut *cut)
{
	return cut->limits ? 16U * cut->limits : 8U << cut->bits;
}

/** How deep these tables are. */
static inline uint32_t cut_levels(const struct cut *cut)
{
	uint32_t levels = 1;

	while (cut->limits >> levels)
		levels++;
	return levels;
}

#endif
