// SPDX-License-Identifier: Apache-2.0
/*
 * A new overlay: what differs from the main image is compiled, and written into
 * an entry that no packet sees.  Policies that are deleted, or do something
 * else than before, take no more than a version of their slot.
 */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "datapath_change.h"
#include "datapath_layers.h"
#include "datapath_settle.h"
#include "image.h"
#include "policy_sets.h"
#include "policyset.h"
#include "problem.h"
#include "rules.h"

#define OVERLAY_POLICIES_MOST 4000 /* ranks have room for more between any two */
#define OVERLAY_RULES_MOST (PEP_OVERLAY_BYTES / sizeof(struct pep_rule4))

/* Failsafe policies are in the main image alone. */
static bool same_failsafe(const struct datapath *datapath, const struct policyset *wanted)
{
	const struct policyset *now = datapath->failsafe.set;

	if (now->count != wanted->count)
		return false;
	for (size_t i = 0; i < now->count; i++) {
		if (!policy_equal(now->policy[i], wanted->policy[i]))
			return false;
	}
	return true;
}

/* Rules that a policy gives in a state; NULL: none. */
static int count_policy(struct datapath *datapath, const struct policy *policy,
			const struct address_sets *sets, uint64_t *ret)
{
	struct rules_names names;

	*ret = 0;
	if (!policy)
		return 0;
	datapath_change_names(datapath, &names);
	names.sets = sets;
	return rules_count(&names, policy, ret);
}

/* Counts a policy of the state in force out, and one of the wanted state in. */
static int exchange(struct datapath *datapath, const struct policy *before,
		    const struct policy *after, const struct address_sets *sets, uint64_t *rules)
{
	uint64_t out, in;
	int error = count_policy(datapath, before, datapath->sets, &out);

	if (!error)
		error = count_policy(datapath, after, sets, &in);
	if (error)
		return error;
	return __builtin_add_overflow(*rules - out, in, rules) ? -E2BIG : 0;
}

/* Of policies that are the same, and whose sets are not. */
static int count_sets(struct datapath *datapath, const struct datapath_state *state,
		      uint64_t *rules)
{
	int error = 0;

	for (size_t i = 0; i < state->set->count && !error; i++) {
		const struct policy *policy = state->set->policy[i];

		if (!policy_uses_changed_set(policy, datapath->sets, state->sets))
			continue;
		if (policyset_find(datapath->policies.set, policy->id) == policy)
			error = exchange(datapath, policy, policy, state->sets, rules);
	}
	return error;
}

static int count_rules(struct datapath *datapath, const struct datapath_state *state,
		       struct datapath_change *change)
{
	const struct slot_plan *plan = &change->policies;
	const struct policyset *now = datapath->policies.set;
	uint64_t rules = datapath->figures.rules;
	int error = 0;

	for (size_t i = 0; i < plan->removed_count && !error; i++)
		error = exchange(datapath, now->policy[plan->removed[i]], NULL, NULL, &rules);
	for (size_t i = 0; i < plan->fresh_count && !error; i++) {
		const struct policy *policy = state->set->policy[plan->fresh[i]];

		error = exchange(datapath, policyset_find(now, policy->id), policy, state->sets,
				 &rules);
	}
	if (!error && state->sets != datapath->sets)
		error = count_sets(datapath, state, &rules);
	change->figures.rules = rules;
	return error ? error : rules > state->max_rules ? -E2BIG : 0;
}

static void layer_clear(struct layer *layer)
{
	base_difference_clear(&layer->difference);
}

/* What has succeeded has a set for the overlay, if an empty one. */
static int compare(struct layer *layer)
{
	int error = base_difference_make(layer->base, &layer->wanted, OVERLAY_POLICIES_MOST,
					 &layer->difference);

	return error || layer->difference.overlay ? error : -EINVAL;
}

/* The entry behind the last one used, once no program can see what it held. */
static int place(struct datapath *datapath, const struct image *image,
		 struct datapath_change *change)
{
	uint32_t entry = (datapath->overlay + 1) % PEP_OVERLAY_ENTRIES;
	int error = datapath_settle(datapath, datapath->overlay_until[entry]);

	if (error)
		return error;
	memcpy(datapath->overlays + (size_t)entry * PEP_OVERLAY_BYTES, image->data, image->bytes);
	change->overlay = entry;
	return 0;
}

/* The change names the main image already, and no overlay. */
static int lay_out(struct datapath *datapath, const struct layer *layer, struct older_layer *older,
		   struct datapath_change *change)
{
	size_t overlaid = layer->difference.overlay->count;
	struct image image = { 0 };
	struct rules_names names;
	int error;

	change->figures.image_bytes = layer->base->image_bytes;
	change->figures.worst_compares = layer->base->worst_compares;
	change->figures.worst_live = layer->base->worst_live;
	change->figures.improvable = layer->base->improvable;
	change->figures.overlay_policies = overlaid;
	change->figures.dead_policies = layer->difference.dead;
	if (!overlaid && layer->flags == layer->base->flags)
		return 0;
	datapath_change_names(datapath, &names);
	names.max = OVERLAY_RULES_MOST;
	error = layer_compile(layer, &names, older, &image);
	if (!error)
		error = place(datapath, &image, change);
	change->figures.image_bytes += image.bytes;
	change->figures.worst_compares += image.worst_compares;
	change->figures.worst_live += image.worst_live;
	image_clear(&image);
	return error == -ERANGE || error == -EFBIG || error == -ENOSPC ? -E2BIG : error;
}

