// SPDX-License-Identifier: Apache-2.0
#include "commits_state.h"

#include <errno.h>
#include <stdlib.h>

#include "cleanup.h"
#include "daemon_state.h"
#include "datapath.h"
#include "pending.h"
#include "problem.h"
#include "worker.h"

#define GROUP_COMMITS 256

static void begin(struct commits *commits);

int commits_open(struct daemon *daemon, bool threaded, struct commits **ret)
{
	CLEANUP(commits_close) struct commits *commits = calloc(1, sizeof(*commits));
	int error;

	if (!commits)
		return -ENOMEM;
	commits->daemon = daemon;
	STAILQ_INIT(&commits->waiting);
	STAILQ_INIT(&commits->later);
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
	STAILQ_CONCAT(&closed->waiting, &closed->later);
	while ((commit = STAILQ_FIRST(&closed->waiting))) {
		STAILQ_REMOVE_HEAD(&closed->waiting, link);
		commit->kind->finish(commit, -ECANCELED);
	}
	free(closed);
	*commits = NULL;
}

/* ---- groups */

/* Without a thread, or memory for it to have a job, it is done here. */
void commits_run(struct commits *commits, void (*work)(void *context), void (*done)(void *context))
{
	const struct job job = { work, done, commits };

	if (commits->worker && !worker_add(commits->worker, &job))
		return;
	work(commits);
	done(commits);
}

static bool is_alone(const struct commits *commits, const struct commit *commit)
{
	return commits->singles || commit->alone || commit->dry_run || commit->again ||
	       commit->confirm_seconds || commit->forced;
}

static void take(struct commits *commits)
{
	struct commit *commit = STAILQ_FIRST(&commits->waiting);

	STAILQ_REMOVE_HEAD(&commits->waiting, link);
	STAILQ_INSERT_TAIL(&commits->members, commit, link);
	commits->count++;
}

static void refuse(struct commits *commits, struct commit *commit)
{
	pending_refuse(commits->daemon, &commit->problems);
	commit->kind->finish(commit, -EALREADY);
}

/* What may go now; while a change is pending that is not everything. NULL: nothing. */
static struct commit *first_to_go(struct commits *commits)
{
	struct commit *commit;

	if (!commits->daemon->pending) {
		STAILQ_CONCAT(&commits->waiting, &commits->later);
		return STAILQ_FIRST(&commits->waiting);
	}
	while ((commit = STAILQ_FIRST(&commits->waiting)) &&
	       commit->kind->while_pending != COMMIT_GOES) {
		STAILQ_REMOVE_HEAD(&commits->waiting, link);
		if (commit->kind->while_pending == COMMIT_WAITS)
			STAILQ_INSERT_TAIL(&commits->later, commit, link);
		else
			refuse(commits, commit);
	}
	return commit;
}

static void begin(struct commits *commits)
{
	const struct commit *commit;
	bool alone;

	commits->busy = true; /* who is refused may come again */
	commit = first_to_go(commits);
	alone = commit && is_alone(commits, commit);
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
	commits_run(commits, commits_plan, commits_planned);
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
	struct commit *commit = NULL;
	uint64_t generation;
	size_t exchanged = 0;

	datapath_figures(commits->daemon->datapath, &figures);
	generation = figures.generation - commits->changes;
	STAILQ_FOREACH(commit, &commits->members, link) {
		if (commits->changes && (commit->result.changed || commit->again))
			generation++;
		commit->result.generation = generation;
		exchanged +=
			commit->result.created + commit->result.updated + commit->result.deleted;
	}
	if (commits->changes)
		daemon_settle_later(commits->daemon, exchanged);
}

void commits_finish(struct commits *commits)
{
	number(commits);
	drop_group(commits);
	while (commits->count)
		finish_first(commits, 0);
	begin(commits);
}

/* What is wrong with the only one is its own; of several each has another chance. */
void commits_fail(struct commits *commits, int error)
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
