// SPDX-License-Identifier: Apache-2.0
/*
 * Each group of rules (image_plan.c) has a tree of its own.  A lookup visits the
 * trees in the order of their best ranks and stops when what it found beats all
 * that is left.
 *
 * The first plan is good for most sets; others are tried as far as the caller
 * has time, and the one that promises the cheapest lookups is kept.
 */
#include "image_forest.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "image_layout.h"
#include "image_plan.h"
#include "image_trees.h"
#include "image_walk.h"
#include "rules.h"

#define LARGE_SET 50000
#define LEAF_RULES 8
#define LEAF_RULES_LARGE 12 /* where a level is a cache miss */
#define ROOM_SLACK 4096 /* bytes */
#define NODE_PRICE 1.5 /* of a level, in rule comparisons */
#define WORST_PRICE (1.0 / 64) /* of a comparison of the worst packet in those of the average one */
#define WORST_FINE 256 /* about 2 us: no need to spend more memory */
#define COST_FINE 8 /* hardly any plan is better */
#define WORST_PRICE_BEYOND 0.25 /* beyond WORST_FINE */
#define BETTER 0.95 /* of the cost: worth more memory */
#define ROOM_MORE 5.5 /* where there are packets that take too long */

/* A forest in the making. */
struct growth {
	const struct rule_list *list;
	const struct image_options *options;
	struct image_buffer *buffer;
	bool ipv6;
	uint32_t words;
	struct box *boxes;
	uint32_t *extras;
	struct groups groups;
	size_t start; /* where the trees begin in the buffer */
	uint64_t work;
	struct forest forest; /* of the last plan */
};

static void growth_clear(struct growth *g)
{
	free(g->boxes);
	free(g->extras);
	for (int i = 0; i < GROUPS; i++)
		free(g->groups.rule[i]);
}

/* Rules of one policy follow each other and mostly share their extra fields. */
static int write_extras(struct growth *g)
{
	const struct rule *rules = g->list->rule;

	for (size_t i = 0; i < g->list->count; i++) {
		int64_t offset;

		if (!(rules[i].flags & PEP_RULE_EXTRA))
			continue;
		if (i > 0 && g->extras[i - 1] &&
		    !memcmp(&rules[i].extra, &rules[i - 1].extra, sizeof(rules[i].extra))) {
			g->extras[i] = g->extras[i - 1];
			continue;
		}
		offset = image_buffer_add(g->buffer, sizeof(struct pep_extra));
		if (offset < 0)
			return (int)offset;
		memcpy(g->buffer->data + offset, &rules[i].extra, sizeof(rules[i].extra));
		g->extras[i] = (uint32_t)(offset / 8);
	}
	return 0;
}

static void make_boxes(struct growth *g)
{
	for (size_t i = 0; i < g->list->count; i++) {
		box_make(&g->list->rule[i], &g->boxes[i]);
		for (unsigned int word = 0; word < PEP_KEY_WORDS; word++)
			g->words |= !!box_fixed(&g->boxes[i], word) << word;
	}
}

static int growth_make(struct growth *g)
{
	size_t count = g->list->count + 1;

	g->boxes = malloc(count * sizeof(*g->boxes));
	g->extras = calloc(count, sizeof(*g->extras));
	if (!g->boxes || !g->extras)
		return -ENOMEM;
	for (int i = 0; i < GROUPS; i++) {
		g->groups.rule[i] = malloc(count * sizeof(*g->groups.rule[i]));
		if (!g->groups.rule[i])
			return -ENOMEM;
	}
	make_boxes(g);
	return write_extras(g);
}

/* ---- one plan */

static void forest_empty(struct forest *forest)
{
	memset(forest, 0, sizeof(*forest));
	forest->trees = trees_none;
	for (unsigned int i = 0; i < IMAGE_COSTLIEST; i++)
		forest->costliest[i] = PEP_SLOT_NONE;
}

