// SPDX-License-Identifier: Apache-2.0
/*
 * A start while a change is pending: it is so again, for the time that is left.
 * Should it not fit any more, what was before it stays in force.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "address_set.h"
#include "address_sets.h"
#include "cleanup.h"
#include "daemon_state.h"
#include "datapath.h"
#include "log.h"
#include "pending.h"
#include "policyset.h"
#include "problem.h"
#include "store_pending.h"

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int64_t left_ns(const struct store_pending *stored)
{
	return (int64_t)stored->deadline_ns - clock_ns(CLOCK_BOOTTIME);
}

/* ---- what it comes to */

static int edit_policies(struct group *group, struct store_pending *stored,
			 struct change_result *result)
{
	size_t remove = 0, put = 0;

	for (size_t i = 0; i < stored->remove_count; i++) {
		const struct policy *before = group_find(group, stored->remove[i]);

		if (!before || before->origin != ORIGIN_API)
			continue;
		EXCHANGE(stored->remove[remove], stored->remove[i]);
		remove++;
	}
	for (size_t i = 0; i < stored->put_count; i++) {
		const struct policy *before = group_find(group, stored->put[i]->id);

		if (before && before->origin != ORIGIN_API)
			return -EEXIST;
		if (before && policy_equal(before, stored->put[i]))
			continue;
		result->created += !before;
		result->updated += !!before;
		EXCHANGE(stored->put[put], stored->put[i]);
		put++;
	}
	result->deleted = remove;
	result->changed |= remove || put;
	return group_edit(group, stored->remove, remove, stored->put, put);
}

static int edit_sets(struct group *group, const struct store_pending *stored,
		     struct change_result *result)
{
	CLEANUP(address_sets_put) struct address_sets *next = NULL;
	const struct address_set *before;
	const char *name = stored->put_set ? stored->put_set->name : stored->removed_set;
	int error;

	if (!name)
		return 0;
	before = address_sets_find(group->sets, name);
	if (before && before->origin != ORIGIN_API)
		return -EEXIST;
	if (stored->put_set ? before && address_set_equal(before, stored->put_set) : !before)
		return 0;
	error = stored->put_set ? address_sets_with(group->sets, stored->put_set, &next)
				: address_sets_without(group->sets, name, &next);
	if (error)
		return error;
	result->created += stored->put_set && !before;
	result->updated += stored->put_set && before;
	result->deleted += !stored->put_set;
	result->changed = true;
	group_replace_sets(group, next);
	return 0;
}

static int plan(struct group *group, struct store_pending *stored, struct change_result *result,
		struct problems *problems)
{
	int error = edit_policies(group, stored, result);

	if (!error)
		error = edit_sets(group, stored, result);
	if (!error && !result->changed) /* it was confirmed just before the end */
		return -EALREADY;
	if (!error)
		error = daemon_check_capacity(group->settings, group->of_origin, problems);
	return error ? error : group_make_set(group);
}

/* ---- putting it in force */

static int begin(struct daemon *daemon, const struct store_pending *stored, struct group *group,
		 const struct change_result *result, struct problems *problems)
{
	const struct daemon_next next = { group->settings, group->set, group->sets, 1 };
	CLEANUP(pending_free) struct pending *pending = NULL;
	struct datapath_change *change = NULL;
	int error = pending_new(daemon, stored->seconds, &pending);

	if (!error)
		error = daemon_prepare(daemon, &next, &change, problems);
	if (!error)
		error = datapath_promote(daemon->datapath, change);
	if (error) {
		datapath_abandon(daemon->datapath, &change);
		return error;
	}
	memcpy(pending->id, stored->id, sizeof(pending->id));
	pending->deadline_ns = (uint64_t)(clock_ns(CLOCK_MONOTONIC) + left_ns(stored));
	pending->result = *result;
	pending->stored = true;
	pending_begin(TAKE_PTR(pending), group, &next, &change);
	return 0;
}

static int resume(struct daemon *daemon, struct store_pending *stored, struct problems *problems)
{
	CLEANUP(group_clear) struct group group = { 0 };
	struct change_result result = { 0 };
	int error;

	if (!stored->deadline_ns || left_ns(stored) <= 0)
		return -ETIME;
	if (daemon->degraded)
		return -ECANCELED;
	group_begin(daemon, &group);
	error = plan(&group, stored, &result, problems);
	return error ? error : begin(daemon, stored, &group, &result, problems);
}

void pending_resume(struct daemon *daemon)
{
	CLEANUP(store_pending_clear) struct store_pending stored = { 0 };
	CLEANUP(problems_clear) struct problems problems = { 0 };
	int error = store_load_pending(daemon->store, &stored, &problems);

	if (error == -ENOENT)
		return;
	if (!error)
		error = resume(daemon, &stored, &problems);
	if (!error)
		return;
	daemon_log_problems(&problems, "pending change");
	if (error == -ETIME)
		log_warn("the change %s was not confirmed in its time: what was before is in force",
			 stored.id);
	else if (error != -EALREADY)
		log_warn("the change %s is not pending any more, what was before is in force: %s",
			 stored.id, strerror(-error));
	error = error == -EPROTO ? 0 : store_drop_pending(daemon->store); /* it is not ours */
	if (error)
		log_warn("the file of a change that was pending cannot be removed: %s",
			 strerror(-error));
}
