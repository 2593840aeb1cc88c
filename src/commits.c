// SPDX-License-Identifier: Apache-2.0
#include "commits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "daemon_state.h"
#include "datapath.h"
#include "group.h"
#include "interfaces_watch.h"
#include "log.h"
#include "policyset.h"
#include "settings.h"
#include "store.h"
#include "worker.h"

#define GROUP_COMMITS 256
#define GROUP_EDITS 1024 /* an overlay takes 2048 */

STAILQ_HEAD(commit_list, commit);

struct commits {
	struct daemon *daemon;
	struct worker *worker; /* NULL: all is done at once */
	struct commit_list waiting;
	size_t singles; /* so many of these go one by one: a group of them failed */
	bool busy;
	bool closing;

	/* The group under way. */
	struct commit_list members;
	size_t count;
	size_t planned; /* of these; the rest finds the group full */
	uint32_t changes; /* of these, that change something */
	bool stored;
	struct group group;
	struct problems problems; /* of all */
	struct datapath_change *change;
	int error;
};

static void begin(struct commits *commits);
static void plan(void *context);
static void planned(void *context);
static void prepare(void *context);
static void prepared(void *context);

int commits_open(struct daemon *daemon, bool threaded, struct commits **ret)
{
	CLEANUP(commits_close) struct commits *commits = calloc(1, sizeof(*commits));
	int error;

	if (!commits)
		return -ENOMEM;
	commits->daemon = daemon;
	STAILQ_INIT(&commits->waiting);
	STAILQ_INIT(&commits->members);
	error = threaded ? worker_open(daemon->base, &commits->worker) : 0;
	if (error)
		return error;
	*ret = TAKE_PTR(commits);
	return 0;
}

void commits_add(struct commits *commits, struct commit *commit)
{
	commit->daemon = commits->daemon;
	if (commits->closing) {
		commit->kind->finish(commit, -ECANCELED);
		return;
	}
	STAILQ_INSERT_TAIL(&commits->waiting, commit, link);
	if (!commits->busy)
		begin(commits);
}

void commits_free_later(struct commits *commits, void (*release)(void *context), void *context)
{
	const struct job job = { .work = release, .context = context };

	if (!commits || !commits->worker || worker_add(commits->worker, &job))
		release(context);
}

void commits_close(struct commits **commits)
{
	struct commits *closed = *commits;
	struct commit *commit;

	if (!closed)
		return;
	closed->closing = true;
	datapath_cancel(closed->daemon->datapath);
	worker_close(&closed->worker);
	while ((commit = STAILQ_FIRST(&closed->waiting))) {
		STAILQ_REMOVE_HEAD(&closed->waiting, link);
		commit->kind->finish(commit, -ECANCELED);
	}
	free(closed);
	*commits = NULL;
}

/* ---- groups */

/* Without a thread, or memory for it to have a job, it is done here. */
static void run(struct commits *commits, void (*work)(void *context), void (*done)(void *context))
{
	const struct job job = { work, done, commits };

	if (commits->worker && !worker_add(commits->worker, &job))
		return;
	work(commits);
	done(commits);
}

static bool is_alone(const struct commits *commits, const struct commit *commit)
{
	return commits->singles || commit->alone || commit->dry_run || commit->again;
}

static void take(struct commits *commits)
{
	struct commit *commit = STAILQ_FIRST(&commits->waiting);

	STAILQ_REMOVE_HEAD(&commits->waiting, link);
	STAILQ_INSERT_TAIL(&commits->members, commit, link);
	commits->count++;
}

static void begin(struct commits *commits)
{
	const struct commit *commit = STAILQ_FIRST(&commits->waiting);
	bool alone = commit && is_alone(commits, commit);

	commits->busy = commit;
	if (!commit)
		return;
	take(commits);
	if (commits->singles)
		commits->singles--;
	while (!alone && commits->count < GROUP_COMMITS &&
	       (commit = STAILQ_FIRST(&commits->waiting)) && !is_alone(commits, commit))
		take(commits);
	group_begin(commits->daemon, &commits->group);
	commits->error = 0;
	run(commits, plan, planned);
}

static void release_group(void *context)
{
	struct group *group = context;

	group_clear(group);
	free(group);
}

/* The sets of a large state take long to be freed. */
static void drop_group(struct commits *commits)
{
	struct group *group = malloc(sizeof(*group));

	problems_clear(&commits->problems);
	if (group) {
		*group = commits->group;
		commits->group = (struct group){ 0 };
		commits_free_later(commits, release_group, group);
	} else {
		group_clear(&commits->group);
	}
}

static void finish_first(struct commits *commits, int error)
{
	struct commit *commit = STAILQ_FIRST(&commits->members);

	STAILQ_REMOVE_HEAD(&commits->members, link);
	commits->count--;
	commit->kind->finish(commit, error);
}

/* Each of the group has a generation of its own, if only the last one was ever in force. */
static void number(struct commits *commits)
{
	struct datapath_figures figures;
	struct commit *commit;
	uint64_t generation;

	datapath_figures(commits->daemon->datapath, &figures);
	generation = figures.generation - commits->changes;
	STAILQ_FOREACH(commit, &commits->members, link) {
		if (commits->changes && (commit->result.changed || commit->again))
			generation++;
		commit->result.generation = generation;
	}
}

static void finish_all(struct commits *commits)
{
	number(commits);
	drop_group(commits);
	while (commits->count)
		finish_first(commits, 0);
	begin(commits);
}

/* What is wrong with the only one is its own; of several each has another chance. */
static void fail(struct commits *commits, int error)
{
	struct commit *commit = STAILQ_FIRST(&commits->members);
	bool only = commits->count == 1 || error == -ECANCELED;

	if (only) {
		problems_move(&commits->problems, &commit->problems);
		drop_group(commits);
		while (commits->count)
			finish_first(commits, error);
	} else {
		drop_group(commits);
		commits->singles += commits->count;
		STAILQ_CONCAT(&commits->members, &commits->waiting);
		STAILQ_CONCAT(&commits->waiting, &commits->members);
		commits->count = 0;
	}
	begin(commits);
}

/* ---- plan, in the thread */

static void plan(void *context)
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
		fail(commits, error);
	else
		finish_all(commits);
}

static void planned(void *context)
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
	if (error)
		fail(commits, error);
	else
		run(commits, prepare, prepared);
}

/* ---- compile and store, in the thread */

static int store(struct commits *commits)
{
	struct commit *first = STAILQ_FIRST(&commits->members);
	int error;

	if (!first->kind->store && !commits->group.edits)
		return 0;
	error = first->kind->store
			? first->kind->store(first, &commits->group)
			: daemon_store(commits->daemon, &commits->group, &commits->problems);
	commits->stored = !error;
	return error;
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

static void prepared(void *context)
{
	struct commits *commits = context;
	struct daemon *daemon = commits->daemon;
	const struct commit *first = STAILQ_FIRST(&commits->members);
	struct daemon_next next = next_state(commits);
	int error = commits->error;

	if (!error && !first->dry_run)
		error = switch_over(commits, &next);
	if (error || first->dry_run) {
		unstore(commits);
		datapath_abandon(daemon->datapath, &commits->change);
		commits->changes = 0;
	} else {
		daemon_publish(daemon, &next, &commits->change);
	}
	if (error)
		fail(commits, error);
	else
		finish_all(commits);
}
