// SPDX-License-Identifier: Apache-2.0
/*
 * How rules become a tree.
 *
 * The simplest correct classifier is the list of all rules in the order of
 * their ranks: compare each, the first that matches wins.  Everything here is
 * about comparing fewer, and nothing here can make the answer wrong: a leaf
 * holds whole rules in that same order, and every rule that can match a packet
 * is in the leaf that the packet reaches.
 *
 * 1. Cutting (HiCuts: Gupta and McKeown, 1999).  A node divides the space of
 *    keys into children and each rule goes into every child that it overlaps.
 *    A packet follows one child a level.
 *
 * 2. Bits instead of ranges (bit selection; the idea goes back to the modular
 *    classification of Woo, 2000).  A child is chosen by a window of bits out
 *    of one word of the key.  The window may lie anywhere in the word: bits in
 *    which all rules agree need not be spent a level on, because the leaf
 *    compares whole rules anyway.
 *
 * 3. Thresholds (HyperSplit: Qi et al., 2009).  A port range fixes hardly any
 *    bit, so a node may also divide a port at one value.
 *
 * 4. Replication is the enemy: a rule that does not fix the bits of a window
 *    is copied into all children that it leaves open.  A cut is worth what it
 *    divides less what it copies, a path has a budget of copies, and the whole
 *    tree too.  Rules that are wide in an address are kept apart, in a tree of
 *    their own (EffiCuts: Vamanan et al., 2010; image.c does that).
 *
 * 5. Children with the same rules are built once and shared, and so are equal
 *    leaves anywhere.
 *
 * No rule is left out because another one in front of it hides it: that one's
 * policy may be deleted or expire while the image is in force.
 */
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "rules.h"

#define COST_LEVEL 1.5 /* of a level, in rule comparisons */

static int build_node(struct tree_builder *b, const uint32_t *list, size_t count,
		      const struct region *region, struct tree_result *ret);

static int build_leaf(struct tree_builder *b, const uint32_t *list, size_t count,
		      const struct region *region, struct tree_result *ret)
{
	int64_t offset = 0;

	if (count > PEP_LEAF_RULES)
		return -EFBIG;
	if (count)
		offset = leaf_write(b, list, count);
	if (offset < 0)
		return (int)offset;
	if (b->copies > b->copies_most)
		return -E2BIG;
	if (count > b->longest)
		b->longest = (uint32_t)count;
	if (region->depth > b->depth)
		b->depth = region->depth;
	ret->entry = PEP_ENTRY_LEAF | (uint64_t)count << 32 | (uint64_t)offset;
	ret->cost = (double)count / 2;
	return 0;
}

/* ---- dividing a list among children */

struct division {
	uint32_t children;
	uint32_t *start; /* of each child's list in `list`, children + 1 of them */
	uint32_t *list;
};

static void division_clear(struct division *d)
{
	free(d->start);
	free(d->list);
}

/*
 * Calls itself through every child that a box overlaps, in two passes over the
 * list: one counts, one fills in.
 */
static void division_place(struct division *d, const struct cut *cut, const struct box *box,
			   uint32_t index, bool fill)
{
	uint32_t value = window_of(box->value[cut->word], cut->shift, cut->bits);
	uint32_t fixed = window_of(box->fixed[cut->word], cut->shift, cut->bits);
	uint32_t open = ~fixed & ((1U << cut->bits) - 1), sub = 0;
	unsigned int port = cut->shift == 16;

	if (cut->threshold) {
		for (uint32_t side = 0; side < 2; side++) {
			if (side ? box->port_high[port] < cut->threshold
				 : box->port_low[port] >= cut->threshold)
				continue;
			if (fill)
				d->list[d->start[side]] = index;
			d->start[side]++;
		}
		return;
	}
	do { /* all subsets of the open bits */
		uint32_t child = (value & fixed) | sub;

		if (fill)
			d->list[d->start[child]] = index;
		d->start[child]++;
		sub = (sub - open) & open;
	} while (sub);
}

/* Counts become the starts of the lists, one behind the other. */
static uint32_t division_sum(struct division *d)
{
	uint32_t sum = 0, count;

	for (uint32_t i = 0; i <= d->children; i++) {
		count = d->start[i];
		d->start[i] = sum;
		sum += count;
	}
	return sum;
}

