// SPDX-License-Identifier: Apache-2.0
/*
 * What is done with a group of commits, in the order of this file.
 */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "commits_state.h"
#include "daemon_state.h"
#include "datapath.h"
#include "guard.h"
#include "interfaces_watch.h"
#include "pending.h"
#include "policyset.h"
#include "settings.h"

#define GROUP_EDITS 1024 /* an overlay takes 2048 */

static void prepare(void *context);
static void prepared(void *context);

/* ---- plan, in the thread */

void commits_plan(void *context)
{
	struct commits *commits = context;
	struct commit *commit;

	commits->planned = 0;
	STAILQ_FOREACH(commit, &commits->members, link) {
		if (commits->group.edits > GROUP_EDITS)
			break;
		problems_clear(&commit->problems);
		commit->result = (struct change_result){ 0 };
		commit->error = commit->kind->plan(commit, &commits->group);
		commits->planned++;
	}
	commits->error = group_make_set(&commits->group);
}

/* ---- check, in the loop */

static struct daemon_next next_state(const struct commits *commits)
{
	return (struct daemon_next){
		.settings = commits->group.settings,
		.set = commits->group.set,
		.sets = commits->group.sets,
	};
}

/* Takes those out that are refused, and those that found no room any more. */
static void sort_out(struct commits *commits)
{
	struct commit_list all = STAILQ_HEAD_INITIALIZER(all);
	struct commit *commit;

	STAILQ_CONCAT(&all, &commits->members);
	commits->count = 0;
	commits->changes = 0;
	for (; commits->planned; commits->planned--) {
		commit = STAILQ_FIRST(&all);
		STAILQ_REMOVE_HEAD(&all, link);
		if (commit->error) {
			commit->kind->finish(commit, commit->error);
			continue;
		}
		STAILQ_INSERT_TAIL(&commits->members, commit, link);
		commits->count++;
		commits->changes += commit->result.changed || commit->again;
	}
	STAILQ_CONCAT(&all, &commits->waiting);
	STAILQ_CONCAT(&commits->waiting, &all);
}

/* Nothing of it is the kernel's. */
static void finish_unchanged(struct commits *commits)
{
	struct commit *first = STAILQ_FIRST(&commits->members);
	int error = first && first->kind->switch_over ? first->kind->switch_over(first) : 0;

	if (error)
		commits_fail(commits, error);
	else
		commits_finish(commits);
}

/* A dry run has all but the time. */
static int begin_pending(struct commits *commits, const struct daemon_next *next)
{
	const struct commit *first = STAILQ_FIRST(&commits->members);
	int error;

	if (!first->confirm_seconds)
		return 0;
	error = pending_check(commits->daemon, next, &commits->problems);
	if (error || first->dry_run)
		return error;
	return pending_new(commits->daemon, first->confirm_seconds, &commits->pending);
}

/* Before the change is laid out, or the guard would have no program that knows its image. */
static void load_egress(const struct daemon *daemon, const struct daemon_next *next)
{
	if (daemon->attachments && (next->settings->egress || next->set->egress))
		(void)datapath_program(daemon->datapath, PROGRAM_TC_EGRESS, NULL);
}

void commits_planned(void *context)
{
	struct commits *commits = context;
	struct daemon_next next = next_state(commits);
	int error = commits->error;

	sort_out(commits);
	if (!commits->changes) {
		finish_unchanged(commits);
		return;
	}
	if (!error && commits->closing)
		error = -ECANCELED;
	if (!error)
		error = interfaces_watch_check(commits->daemon->watch, &next, &commits->problems);
	if (!error)
		error = begin_pending(commits, &next);
	if (error) {
		commits_fail(commits, error);
		return;
	}
	load_egress(commits->daemon, &next);
	commits_run(commits, prepare, prepared);
}

/* ---- compile and store, in the thread */

static int store(struct commits *commits)
{
	struct commit *first = STAILQ_FIRST(&commits->members);
	int error;

	if (commits->pending)
		return pending_store(commits->pending, &commits->group, &commits->problems);
	if (!first->kind->store && !commits->group.edits)
		return 0;
	error = first->kind->store
			? first->kind->store(first, &commits->group)
			: daemon_store(commits->daemon, &commits->group, &commits->problems);
	commits->stored = !error;
	return error;
}

/* What confirms or insists has been thought about. */
static bool is_guarded(const struct commits *commits)
{
	const struct commit *first = STAILQ_FIRST(&commits->members);

	return first->guarded && !first->forced && !first->confirm_seconds;
}

static void prepare(void *context)
{
	struct commits *commits = context;
	struct commit *first = STAILQ_FIRST(&commits->members);
	struct daemon_next next = next_state(commits);

	next.steps = commits->changes;
	commits->stored = false;
	commits->error = first->kind->prepare
				 ? first->kind->prepare(first, &commits->change)
				 : daemon_prepare(commits->daemon, &next, &commits->change,
						  &commits->problems);
	if (!commits->error && is_guarded(commits))
		commits->error = lifelines_find(commits->group.settings, &commits->lifelines);
	if (!commits->error && !first->dry_run)
		commits->error = store(commits);
}

/* ---- publish, in the loop */

static void unstore(struct commits *commits)
{
	struct commit *first = STAILQ_FIRST(&commits->members);

	if (!commits->stored)
		return;
	if (!first->kind->store)
		daemon_unstore(commits->daemon);
	else if (first->kind->unstore)
		first->kind->unstore(first);
}

static int guard(struct commits *commits, const struct daemon_next *next)
{
	if (!is_guarded(commits))
		return 0;
	return guard_check(commits->daemon, next, commits->change, &commits->lifelines,
			   &commits->problems);
}

static int switch_over(struct commits *commits, const struct daemon_next *next)
{
	struct commit *first = STAILQ_FIRST(&commits->members);
	int error = datapath_promote(commits->daemon->datapath, commits->change);

	if (error)
		problem_add(&commits->problems, "", "the programs cannot be exchanged: %s",
			    strerror(-error));
	if (!error)
		error = interfaces_watch_prepare(commits->daemon->watch, next, &commits->problems);
	if (!error && first->kind->switch_over)
		error = first->kind->switch_over(first);
	if (error)
		interfaces_watch_revert(commits->daemon->watch);
	return error;
}

static void publish(struct commits *commits, const struct daemon_next *next)
{
	struct pending *pending = TAKE_PTR(commits->pending);

	if (!pending) {
		daemon_publish(commits->daemon, next, &commits->change);
		return;
	}
	pending->result = STAILQ_FIRST(&commits->members)->result;
	pending_begin(pending, &commits->group, next, &commits->change);
}

static void prepared(void *context)
{
	struct commits *commits = context;
	struct daemon *daemon = commits->daemon;
	const struct commit *first = STAILQ_FIRST(&commits->members);
	struct daemon_next next = next_state(commits);
	int error = commits->error;

	if (!error)
		error = guard(commits, &next);
	if (!error && !first->dry_run)
		error = switch_over(commits, &next);
	lifelines_clear(&commits->lifelines);
	if (error || first->dry_run) {
		pending_free(&commits->pending);
		unstore(commits);
		datapath_abandon(daemon->datapath, &commits->change);
		commits->changes = 0;
	} else {
		publish(commits, &next);
	}
	if (error)
		commits_fail(commits, error);
	else
		commits_finish(commits);
}
