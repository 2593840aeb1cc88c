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
#include "datapath_settle.h"
#include "image.h"
#include "policyset.h"
#include "problem.h"
#include "rules.h"

#define OVERLAY_POLICIES_MOST 2048 /* ranks have room for more between any two */

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

/* Of those policies that the state in force and the wanted one do not share. */
static int count_rules(const struct datapath *datapath, const struct policyset *set,
		       const struct rules_names *names, struct datapath_change *change)
{
	const struct slot_plan *plan = &change->policies;
	const struct policyset *now = datapath->policies.set;
	uint64_t rules = datapath->figures.rules, count;
	int error = 0;

	for (size_t i = 0; i < plan->removed_count && !error; i++) {
		error = rules_count(names, now->policy[plan->removed[i]], &count);
		rules -= error ? 0 : count;
	}
	for (size_t i = 0; i < plan->fresh_count && !error; i++) {
		const struct policy *policy = set->policy[plan->fresh[i]];
		const struct policy *before = policyset_find(now, policy->id);

		if (before)
			error = rules_count(names, before, &count);
		rules -= error || !before ? 0 : count;
		if (!error)
			error = rules_count(names, policy, &count);
		if (!error && __builtin_add_overflow(rules, count, &rules))
			return -E2BIG;
	}
	change->figures.rules = rules;
	return error ? error : rules > names->max ? -E2BIG : 0;
}

static int expand(const struct datapath *datapath, const struct base_difference *difference,
		  struct rules_names *names, struct rules *ret)
{
	CLEANUP(policyset_put) struct policyset *none = policyset_new();
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct ranking ranking[PEP_FAMILIES] = { 0 };
	int error = none ? 0 : -ENOMEM;

	for (int family = 0; family < PEP_FAMILIES && !error; family++)
		error = base_difference_rank(&datapath->base, difference, (enum pep_family)family,
					     &ranking[family]);
	names->ranking = ranking;
	names->slots = difference->slot;
	if (!error)
		error = rules_expand(difference->overlay, none, names, ret, &problems);
	for (int family = 0; family < PEP_FAMILIES; family++)
		ranking_clear(&ranking[family]);
	return error;
}

static int build(const struct datapath *datapath, const struct base_difference *difference,
		 struct rules_names *names, uint32_t flags, struct image *ret)
{
	struct rules rules = { 0 };
	int error = expand(datapath, difference, names, &rules);

	if (!error)
		error = image_build(&rules, flags, ret);
	rules_clear(&rules);
	if (!error && ret->bytes + IMAGE_SLACK > PEP_OVERLAY_BYTES)
		error = -E2BIG;
	return error;
}

/* The entry behind the last one used, once no program can see what it held. */
static int place(struct datapath *datapath, const struct image *image,
		 struct datapath_change *change)
{
	uint32_t entry = (datapath->overlay + 1) % PEP_OVERLAY_ENTRIES;
	uint64_t word = datapath->control->word_now;
	int error = datapath_settle(datapath, datapath->overlay_until[entry]);

	if (error)
		return error;
	memcpy(datapath->overlays + (size_t)entry * PEP_OVERLAY_BYTES, image->data, image->bytes);
	change->word = PEP_WORD((uint64_t)PEP_WORD_MAIN(word), (uint64_t)entry, change->generation);
	return 0;
}

static int lay_out(struct datapath *datapath, const struct base_difference *difference,
		   struct rules_names *names, uint32_t flags, struct datapath_change *change)
{
	uint64_t word = datapath->control->word_now;
	struct image image = { 0 };
	int error;

	change->image = datapath->image;
	change->word = PEP_WORD((uint64_t)PEP_WORD_MAIN(word), (uint64_t)PEP_OVERLAY_NONE,
				change->generation);
	change->figures.image_bytes = datapath->base.image_bytes;
	change->figures.worst_compares = datapath->base.worst_compares;
	if (!difference->overlay->count && flags == datapath->base.flags)
		return 0;
	error = build(datapath, difference, names, flags, &image);
	if (!error)
		error = place(datapath, &image, change);
	change->figures.overlay_policies = difference->overlay->count;
	change->figures.image_bytes += image.bytes;
	change->figures.worst_compares += image.worst_compares;
	image_clear(&image);
	return error;
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

/* In the set that is in force already everything is computed anew: clocks were set. */
static int list_versions(const struct datapath *datapath, const struct policyset *set,
			 const struct base_difference *d, const struct slot_plan *plan,
			 struct wanted_list *ret)
{
	const struct datapath_slots *now = &datapath->policies;
	bool all = set == now->set;
	size_t fresh = all ? set->count : plan->fresh_count;

	ret->wanted = calloc(fresh + plan->removed_count + d->overlay->count + d->successors + 1,
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
	for (size_t i = 0; i < d->overlay->count; i++)
		want(ret, d->overlay->policy[i], d->slot[i], true);
	for (size_t i = 0; i < d->successors; i++)
		want(ret, d->successor[i].policy, d->successor[i].slot, false);
	return 0;
}

static int write_versions(struct datapath *datapath, const struct policyset *set,
			  const struct base_difference *difference, struct datapath_change *change)
{
	struct wanted_list list = { 0 };
	int error = list_versions(datapath, set, difference, &change->policies, &list);

	if (!error)
		error = slot_plan_write(datapath, &change->policies, list.wanted, list.count,
					change->generation);
	free(list.wanted);
	return error;
}

int datapath_change_overlay(struct datapath *datapath, const struct datapath_state *state,
			    struct datapath_change *change)
{
	CLEANUP(base_difference_clear) struct base_difference difference = { 0 };
	struct rules_names names;
	int error;

	if (!datapath->base.set || !same_failsafe(datapath, state->failsafe))
		return -E2BIG;
	datapath_change_names(datapath, &names);
	names.max = state->max_rules;
	error = count_rules(datapath, state->set, &names, change);
	if (!error)
		error = base_difference_make(&datapath->base, state->set, change->policies.slot,
					     OVERLAY_POLICIES_MOST, &difference);
	if (!error)
		error = lay_out(datapath, &difference, &names, datapath_image_flags(state), change);
	if (error == -ERANGE || error == -EFBIG)
		return -E2BIG;
	if (!error)
		error = write_versions(datapath, state->set, &difference, change);
	return error;
}