static int divide(const struct tree_builder *b, const uint32_t *list, size_t count,
		  const struct cut *cut, struct division *ret)
{
	struct division d = { .children = cut->threshold ? 2 : 1U << cut->bits };

	d.start = calloc(d.children + 1, sizeof(*d.start));
	if (!d.start)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		division_place(&d, cut, &b->boxes[list[i]], list[i], false);
	d.list = calloc(division_sum(&d) + 1, sizeof(*d.list));
	if (!d.list) {
		division_clear(&d);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		division_place(&d, cut, &b->boxes[list[i]], list[i], true);
	memmove(d.start + 1, d.start, d.children * sizeof(*d.start)); /* ends back to starts */
	d.start[0] = 0;
	*ret = d;
	return 0;
}

/* ---- children with equal lists */

struct shared_child {
	uint64_t hash;
	uint32_t child;
};

static uint64_t list_hash(const uint32_t *list, size_t count)
{
	uint64_t hash = count;

	for (size_t i = 0; i < count; i++)
		hash = (hash ^ list[i]) * 0x9e3779b97f4a7c15ULL ^ hash >> 29;
	return hash;
}

static int compare_shared(const void *a, const void *b)
{
	const struct shared_child *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->child < y->child ? -1 : 1;
}

static bool same_list(const struct division *d, uint32_t a, uint32_t b)
{
	size_t count = d->start[a + 1] - d->start[a];

	return count == d->start[b + 1] - d->start[b] &&
	       !memcmp(d->list + d->start[a], d->list + d->start[b], count * sizeof(*d->list));
}

/* For each child the first one with the same list. */
static int find_shared(const struct division *d, uint32_t **ret)
{
	struct shared_child *sorted CLEANUP(cleanup_free) = malloc(d->children * sizeof(*sorted));
	uint32_t *first = malloc(d->children * sizeof(*first));

	if (!sorted || !first) {
		free(first);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < d->children; i++) {
		sorted[i].child = i;
		sorted[i].hash = list_hash(d->list + d->start[i], d->start[i + 1] - d->start[i]);
	}
	qsort(sorted, d->children, sizeof(*sorted), compare_shared);
	for (uint32_t i = 0; i < d->children; i++) {
		uint32_t child = sorted[i].child;

		first[child] = child;
		if (i > 0 && sorted[i].hash == sorted[i - 1].hash &&
		    same_list(d, child, sorted[i - 1].child))
			first[child] = first[sorted[i - 1].child];
	}
	*ret = first;
	return 0;
}

/* ---- nodes */

static uint64_t cut_entry(const struct cut *cut, uint64_t offset)
{
	uint64_t threshold = cut->threshold ? cut->threshold : PEP_THRESHOLD_NEVER;

	return (uint64_t)cut->word << 59 | (uint64_t)cut->bits << 55 | (uint64_t)cut->shift << 50 |
	       threshold << 32 | offset;
}

static struct region child_region(const struct region *region, const struct cut *cut, bool upper)
{
	struct region child = *region;
	unsigned int port = cut->shift == 16;

	child.depth++;
	child.copies *= cut->replication;
	if (!cut->threshold)
		child.known[cut->word] |= ((1U << cut->bits) - 1) << cut->shift;
	else if (upper)
		child.port_low[port] = (uint16_t)cut->threshold;
	else
		child.port_high[port] = (uint16_t)(cut->threshold - 1);
	return child;
}

static void set_entry(struct tree_builder *b, int64_t node, uint32_t child, uint64_t entry)
{
	memcpy(b->buffer->data + node + 8 * (size_t)child, &entry, sizeof(entry));
}

/* A lookup reaches a child about as often as its share of the copies. */
static int build_children(struct tree_builder *b, const struct division *d, const struct cut *cut,
			  const struct region *region, struct tree_result *ret)
{
	int64_t node = image_buffer_add(b->buffer, 8 * (size_t)d->children);
	uint32_t *first CLEANUP(cleanup_free) = NULL;
	double total = d->start[d->children], cost = 0;
	struct tree_result *built CLEANUP(cleanup_free) = calloc(d->children, sizeof(*built));
	int error = node < 0 ? (int)node : find_shared(d, &first);

	if (!error && !built)
		error = -ENOMEM;
	for (uint32_t i = 0; i < d->children && !error; i++) {
		size_t count = d->start[i + 1] - d->start[i];
		uint32_t same = cut->threshold ? i : first[i];
		struct region child = child_region(region, cut, i == 1);

		if (same != i)
			built[i] = built[same];
		else
			error = build_node(b, d->list + d->start[i], count, &child, &built[i]);
		if (error)
			break;
		set_entry(b, node, i, built[i].entry);
		cost += (double)count / total * built[i].cost;
	}
	ret->entry = cut_entry(cut, (uint64_t)node);
	ret->cost = COST_LEVEL + cost;
	return error;
}

static int build_node(struct tree_builder *b, const uint32_t *list, size_t count,
		      const struct region *region, struct tree_result *ret)
{
	struct division division;
	struct cut cut;
	int error;

	if (region->depth >= PEP_TREE_DEPTH - 1 || !cut_choose(b, list, count, region, &cut))
		return build_leaf(b, list, count, region, ret);
	error = divide(b, list, count, &cut, &division);
	if (error)
		return error;
	error = build_children(b, &division, &cut, region, ret);
	division_clear(&division);
	return error;
}

int tree_build(struct tree_builder *builder, const uint32_t *list, size_t count,
	       struct tree_result *ret)
{
	struct region region = { .port_high = { 0xffff, 0xffff }, .copies = 1 };

	return build_node(builder, list, count, &region, ret);
}