/* What a tree adds to the forest; @longest: its longest leaf so far. */
static void forest_add(struct forest *forest, const struct tree_builder *b, uint32_t *longest)
{
	forest->worst_compares += b->longest;
	forest->worst_live += b->longest_live;
	forest->depth = forest->depth > b->depth ? forest->depth : b->depth;
	if (b->longest_live <= *longest)
		return;
	*longest = b->longest_live;
	memcpy(forest->costliest, b->costliest, sizeof(forest->costliest));
}

static size_t rules_bytes(const struct growth *g, size_t count)
{
	return count * (g->ipv6 ? sizeof(struct pep_rule6) : sizeof(struct pep_rule4));
}

static int build_tree(struct growth *g, unsigned int group, const struct plan *plan,
		      struct tree_builder *b, uint64_t *ret)
{
	size_t count = g->groups.count[group];
	double room = plan->thrift.room * (double)rules_bytes(g, count);
	int error;

	*b = (struct tree_builder){
		.buffer = g->buffer,
		.rules = g->list->rule,
		.boxes = g->boxes,
		.extras = g->extras,
		.ipv6 = g->ipv6,
		.words = g->words,
		.leaf_rules = count > LARGE_SET ? LEAF_RULES_LARGE : LEAF_RULES,
		.copy_price = plan->thrift.copy_price,
		.table_price = plan->thrift.table_price,
		.cancelled = g->options->cancelled,
	};
	error = tree_build(b, g->groups.rule[group], count, (size_t)room + ROOM_SLACK, ret);
	g->work += b->work;
	return error;
}

static int run_plan(struct growth *g, const struct plan *plan)
{
	uint32_t longest = 0;
	unsigned int trees = 0;

	g->buffer->bytes = g->start;
	forest_empty(&g->forest);
	plan_groups(plan, g->list, &g->groups);
	for (unsigned int i = 0; i < GROUPS; i++) {
		struct tree_builder b;
		struct pep_tree *tree = &g->forest.trees.tree[trees];
		uint64_t entry;
		int error;

		if (!g->groups.count[i])
			continue;
		tree->best_rank = g->list->rule[g->groups.rule[i][0]].rank;
		error = build_tree(g, i, plan, &b, &entry);
		if (error)
			return error;
		tree->entry = entry;
		trees++;
		forest_add(&g->forest, &b, &longest);
	}
	trees_add(&g->forest.trees, &trees_none);
	g->forest.probe = image_probe(g->buffer->data, &g->forest.trees, g->list, g->ipv6);
	return 0;
}

/* ---- the search */

/* The best forest so far, and its bytes when another one was built over them. */
struct best {
	struct forest forest;
	double cost;
	unsigned char *data;
	size_t bytes;
};

static double forest_cost(const struct forest *forest)
{
	double worst = forest->worst_live, cost = WORST_PRICE * worst;

	if (worst > WORST_FINE)
		cost += WORST_PRICE_BEYOND * (worst - WORST_FINE);
	return cost + NODE_PRICE * forest->probe.nodes + forest->probe.compares;
}

static int best_save(const struct growth *g, struct best *best)
{
	unsigned char *data;

	best->bytes = g->buffer->bytes - g->start;
	data = realloc(best->data, best->bytes + 1);
	if (!data)
		return -ENOMEM;
	memcpy(data, g->buffer->data + g->start, best->bytes);
	best->data = data;
	best->forest = g->forest;
	best->cost = forest_cost(&g->forest);
	return 0;
}

/* Keeps the last plan's forest if its cost is @factor of the best one's or less. */
static int best_keep(const struct growth *g, struct best *best, double factor, bool *ret_kept)
{
	*ret_kept = forest_cost(&g->forest) <= factor * best->cost;
	return *ret_kept ? best_save(g, best) : 0;
}

static int best_restore(struct growth *g, const struct best *best)
{
	int64_t offset;

	g->buffer->bytes = g->start;
	offset = image_buffer_add(g->buffer, best->bytes);
	if (offset < 0)
		return (int)offset;
	memcpy(g->buffer->data + offset, best->data, best->bytes);
	g->forest = best->forest;
	return 0;
}

