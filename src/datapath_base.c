// SPDX-License-Identifier: Apache-2.0
/*
 * Both sets are sorted by id and share the policies that stay, so one pass
 * that compares pointers finds the difference.
 *
 * A policy that matches as before and only does something else keeps its rules
 * in the main image: its slot says what is new.  Its action is a part of the
 * evaluation order, though (BLOCK before ALLOW, all else being equal), and its
 * rank stays; so it may stand there only while its neighbours, whatever they
 * are now, remain on their sides of it.
 */
#include "datapath_base.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address_sets.h"
#include "cleanup.h"
#include "policy_order.h"
#include "policy_sets.h"
#include "policyset.h"

/* ---- the base */

static int invert(const struct ranking *ranking, size_t count, uint32_t **ret)
{
	uint32_t *place = malloc((count + 1) * sizeof(*place));

	if (!place)
		return -ENOMEM;
	memset(place, 0xff, (count + 1) * sizeof(*place));
	for (size_t i = 0; i < ranking->count; i++)
		place[ranking->index[i]] = (uint32_t)i;
	*ret = place;
	return 0;
}

int datapath_base_make(const struct datapath_policies *policies, struct datapath_base *ret)
{
	const size_t count = policies->set->count;
	struct datapath_base base = { 0 };

	base.slot = malloc((count + 1) * sizeof(*base.slot));
	if (!base.slot)
		return -ENOMEM;
	if (count)
		memcpy(base.slot, policies->slot, count * sizeof(*base.slot));
	base.set = policyset_get((struct policyset *)policies->set);
	if (policies->sets)
		base.sets = address_sets_get((struct address_sets *)policies->sets);
	*ret = base;
	return 0;
}

int datapath_base_rank(struct datapath_base *base)
{
	int error = 0;

	for (int family = 0; family < PEP_FAMILIES && !error; family++) {
		error = ranking_make(base->set, (enum pep_family)family, &base->ranking[family]);
		if (!error)
			error = invert(&base->ranking[family], base->set->count,
				       &base->place[family]);
	}
	return error;
}

void datapath_base_clear(struct datapath_base *base)
{
	policyset_put(&base->set);
	address_sets_put(&base->sets);
	free(base->slot);
	for (int family = 0; family < PEP_FAMILIES; family++) {
		ranking_clear(&base->ranking[family]);
		free(base->place[family]);
	}
	memset(base, 0, sizeof(*base));
}

/* ---- may a successor keep the rank */

/* Who may keep a rank, and among whom. */
struct candidate {
	const struct datapath_base *base;
	const struct policyset *set;
	const struct policy *policy;
};

/* Whether it comes @after the one at @place, as that was and as it is to be. */
static bool on_its_side(const struct candidate *c, enum pep_family family, size_t place, bool after)
{
	const struct policy *was = c->base->set->policy[c->base->ranking[family].index[place]];
	const struct policy *is = policyset_find(c->set, was->id);

	if ((policy_compare(was, c->policy, family) < 0) != after)
		return false;
	return !is || is == was || !policy_same_match(was, is) ||
	       (policy_compare(is, c->policy, family) < 0) == after;
}

static bool keeps_rank(const struct candidate *c, size_t index)
{
	const struct datapath_base *base = c->base;

	if (base->set->policy[index]->action == c->policy->action)
		return true;
	for (int f = 0; f < PEP_FAMILIES; f++) {
		enum pep_family family = (enum pep_family)f;
		uint32_t place = base->place[f][index];

		if (place == RANKED_NOWHERE)
			continue;
		if (place > 0 && !on_its_side(c, family, place - 1, true))
			return false;
		if (place + 1 < base->ranking[f].count && !on_its_side(c, family, place + 1, false))
			return false;
	}
	return true;
}

/* ---- the difference */

#define BLOCK 64 /* policies that are compared at once: most are the same */

struct comparison {
	const struct datapath_base *base;
	const struct datapath_policies *wanted;
	size_t most;
	struct policy **overlay; /* borrowed */
	uint32_t *overlay_slot;
	size_t overlays;
	struct base_difference result;
};

static int add_overlay(struct comparison *c, size_t index)
{
	if (!c->wanted->set->policy[index]->enabled)
		return 0; /* no rules */
	if (c->overlays == c->most)
		return -E2BIG;
	c->overlay[c->overlays] = c->wanted->set->policy[index];
	c->overlay_slot[c->overlays++] = c->wanted->slot[index];
	return 0;
}

