/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of one set of addresses, and of those whose entries have ended.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "address.h"
#include "address_set.h"
#include "address_set_text.h"
#include "address_sets.h"
#include "cleanup.h"
#include "daemon.h"
#include "daemon_sets.h"
#include "daemon_state.h"
#include "datapath.h"
#include "json_cleanup.h"
#include "log.h"
#include "policy_sets.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"
#include "store.h"

#define NAMED_MOST 10 /* policies that use a set, in a message */
#define US_PER_SECOND 1000000

/* A change on its way. */
struct set_plan {
	struct daemon *daemon;
	const struct set_change *change;
	struct address_set *existing; /* borrowed; NULL: there is none */
	struct address_sets *next;
	struct change_result result;
};

static int make_plan(struct set_plan *plan, struct problems *problems);
static int refuse_foreign(const struct set_plan *plan, struct problems *problems);
static int refuse_used(const struct set_plan *plan, struct problems *problems);
static void warn_of_wide(const struct address_set *set, struct problems *problems);
static void fill_in(struct set_plan *plan);
static int carry_out(struct set_plan *plan, struct problems *problems);
static int make_durable(void *context, struct problems *problems);

static void plan_clear(struct set_plan *plan)
{
	address_sets_put(&plan->next);
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

int daemon_change_set(struct daemon *daemon, const struct set_change *change,
		      struct change_result *ret, struct problems *problems)
{
	CLEANUP(plan_clear)
	struct set_plan plan = {
		.daemon = daemon,
		.change = change,
		.existing = address_sets_find(daemon->sets, change->name),
	};
	struct datapath_figures figures;
	int r;

	if (daemon->settings->block_all) {
		problem_add(problems, "",
			    "nothing can be changed while everything but failsafe traffic is "
			    "blocked: mend the files and run \"pepctl reload\"");
		return -EAGAIN;
	}
	r = make_plan(&plan, problems);
	if (r >= 0 && plan.result.changed)
		r = carry_out(&plan, problems);
	if (r < 0)
		return r;
	datapath_figures(daemon->datapath, &figures);
	plan.result.generation = figures.generation;
	*ret = plan.result;
	return 0;
}

static int make_plan(struct set_plan *plan, struct problems *problems)
{
	const struct set_change *change = plan->change;
	const struct daemon *daemon = plan->daemon;
	struct change_result *result = &plan->result;
	int r;

	r = refuse_foreign(plan, problems);
	if (r >= 0 && !change->put)
		r = refuse_used(plan, problems);
	if (r < 0)
		return r;
	if (change->put)
		warn_of_wide(change->put, problems);
	result->policy_count = daemon->set->count;
	result->others = daemon->set->count - daemon->set->of_origin[ORIGIN_API];
	if (!change->put)
		result->deleted = !!plan->existing;
	else if (plan->existing && address_set_equal(plan->existing, change->put))
		result->unchanged = 1;
	else
		*(plan->existing ? &result->updated : &result->created) = 1;
	result->changed = !result->unchanged;
	fill_in(plan);
	r = change->put ? address_sets_with(daemon->sets, change->put, &plan->next)
			: address_sets_without(daemon->sets, change->name, &plan->next);
	if (r < 0)
		problem_add(problems, "", "out of memory");
	return r;
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
		    plan->daemon->settings->sets_directory);
	return -EPERM;
}

/* A policy that names a set that is not there would match nothing, or everything. */
static int refuse_used(const struct set_plan *plan, struct problems *problems)
{
	const struct policyset *set = plan->daemon->set;
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

static void fill_in(struct set_plan *plan)
{
	struct address_set *put = plan->change->put;

	if (!put)
		return;
	put->origin = ORIGIN_API;
	put->updated_at = now_us();
	put->created_at = plan->existing ? plan->existing->created_at : put->updated_at;
}

static int carry_out(struct set_plan *plan, struct problems *problems)
{
	struct daemon *daemon = plan->daemon;
	const struct daemon_next next = {
		.settings = daemon->settings,
		.set = daemon->set,
		.sets = plan->next,
		.last_step = make_durable,
		.context = plan,
	};
	size_t entries = plan->change->put ? address_set_count(plan->change->put) : 0;
	int r;

	if (plan->change->dry_run)
		return daemon_try(daemon, &next, problems);
	r = daemon_enforce(daemon, &next, problems);
	if (r >= 0)
		daemon_settle_later(daemon, entries);
	return r;
}

static int make_durable(void *context, struct problems *problems)
{
	struct set_plan *plan = context;
	struct store *store = plan->daemon->store;
	const struct address_set *put = plan->change->put;
	int r;

	r = put ? store_put_set(store, put, plan->existing)
		: store_delete_set(store, plan->existing);
	if (r >= 0)
		return 0;
	problem_add(problems, "", "the change cannot be stored in %s and is not in force: %s",
		    plan->daemon->settings->state_dir, strerror(-r));
	return -EIO;
}

int daemon_expire_sets(struct daemon *daemon)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(address_sets_put) struct address_sets *left = NULL;
	struct daemon_next next = { .settings = daemon->settings, .set = daemon->set };
	int r;

	r = address_sets_without_expired(daemon->sets, now_us(), &left);
	if (r >= 0) {
		next.sets = left;
		r = daemon_enforce(daemon, &next, &problems);
	}
	if (r < 0)
		daemon_log_problems(&problems, "ended entries of sets cannot be removed");
	else
		log_debug("entries of sets of addresses have ended and are removed");
	return r;
}
