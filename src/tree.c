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
 *    bit, so a node may also divide a port at one value, or into equal
 *    intervals (a window of all bits below those that are decided).
 *
 * 4. Replication is the enemy: a rule that does not fix the bits of a window
 *    is copied into all children that it leaves open.  A cut is worth what it
 *    divides less what it copies.  Rules that are wide in an address are kept
 *    apart, in a tree of their own (EffiCuts: Vamanan et al., 2010; image.c
 *    does that).
 *
 * 5. Room.  Every node is given the bytes that its subtree may take; a cut must
 *    fit, and what it leaves is shared out among the children that need more
 *    cuts.  Children are built shortest list first, and what one did not use
 *    goes to those that follow: copies are spent where lists stay long, and
 *    the whole tree fits by construction.
 *
 * 6. Children with the same rules are built once and shared, and so are equal
 *    leaves anywhere.
 *
 * 7. No rule is left out because one of another policy hides it: that policy
 *    may be deleted or expire while the image is in force.  But as long as it
 *    is there nobody compares what is behind it; so the length of a list is
 *    counted to the first rule that all packets of the node match, and what
 *    is behind it at a discount.  Long lists that are hidden need no cuts, and
 *    lists that nothing else shortens are cut such that they are hidden
 *    (tree_partition.c).  Only rules that one of the same policy hides go.
 */
#include "tree.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "rules.h"
#include "tree_cut.h"
#include "tree_divide.h"

#define ROOM_SHARE 0.5 /* of the room in doublings that one cut may take */
#define ROOM_SHARE_SHORT 0.75 /* of a list of up to SHORT rules */
#define SHORT 64
#define LEVELS_MOST 3 /* of one cut */
#define GROWTH_LEAST 1.06 /* a cut that copies nothing is always affordable */

/* A subtree in the making. */
struct node {
	struct rule_span rules;
	struct region region;
	struct load load;
	double room; /* bytes that it may take */
};

static int build_node(struct tree_builder *b, struct node *node, uint64_t *ret);

/* ---- leaves */

/* The policies with the most rules of a list. */
static void note_costliest(struct tree_builder *b, const struct node *node)
{
	size_t most[IMAGE_COSTLIEST] = { 0 }, run = 0;

	for (int i = 0; i < IMAGE_COSTLIEST; i++)
		b->costliest[i] = PEP_SLOT_NONE;
	for (size_t i = 0; i < node->load.live; i++) {
		uint32_t slot = b->boxes[node->rules.list[i]].slot;
		size_t at = IMAGE_COSTLIEST;

		run++;
		if (i + 1 < node->load.live && b->boxes[node->rules.list[i + 1]].slot == slot)
			continue;
		while (at > 0 && run > most[at - 1])
			at--;
		if (at < IMAGE_COSTLIEST) {
			size_t behind = IMAGE_COSTLIEST - 1 - at;

			memmove(&most[at + 1], &most[at], behind * sizeof(*most));
			memmove(&b->costliest[at + 1], &b->costliest[at],
				behind * sizeof(*b->costliest));
			most[at] = run;
			b->costliest[at] = slot;
		}
		run = 0;
	}
}

static int build_leaf(struct tree_builder *b, const struct node *node, uint64_t *ret)
{
	size_t count = node->rules.count;
	int64_t offset = 0;

	if (count > PEP_LEAF_RULES)
		return -EFBIG;
	if (count)
		offset = leaf_write(b, node->rules.list, count);
	if (offset < 0)
		return (int)offset;
	if (count > b->longest)
		b->longest = (uint32_t)count;
	if (node->load.live > b->longest_live) {
		b->longest_live = (uint32_t)node->load.live;
		note_costliest(b, node);
	}
	if (node->region.depth > b->depth)
		b->depth = node->region.depth;
	*ret = PEP_ENTRY_LEAF | (uint64_t)count << 32 | (uint64_t)offset;
	return 0;
}

/* ---- nodes */

static uint64_t cut_entry(const struct cut *cut, uint64_t offset)
{
	return (uint64_t)cut->word << 59 | (uint64_t)cut->bits << 55 | (uint64_t)cut->shift << 50 |
	       (uint64_t)PEP_THRESHOLD_NEVER << 32 | offset;
}

static uint64_t limit_entry(const struct cut *cut, uint32_t limit, uint64_t offset)
{
	return (uint64_t)cut->word << 59 | (uint64_t)cut->shift << 50 | (uint64_t)limit << 32 |
	       offset;
}

static void set_entry(struct tree_builder *b, int64_t table, uint32_t child, uint64_t entry)
{
	memcpy(b->buffer->data + table + 8 * (size_t)child, &entry, sizeof(entry));
}

/* What a child takes at least, and whether more would help it. */
static double child_least(const struct tree_builder *b, const struct division *d, uint32_t child)
{
	return (double)(division_count(d, child) * record_bytes(b));
}

static double child_need(const struct tree_builder *b, const struct division *d, uint32_t child)
{
	size_t count = division_count(d, child);

	return count > b->leaf_rules ? (double)count * log2((double)count / b->leaf_rules) : 0;
}

