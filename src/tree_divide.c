// SPDX-License-Identifier: Apache-2.0
#include "tree_divide.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "tree_spread.h"

/* What is known while lists are placed. */
struct placing {
	const struct tree_builder *builder;
	const struct region *region;
	const struct cut *cut;
	const struct rule_span *rules;
	struct division *division;
};

void division_clear(struct division *d)
{
	free(d->start);
	free(d->list);
	free(d->first);
	free(d->order);
}

static void count_rules(const struct placing *p)
{
	for (size_t i = 0; i < p->rules->count; i++) {
		struct spread s =
			spread_begin(p->region, p->cut, &p->builder->boxes[p->rules->list[i]]);

		do
			p->division->start[s.child]++;
		while (spread_next(&s));
	}
}

static void place_rules(const struct placing *p)
{
	struct division *d = p->division;

	for (size_t i = 0; i < p->rules->count; i++) {
		struct spread s =
			spread_begin(p->region, p->cut, &p->builder->boxes[p->rules->list[i]]);

		do
			d->list[d->start[s.child]++] = p->rules->list[i];
		while (spread_next(&s));
	}
}

/* Counts become the starts of the lists, one behind the other. */
static uint32_t sum_counts(struct division *d)
{
	uint32_t sum = 0, count;

	for (uint32_t i = 0; i <= d->children; i++) {
		count = d->start[i];
		d->start[i] = sum;
		sum += count;
	}
	return sum;
}

/* ---- children that one subtree serves */

static uint64_t list_hash(const struct division *d, uint32_t child)
{
	uint64_t hash = division_count(d, child);

	for (uint32_t i = d->start[child]; i < d->start[child + 1]; i++)
		hash = (hash ^ d->list[i]) * 0x9e3779b97f4a7c15ULL ^ hash >> 29;
	return hash ^ hash >> 32;
}

static bool same_list(const struct division *d, uint32_t a, uint32_t b)
{
	size_t count = division_count(d, a);

	return count == division_count(d, b) &&
	       !memcmp(d->list + d->start[a], d->list + d->start[b], count * sizeof(*d->list));
}

/*
 * What is cut further must not know the interval that it began with: all rules
 * have to reach from end to end of it.
 */
static bool all_reach(const struct placing *p, uint32_t child)
{
	const struct division *d = p->division;
	struct region region;
	unsigned int port = p->cut->port;

	if (!p->cut->interval)
		return true;
	region = region_child(p->region, p->cut, child);
	for (uint32_t i = d->start[child]; i < d->start[child + 1]; i++) {
		const struct box *box = &p->builder->boxes[d->list[i]];

		if (box->port_low[port] > region.port_low[port] ||
		    box->port_high[port] < region.port_high[port])
			return false;
	}
	return true;
}

/* Open addressing; an entry is a child + 1. */
static int find_firsts(const struct placing *p)
{
	struct division *d = p->division;
	uint32_t mask = 2 * d->children - 1;
	uint32_t *seen CLEANUP(cleanup_free) = calloc(mask + 1UL, sizeof(*seen));

	if (!seen)
		return -ENOMEM;
	for (uint32_t i = 0; i < d->children; i++) {
		uint32_t at;

		d->first[i] = i;
		if (!division_count(d, i) || !all_reach(p, i))
			continue;
		at = (uint32_t)list_hash(d, i) & mask;
		while (seen[at] && !same_list(d, seen[at] - 1, i))
			at = (at + 1) & mask;
		if (seen[at])
			d->first[i] = seen[at] - 1;
		else
			seen[at] = i + 1;
	}
	return 0;
}

/* Counting sort by length; all that are longer than LONG count as equal. */
static void sort_by_count(struct division *d)
{
	enum { LONG = 1023 };
	uint32_t start[LONG + 2] = { 0 };

	for (uint32_t i = 0; i < d->children; i++) {
		size_t count = division_count(d, i);

		if (count && d->first[i] == i)
			start[(count < LONG ? count : LONG) + 1]++;
	}
	for (unsigned int n = 1; n < LONG + 2; n++)
		start[n] += start[n - 1];
	d->distinct = start[LONG + 1];
	for (uint32_t i = 0; i < d->children; i++) {
		size_t count = division_count(d, i);

		if (count && d->first[i] == i)
			d->order[start[count < LONG ? count : LONG]++] = i;
	}
}

static int divide(const struct placing *p)
{
	struct division *d = p->division;

	d->start = calloc(d->children + 1UL, sizeof(*d->start));
	d->first = malloc(d->children * sizeof(*d->first));
	d->order = malloc(d->children * sizeof(*d->order));
	if (!d->start || !d->first || !d->order)
		return -ENOMEM;
	count_rules(p);
	d->list = calloc(sum_counts(d) + 1UL, sizeof(*d->list));
	if (!d->list)
		return -ENOMEM;
	place_rules(p);
	memmove(d->start + 1, d->start, d->children * sizeof(*d->start)); /* ends back to starts */
	d->start[0] = 0;
	return find_firsts(p);
}

int division_make(const struct tree_builder *builder, const struct region *region,
		  const struct cut *cut, const struct rule_span *rules, struct division *ret)
{
	struct division d = { .children = cut_children(cut) };
	const struct placing placing = { builder, region, cut, rules, &d };
	int error = divide(&placing);

	if (error) {
		division_clear(&d);
		return error;
	}
	sort_by_count(&d);
	*ret = d;
	return 0;
}
