/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of one set of addresses.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "address.h"
#include "address_set.h"
#include "address_set_text.h"
#include "address_sets.h"
#include "change.h"
#include "cleanup.h"
#include "daemon.h"
#include "daemon_sets.h"
#include "daemon_state.h"
#include "group.h"
#include "log.h"
#include "policy_sets.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"
#include "store.h"

#define NAMED_MOST 10 /* policies that use a set, in a message */
#define US_PER_SECOND 1000000

/* A change, and what it would change. */
struct set_plan {
	const struct group *group;
	const struct set_change *change;
	struct address_set *existing; /* borrowed; NULL: there is none */
};

static int refuse_foreign(const struct set_plan *plan, struct problems *problems);
static int refuse_used(const struct set_plan *plan, struct problems *problems);
static void warn_of_wide(const struct address_set *set, struct problems *problems);
static void fill_in(const struct set_plan *plan);

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

static struct change_result count_changes(const struct set_plan *plan)
{
	const struct address_set *put = plan->change->put, *existing = plan->existing;
	const struct policyset *set = plan->group->base;
	struct change_result result = {
		.policy_count = set->count,
		.others = set->count - set->of_origin[ORIGIN_API],
	};

	if (!put)
		result.deleted = !!existing;
	else if (existing && address_set_equal(existing, put))
		result.unchanged = 1;
	else
		*(existing ? &result.updated : &result.created) = 1;
	result.changed = !result.unchanged;
	return result;
}

int set_change_plan(struct group *group, const struct set_change *change, struct change_result *ret,
		    struct problems *problems)
{
	CLEANUP(address_sets_put) struct address_sets *next = NULL;
	const struct set_plan plan = {
		.group = group,
		.change = change,
		.existing = address_sets_find(group->sets, change->name),
	};
	int r = change_refuse_blocked(group->settings, problems);

	if (r >= 0)
		r = refuse_foreign(&plan, problems);
	if (r >= 0 && !change->put)
		r = refuse_used(&plan, problems);
	if (r < 0)
		return r;
	if (change->put)
		warn_of_wide(change->put, problems);
	fill_in(&plan);
	r = change->put ? address_sets_with(group->sets, change->put, &next)
			: address_sets_without(group->sets, change->name, &next);
	if (r < 0) {
		problem_add(problems, "", "out of memory");
		return r;
	}
	*ret = count_changes(&plan);
	if (ret->changed)
		group_replace_sets(group, next);
	return 0;
}

static int refuse_foreign(const struct set_plan *plan, struct problems *problems)
{
	const struct address_set *existing = plan->existing;

	if (!existing || existing->origin == ORIGIN_API)
		return 0;
	problem_add(problems, "",
		    "the set \"%s\" has the origin %s: change it in %s and run \"pepctl reload\", "
		    "or choose another name",
		    existing->name, policy_origin_name(existing->origin),
		    plan->group->settings->sets_directory);
	return -EPERM;
}

/* A policy that names a set that is not there would match nothing, or everything. */
static int refuse_used(const struct set_plan *plan, struct problems *problems)
{
	const struct policyset *set = plan->group->base;
	size_t users = 0;

	for (size_t i = 0; i < set->count; i++) {
		if (!policy_names_set(set->policy[i], plan->change->name))
			continue;
		if (users++ < NAMED_MOST)
			problem_add(problems, "",
				    "the set \"%s\" is in use by the policy \"%s\" (origin %s): "
				    "change or delete that first",
				    plan->change->name, set->policy[i]->id,
				    policy_origin_name(set->policy[i]->origin));
	}
	if (users > NAMED_MOST)
		problem_add(problems, "", "%zu more policies use it", users - NAMED_MOST);
	return users ? -EPERM : 0;
}

/* Failsafe policies do not save who bans half of the world by a set. */
static void warn_of_wide(const struct address_set *set, struct problems *problems)
{
	static const uint32_t widest[PEP_FAMILIES] = { [PEP_IPV4] = 0x00ffffff, [PEP_IPV6] = 0 };

	for (int family = 0; family < PEP_FAMILIES; family++) {
		const struct address_entries *list = &set->list[family];

		for (size_t i = 0; i < list->count; i++) {
			const struct address_entry *entry = &list->entry[i];
			char text[ADDRESS_TEXT_MAX];

			if (entry->high.word[0] - entry->low.word[0] <= widest[family])
				continue;
			address_entry_print(entry, (enum pep_family)family, text);
			problem_warn(problems, "",
				     "%s is very wide, and no failsafe policy undoes a ban of a "
				     "set of addresses",
				     text);
			return;
		}
	}
}

static void fill_in(const struct set_plan *plan)
{
	struct address_set *put = plan->change->put;

	if (!put)
		return;
	put->origin = ORIGIN_API;
	put->updated_at = now_us();
	put->created_at = plan->existing ? plan->existing->created_at : put->updated_at;
}

struct set_change set_change_between(const struct address_sets *before,
				     const struct address_sets *after)
{
	for (size_t i = 0; after && i < after->count; i++) {
		struct address_set *set = after->set[i];

		if (address_sets_find(before, set->name) != set)
			return (struct set_change){ .name = set->name, .put = set };
	}
	for (size_t i = 0; before && i < before->count; i++) {
		const char *name = before->set[i]->name;

		if (!address_sets_find(after, name))
			return (struct set_change){ .name = name };
	}
	return (struct set_change){ 0 };
}

/* ---- storing: what is in force is what is stored, whichever of the two that is */

int set_change_store(const struct daemon *daemon, const struct set_change *change,
		     const struct address_sets *before, struct problems *problems)
{
	struct address_set *existing = address_sets_find(before, change->name);
	int r;

	r = change->put ? store_put_set(daemon->store, change->put, existing)
			: store_delete_set(daemon->store, existing);
	if (r >= 0)
		return 0;
	problem_add(problems, "", "the change cannot be stored in %s and is not in force: %s",
		    daemon->settings->state_dir, strerror(-r));
	return -EIO;
}

void set_change_unstore(const struct daemon *daemon, const struct set_change *change,
			const struct address_sets *before)
{
	struct address_set *existing = address_sets_find(before, change->name);
	int r;

	r = existing ? store_put_set(daemon->store, existing, NULL)
		     : store_delete_set(daemon->store, change->put);
	if (r < 0)
		log_critical("the set %s that is not in force cannot be taken back in %s and may "
			     "be in force after a restart: %s",
			     change->name, daemon->settings->state_dir, strerror(-r));
}