/* ---- versions */

struct wanted_list {
	struct version_wanted *wanted;
	size_t count;
};

static void want(struct wanted_list *list, const struct policy *policy, uint32_t slot, bool overlay)
{
	list->wanted[list->count++] =
		(struct version_wanted){ .policy = policy, .slot = slot, .overlay = overlay };
}

/* Both are sorted by id: the next policy of one or both. Returns its order. */
static int next_of(const struct policyset *before, size_t i, const struct policyset *now, size_t j)
{
	if (i == before->count)
		return 1;
	return j == now->count ? -1 : strcmp(before->policy[i]->id, now->policy[j]->id);
}

/* What is not a policy's own change: that its rules move between the images. */
static void want_moved(struct wanted_list *list, const struct datapath *datapath,
		       const struct policyset *set, const struct base_difference *d,
		       const uint32_t *slots)
{
	static const struct policyset none;
	const struct policyset *before = datapath->overlaid ? datapath->overlaid : &none;
	size_t i = 0, j = 0;

	while (i < before->count || j < d->overlay->count) {
		int order = next_of(before, i, d->overlay, j);
		ptrdiff_t index;

		if (order > 0 || (!order && before->policy[i] != d->overlay->policy[j]))
			want(list, d->overlay->policy[j], d->slot[j], true);
		if (order < 0) {
			index = policyset_index(set, before->policy[i]->id);
			if (index >= 0)
				want(list, set->policy[index], slots[index], false);
		}
		i += order <= 0;
		j += order >= 0;
	}
	for (size_t k = 0; k < d->successors; k++)
		want(list, d->successor[k].policy, d->successor[k].slot, false);
}

/* In the set that is in force already everything is computed anew: clocks were set. */
static int list_versions(const struct datapath *datapath, const struct policyset *set,
			 const struct base_difference *d, const struct slot_plan *plan,
			 struct wanted_list *ret)
{
	const struct datapath_slots *now = &datapath->policies;
	bool all = set == now->set;
	size_t fresh = all ? set->count : plan->fresh_count;
	size_t before = datapath->overlaid ? datapath->overlaid->count : 0;

	ret->wanted =
		calloc(fresh + plan->removed_count + before + d->overlay->count + d->successors + 1,
		       sizeof(*ret->wanted));
	if (!ret->wanted)
		return -ENOMEM;
	for (size_t i = 0; i < fresh; i++) {
		size_t index = all ? i : plan->fresh[i];

		want(ret, set->policy[index], plan->slot[index],
		     policyset_find(d->overlay, set->policy[index]->id));
	}
	for (size_t i = 0; i < plan->removed_count; i++)
		want(ret, NULL, now->slot[plan->removed[i]], false);
	want_moved(ret, datapath, set, d, plan->slot);
	return 0;
}

static int write_versions(struct datapath *datapath, const struct policyset *set,
			  const struct base_difference *difference, struct datapath_change *change)
{
	struct wanted_list list = { 0 };
	int error = list_versions(datapath, set, difference, &change->policies, &list);

	datapath_change_stamp(datapath, change);
	if (!error)
		error = slot_plan_write(datapath, &change->policies, list.wanted, list.count,
					change->generation);
	free(list.wanted);
	return error;
}

/* ---- the two that lay one out */

static int finish(struct datapath *datapath, const struct policyset *set, struct layer *layer,
		  struct datapath_change *change)
{
	int error = write_versions(datapath, set, &layer->difference, change);

	if (!error)
		change->overlaid = TAKE_PTR(layer->difference.overlay);
	return error;
}

int datapath_change_overlay(struct datapath *datapath, const struct datapath_state *state,
			    struct datapath_change *change)
{
	CLEANUP(layer_clear) struct layer layer = { .base = &datapath->base };
	int error;

	if (!datapath->base.set || !same_failsafe(datapath, state->failsafe))
		return -E2BIG;
	layer.wanted = (struct datapath_policies){ state->set, state->sets, change->policies.slot };
	layer.flags = datapath_image_flags(state);
	layer.older_least = datapath->options.layer_policies;
	change->image = datapath->image;
	change->main = PEP_WORD_MAIN(datapath->control->word_now);
	change->overlay = PEP_OVERLAY_NONE;
	error = count_rules(datapath, state, change);
	if (!error)
		error = compare(&layer);
	if (!error)
		error = lay_out(datapath, &layer, &datapath->older, change);
	return error ? error : finish(datapath, state->set, &layer, change);
}

int datapath_change_fold(struct datapath *datapath, const struct image *image,
			 struct datapath_change *change)
{
	CLEANUP(layer_clear)
	struct layer layer = {
		.base = &change->base,
		.wanted = { change->set, change->sets, change->policies.slot },
		.flags = datapath->flags,
	};
	int error = compare(&layer);

	if (!error)
		error = datapath_place_image(datapath, image, change);
	if (!error)
		error = lay_out(datapath, &layer, NULL, change);
	return error ? error : finish(datapath, change->set, &layer, change);
}
