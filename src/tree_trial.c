// SPDX-License-Identifier: Apache-2.0
/*
 * A cut tried on all rules of a node.  What counts is the list that a packet
 * meets, and of it what it compares: after a rule that all packets of a child
 * match, the rest is met only by those that find its policy dead.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tree_cut.h"
#include "tree_spread.h"

#define COPIES_MOST 16 /* of a list, in a trial */
#define COPIES_SLACK 1024
#define RANDOM_LEAST 1.0 /* rules: shorter is not worth anything */

struct trial {
	uint64_t hash; /* of the list */
	uint32_t count;
	float weight; /* share of the rules' space that lies in the child */
	float met; /* rules that a packet compares */
	float pass; /* how likely it comes so far */
	uint32_t hides; /* slot of the last rule that all packets match */
	bool covered;
};

struct trials {
	struct trial child[1 << WINDOW_BITS_MOST];
	uint32_t seen[2 << WINDOW_BITS_MOST]; /* children by their lists' hashes, + 1 */
};

struct trials *trials_new(void)
{
	return malloc(sizeof(struct trials));
}

/* Whether the rule takes all packets of its children, but for those the cut port keeps out. */
static bool closes(const struct search *s, const struct cut *cut, const struct box *box,
		   const struct region *after)
{
	uint32_t open = box_fixed(box, cut->word) & ~after->known[cut->word];

	if (!(box->flags & BOX_COVERS) || (open && cut->word != PEP_KEY_PORTS))
		return false;
	return !region_beyond(s->builder, after, box);
}

/* A rule in one of its children. */
struct visit {
	uint64_t id; /* of the rule; and of the child where its interval matters further down */
	uint32_t slot;
	float share; /* of the rule */
	bool covers;
};

static void trial_add(struct trial *t, const struct visit *visit)
{
	if (t->covered && t->hides == visit->slot)
		return;
	t->count++;
	t->hash = (t->hash ^ visit->id) * 0x9e3779b97f4a7c15ULL ^ t->hash >> 29;
	t->weight += visit->share;
	t->met += t->pass;
	if (!visit->covers)
		return;
	t->pass *= HIDDEN_SHARE;
	t->covered = true;
	t->hides = visit->slot;
}

/* Only the ends of a range can lie within a child, and keep other packets of it out. */
static void visit_interval(struct visit *visit, const struct search *s, const struct cut *cut,
			   uint32_t child)
{
	const struct box *box = &s->builder->boxes[visit->id];
	struct region region = *s->region;

	region_narrow(&region, cut, child);
	if (box->port_low[cut->port] <= region.port_low[cut->port] &&
	    box->port_high[cut->port] >= region.port_high[cut->port])
		return;
	visit->id |= (uint64_t)(child + 1) << 32;
	visit->covers = false;
}

static void add_range(const struct search *s, const struct cut *cut, const struct spread *spread,
		      struct visit *visit)
{
	struct trial *trials = s->builder->trials->child;

	visit->share = 1.0F / (float)(spread->last - spread->first + 1);
	for (uint32_t child = spread->first; child <= spread->last; child++) {
		struct visit here = *visit;

		if (child == spread->first || child == spread->last)
			visit_interval(&here, s, cut, child);
		trial_add(&trials[child], &here);
	}
}

static void add_rule(const struct search *s, const struct cut *cut, uint32_t rule,
		     const struct region *after)
{
	const struct box *box = &s->builder->boxes[rule];
	struct spread spread = spread_begin(s->region, cut, box);
	struct visit visit = { rule, box->slot, 1, closes(s, cut, box, after) };

	if (spread.interval) {
		add_range(s, cut, &spread, &visit);
		return;
	}
	if (spread.open)
		visit.share = 1.0F / (float)(1U << __builtin_popcount(spread.open));
	do
		trial_add(&s->builder->trials->child[spread.child], &visit);
	while (spread_next(&spread));
}

static size_t spread_count(const struct spread *s)
{
	if (s->interval)
		return s->last - s->first + 1;
	return s->open ? 1UL << __builtin_popcount(s->open) : 1;
}

static bool fill(struct search *s, const struct cut *cut)
{
	size_t copies = 0, most = COPIES_MOST * s->count + COPIES_SLACK;
	struct region after = *s->region;

	after.known[cut->word] |= cut->limits ? 0 : low_bits(cut->bits) << cut->shift;
	if (cut->interval) { /* as if every range reached from end to end of its children */
		after.port_low[cut->port] = UINT16_MAX;
		after.port_high[cut->port] = 0;
	}
	for (uint32_t i = 0; i < cut_children(cut); i++)
		s->builder->trials->child[i] = (struct trial){ .pass = 1 };
	for (size_t i = 0; i < s->count; i++) {
		const struct box *box = &s->builder->boxes[s->list[i]];
		struct spread spread = spread_begin(s->region, cut, box);

		copies += spread_count(&spread);
		if (copies > most)
			return false;
		add_rule(s, cut, s->list[i], &after);
	}
	s->builder->work += copies;
	return true;
}

/* Children with equal lists share their subtree. */
static size_t distinct_copies(struct search *s, uint32_t children)
{
	uint32_t *seen = s->builder->trials->seen, mask = 2 * children - 1;
	const struct trial *trials = s->builder->trials->child;
	size_t copies = 0;

	memset(seen, 0, (mask + 1UL) * sizeof(*seen));
	for (uint32_t i = 0; i < children; i++) {
		uint32_t at = (uint32_t)(trials[i].hash >> 32) & mask;

		while (seen[at] && trials[seen[at] - 1].hash != trials[i].hash)
			at = (at + 1) & mask;
		if (seen[at])
			continue;
		seen[at] = i + 1;
		copies += trials[i].count;
	}
	return copies;
}

/* Of all that comes here at random. */
static double child_share(const struct region *region, const struct cut *cut, uint32_t n)
{
	struct region child = *region;
	int all = region->port_high[cut->port] - region->port_low[cut->port] + 1, here;

	if (!cut->limits)
		return 1.0 / cut_children(cut);
	region_narrow(&child, cut, n);
	here = child.port_high[cut->port] - child.port_low[cut->port] + 1;
	return (double)here / all;
}

bool trial_run(struct search *s, struct cut *cut)
{
	double record = (double)record_bytes(s->builder), met = 0, weight = 0, random = 0;
	uint32_t children = cut_children(cut);
	size_t copies;

	if (!fill(s, cut))
		return false;
	copies = distinct_copies(s, children);
	for (uint32_t i = 0; i < children; i++) {
		const struct trial *t = &s->builder->trials->child[i];

		met += (double)t->weight * t->met;
		weight += t->weight;
		random += child_share(s->region, cut, i) * t->met;
	}
	cut->growth = ((double)copies + cut_table_bytes(cut) / record) / (double)s->count;
	if (cut->growth > s->growth_most || weight <= 0)
		return false;
	cut->gain = log2(s->load.met * weight / met);
	cut->random_gain = log2(s->load.met / (random + RANDOM_LEAST));
	cut->copies = log2((double)copies / (double)s->count);
	return true;
}