static int add_successor(struct comparison *c, size_t base_index, size_t index)
{
	struct base_difference *d = &c->result;
	struct base_successor *grown = d->successor;

	if ((d->successors & (d->successors - 1)) == 0) { /* full: a power of two */
		grown = reallocarray(grown, d->successors ? d->successors * 2 : 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		d->successor = grown;
	}
	grown[d->successors++] = (struct base_successor){
		.index = (uint32_t)base_index,
		.policy = c->wanted->set->policy[index],
		.slot = c->wanted->slot[index],
	};
	return 0;
}

/* Both have the id. */
static int compare_one(struct comparison *c, size_t base_index, size_t index)
{
	const struct policy *was = c->base->set->policy[base_index];
	struct policy *is = c->wanted->set->policy[index];
	const struct candidate candidate = { c->base, c->wanted->set, is };

	if (c->base->slot[base_index] != c->wanted->slot[index])
		return add_overlay(c, index); /* deleted and added again */
	if (c->base->sets != c->wanted->sets &&
	    policy_uses_changed_set(is, c->base->sets, c->wanted->sets))
		return add_overlay(c, index);
	if (was == is)
		return 0;
	if (was->enabled && policy_same_match(was, is) && keeps_rank(&candidate, base_index))
		return add_successor(c, base_index, index);
	return add_overlay(c, index);
}

/* How many from there on are the same, in the same slots, as far as whole blocks go. */
static size_t count_same(const struct comparison *c, size_t i, size_t j)
{
	const struct policyset *base = c->base->set, *set = c->wanted->set;
	size_t same = 0;

	if (c->base->sets != c->wanted->sets)
		return 0;
	while (i + same + BLOCK <= base->count && j + same + BLOCK <= set->count &&
	       !memcmp(&base->policy[i + same], &set->policy[j + same],
		       BLOCK * sizeof(struct policy *)) &&
	       !memcmp(&c->base->slot[i + same], &c->wanted->slot[j + same],
		       BLOCK * sizeof(uint32_t)))
		same += BLOCK;
	return same;
}

static int compare_all(struct comparison *c)
{
	const struct policyset *base = c->base->set, *set = c->wanted->set;
	size_t i = 0, j = 0, met = 0, same;
	int error = 0, order;

	while (j < set->count && !error) {
		same = count_same(c, i, j);
		i += same;
		j += same;
		met += same;
		if (j == set->count)
			break;
		if (i == base->count)
			order = 1;
		else if (base->policy[i] == set->policy[j])
			order = 0;
		else
			order = strcmp(base->policy[i]->id, set->policy[j]->id);
		met += order == 0;
		if (order < 0)
			i++;
		else if (order > 0)
			error = add_overlay(c, j++);
		else
			error = compare_one(c, i++, j++);
	}
	c->result.dead = base->count - met;
	return error;
}

/* The overlay as a set; its policies came in the order of their ids. */
static int keep_overlay(struct comparison *c)
{
	CLEANUP(policyset_put) struct policyset *none = policyset_new();

	if (!none)
		return -ENOMEM;
	c->result.slot = TAKE_PTR(c->overlay_slot);
	return policyset_add(none, c->overlay, c->overlays, &c->result.overlay);
}

int base_difference_make(const struct datapath_base *base, const struct datapath_policies *wanted,
			 size_t most, struct base_difference *ret)
{
	struct comparison c = { .base = base, .wanted = wanted, .most = most };
	int error = -ENOMEM;

	c.overlay = calloc(most + 1, sizeof(struct policy *));
	c.overlay_slot = calloc(most + 1, sizeof(*c.overlay_slot));
	if (c.overlay && c.overlay_slot)
		error = compare_all(&c);
	if (!error)
		error = keep_overlay(&c);
	free(c.overlay);
	free(c.overlay_slot);
	if (error)
		base_difference_clear(&c.result);
	else
		*ret = c.result;
	return error;
}

void base_difference_clear(struct base_difference *difference)
{
	policyset_put(&difference->overlay);
	free(difference->successor);
	free(difference->slot);
	memset(difference, 0, sizeof(*difference));
}

/* ---- ranks */

struct standing {
	const struct datapath_base *base;
	const struct base_difference *difference;
	enum pep_family family;
};

/* Who stands at a place of the main image's order now. */
static const struct policy *standing_at(void *context, size_t position)
{
	const struct standing *s = context;
	uint32_t index = s->base->ranking[s->family].index[position];
	const struct base_successor *successor = s->difference->successor;
	size_t low = 0, high = s->difference->successors;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (successor[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < s->difference->successors && successor[low].index == index)
		return successor[low].policy;
	return s->base->set->policy[index];
}

bool base_difference_reorders(const struct datapath_base *base,
			      const struct base_difference *difference)
{
	for (size_t i = 0; i < difference->successors; i++) {
		const struct base_successor *successor = &difference->successor[i];

		if (base->set->policy[successor->index]->action != successor->policy->action)
			return true;
	}
	return false;
}

int base_difference_rank(const struct datapath_base *base, const struct base_difference *difference,
			 const struct overlay_part *part, struct ranking *ret)
{
	struct standing standing = { base, difference, part->family };
	struct ranked others[RANKED_MOST] = { {
		.policy = standing_at,
		.context = &standing,
		.ranking = &base->ranking[part->family],
		.family = part->family,
	} };

	if (part->older)
		others[1] = *part->older;
	return ranking_between(part->set, others, part->older ? 2 : 1, ret);
}