/* A family of siblings. */
struct brood {
	const struct division *division;
	const struct cut *cut;
	uint64_t *built; /* entries */
	double slack; /* room beyond what all take at least */
	double need; /* of those not built yet */
};

static int build_child(struct tree_builder *b, const struct node *node, struct brood *brood,
		       uint32_t n)
{
	const struct division *d = brood->division;
	double need = child_need(b, d, n), least = child_least(b, d, n);
	double share = need > 0 ? brood->slack * need / brood->need : 0;
	struct node child = {
		.rules = { d->list + d->start[n], division_count(d, n) },
		.region = region_child(&node->region, brood->cut, n),
		.room = least + (share > 0 ? share : 0),
	};
	size_t before = b->buffer->bytes;
	int error = build_node(b, &child, &brood->built[n]);

	brood->slack -= (double)(b->buffer->bytes - before) - least;
	brood->need -= need;
	return error;
}

/* Halves of halves of the children from @from to @to; @table has room for all limits. */
static uint64_t link_limits(struct tree_builder *b, const struct brood *brood, uint32_t from,
			    uint32_t to, int64_t table)
{
	uint32_t middle = (from + to + 1) / 2;
	int64_t here = table + 16 * ((int64_t)middle - 1);

	if (from == to)
		return brood->built[from];
	set_entry(b, here, 0, link_limits(b, brood, from, middle - 1, table));
	set_entry(b, here, 1, link_limits(b, brood, middle, to, table));
	return limit_entry(brood->cut, brood->cut->limit[middle - 1], (uint64_t)here);
}

/* Children that another one's subtree serves, or that no rule is in, and all entries. */
static uint64_t link_children(struct tree_builder *b, const struct brood *brood, int64_t table)
{
	const struct division *d = brood->division;

	for (uint32_t i = 0; i < d->children; i++) {
		if (!division_count(d, i))
			brood->built[i] = PEP_ENTRY_LEAF;
		brood->built[i] = brood->built[d->first[i]];
	}
	if (brood->cut->limits)
		return link_limits(b, brood, 0, d->children - 1, table);
	for (uint32_t i = 0; i < d->children; i++)
		set_entry(b, table, i, brood->built[i]);
	return cut_entry(brood->cut, (uint64_t)table);
}

static int build_children(struct tree_builder *b, const struct node *node, const struct cut *cut,
			  const struct division *d, uint64_t *ret)
{
	uint64_t *built CLEANUP(cleanup_free) = calloc(d->children, sizeof(*built));
	int64_t table = image_buffer_add(b->buffer, cut_table_bytes(cut));
	struct brood brood = { d, cut, built, .slack = node->room - cut_table_bytes(cut) };
	int error = table < 0 ? (int)table : 0;

	if (!built)
		error = -ENOMEM;
	for (uint32_t i = 0; i < d->distinct; i++) {
		brood.slack -= child_least(b, d, d->order[i]);
		brood.need += child_need(b, d, d->order[i]);
	}
	for (uint32_t i = 0; i < d->distinct && !error; i++)
		error = build_child(b, node, &brood, d->order[i]);
	if (error)
		return error;
	*ret = link_children(b, &brood, table);
	return 0;
}

/* By how much a cut may grow the list: it must leave something to those below. */
static double growth_most(const struct tree_builder *b, const struct node *node)
{
	double room = node->room / (double)(node->rules.count * record_bytes(b)), most;

	if (room < 1)
		return GROWTH_LEAST;
	most = pow(room, node->rules.count > SHORT ? ROOM_SHARE : ROOM_SHARE_SHORT);
	return most > GROWTH_LEAST ? most : GROWTH_LEAST;
}

static int build_node(struct tree_builder *b, struct node *node, uint64_t *ret)
{
	struct rule_span *rules = &node->rules;
	struct search search;
	struct division division;
	int error;

	rules->count = region_prune(b, &node->region, rules->list, rules->count);
	node->load = region_load(b, &node->region, rules->list, rules->count);
	search = (struct search){
		.builder = b,
		.list = rules->list,
		.count = rules->count,
		.region = &node->region,
		.load = node->load,
		.growth_most = growth_most(b, node),
		.room = node->room / (double)(rules->count * record_bytes(b)),
	};
	if (node->region.depth + LEVELS_MOST >= PEP_TREE_DEPTH || !cut_choose(&search))
		return tree_cancelled(b) ? -ECANCELED : build_leaf(b, node, ret);
	error = division_make(b, &node->region, &search.best, rules, &division);
	if (error)
		return error;
	error = build_children(b, node, &search.best, &division, ret);
	division_clear(&division);
	return error;
}

int tree_build(struct tree_builder *builder, uint32_t *list, size_t count, size_t room,
	       uint64_t *ret)
{
	struct node root = {
		.rules = { list, count },
		.region = { .port_high = { 0xffff, 0xffff } },
		.room = (double)room,
	};
	int error;

	builder->leaves = leaf_index_new();
	builder->trials = trials_new();
	error = builder->leaves && builder->trials ? build_node(builder, &root, ret) : -ENOMEM;
	leaf_index_free(&builder->leaves);
	free(builder->trials);
	builder->trials = NULL;
	return error;
}