static bool may_go_on(const struct growth *g)
{
	uint64_t most = g->options->work_most;

	return g->options->effort == IMAGE_BEST && g->list->count > FEW_RULES &&
	       (!most || g->work < most);
}

/* Other groups, as thrifty as that. */
static int try_groups(struct growth *g, const struct thrift *thrift, struct plan *plan,
		      struct best *best)
{
	const uint8_t *pinned = plan_pinned[g->ipv6 ? PEP_IPV6 : PEP_IPV4];

	for (unsigned int i = thrift == plan_thrifts;
	     i < 4 && may_go_on(g) && best->cost > COST_FINE; i++) {
		struct plan other = { pinned[i & 1], i >> 1, *thrift };
		bool kept;
		int error;

		if (!plan_groups(&other, g->list, &g->groups) && i)
			continue;
		error = run_plan(g, &other);
		if (!error)
			error = best_keep(g, best, 1, &kept);
		if (error)
			return error;
		if (kept)
			*plan = other;
	}
	return 0;
}

/* More memory, where there are packets that take too long. */
static int try_more_room(struct growth *g, struct plan *plan, struct best *best)
{
	bool kept;
	int error;

	if (!may_go_on(g) || best->forest.worst_live <= WORST_FINE)
		return 0;
	plan->thrift.room = ROOM_MORE;
	error = run_plan(g, plan);
	return error ? error : best_keep(g, best, BETTER, &kept);
}

/* What does not fit is no error: there is one that does. */
static int improve(struct growth *g, struct plan *plan)
{
	struct best best = { 0 };
	int error = best_save(g, &best);

	if (!error)
		error = try_groups(g, &plan_thrifts[0], plan, &best);
	if (!error)
		error = try_groups(g, &plan_thrifts[1], plan, &best);
	if (!error)
		error = try_more_room(g, plan, &best);
	if (!error || (error == -EFBIG && best.data))
		error = best_restore(g, &best);
	free(best.data);
	return error;
}

/* With all the room that is usual, else with ever less of what is left of the image. */
static int run_fitting_plan(struct growth *g, struct plan *plan)
{
	static const struct {
		double share, copy_price; /* the dearer, the later room is spent */
	} less[] = { { 0.9, 2 }, { 0.7, 3 }, { 0, 1 } };
	double left = (double)(g->buffer->most - g->start);
	double fitting = left / (double)rules_bytes(g, g->list->count);
	int error = run_plan(g, plan);

	for (size_t i = 0; error == -EFBIG && i < ARRAY_SIZE(less); i++) {
		plan->thrift.room = fmax(less[i].share * fitting, 1);
		plan->thrift.copy_price = less[i].copy_price;
		error = run_plan(g, plan);
	}
	return error;
}

static int search(struct growth *g)
{
	struct plan plan = { plan_pinned[g->ipv6 ? PEP_IPV6 : PEP_IPV4][0], false,
			     plan_thrifts[0] };
	int error;

	if (plan_ample.room * (double)rules_bytes(g, g->list->count) <
	    (double)g->options->bytes_most)
		plan.thrift = plan_ample;
	error = run_fitting_plan(g, &plan);
	return error || !may_go_on(g) ? error : improve(g, &plan);
}

int forest_build(const struct rule_list *list, bool ipv6, const struct image_options *options,
		 struct image_buffer *buffer, struct forest *ret)
{
	const struct pep_forest before = ret->trees;
	struct growth g = { .list = list, .options = options, .buffer = buffer, .ipv6 = ipv6 };
	int error;

	g.groups.most = PEP_TREES - trees_count(&before);
	forest_empty(&g.forest);
	if (!list->count) {
		*ret = g.forest;
		ret->trees = before;
		return 0;
	}
	if (!g.groups.most)
		return -EFBIG;
	error = growth_make(&g);
	g.start = buffer->bytes;
	if (!error)
		error = search(&g);
	growth_clear(&g);
	if (error)
		return error;
	error = image_layout(buffer, g.start, &g.forest.trees, ipv6);
	trees_add(&g.forest.trees, &before);
	*ret = g.forest;
	return error == -EFBIG ? 0 : error; /* it is slower where it is, and fits */
}
