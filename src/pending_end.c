// SPDX-License-Identifier: Apache-2.0
/*
 * How a pending change ends: confirmed, it becomes the state that is stored;
 * taken back, the state before is what the daemon knows to be in force.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "address_set.h"
#include "address_sets.h"
#include "cleanup.h"
#include "commits.h"
#include "daemon_fold.h"
#include "daemon_sets.h"
#include "daemon_state.h"
#include "datapath_pending.h"
#include "log.h"
#include "pending.h"
#include "policyset.h"
#include "store_pending.h"

struct end {
	struct commit commit;
	char id[PENDING_ID_SIZE + 1]; /* one that is too long is none; "": whichever is pending */
	bool confirm;
	bool withdrawing; /* the kernel goes back */
	pending_ended done;
	void *context;
	struct change_result result;
};

/* ---- in the thread */

static bool is_too_late(const struct pending *pending)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec >= pending->deadline_ns;
}

static int say_too_late(struct end *end, const struct pending *pending)
{
	problem_add(&end->commit.problems, "",
		    "too late: the time of the change %s is over, and what was before is in force "
		    "again",
		    pending->id);
	return -ETIME;
}

static int store(const struct daemon *daemon, const struct pending *pending,
		 struct problems *problems)
{
	const struct set_change set = set_change_between(pending->sets_before, pending->group.sets);

	if (set.name)
		return set_change_store(daemon, &set, pending->sets_before, problems);
	return daemon_store(daemon, &pending->group, problems);
}

static void unstore(const struct daemon *daemon, const struct pending *pending)
{
	const struct set_change set = set_change_between(pending->sets_before, pending->group.sets);

	if (set.name)
		set_change_unstore(daemon, &set, pending->sets_before);
	else
		daemon_unstore(daemon);
}

/* What is left of it does no harm: it has come to nothing, or says what is so. */
static void drop(const struct daemon *daemon, const struct pending *pending)
{
	int error = store_drop_pending(daemon->store);

	if (error)
		log_warn("the file of the change %s cannot be removed: %s", pending->id,
			 strerror(-error));
}

static int confirm(struct end *end, const struct pending *pending)
{
	struct daemon *daemon = end->commit.daemon;
	int error;

	if (is_too_late(pending))
		return say_too_late(end, pending);
	error = store(daemon, pending, &end->commit.problems);
	if (!error)
		drop(daemon, pending);
	return error;
}

static int withdraw(struct end *end, const struct pending *pending)
{
	const struct daemon *daemon = end->commit.daemon;
	int error = datapath_withdraw(daemon->datapath, pending->change);

	end->withdrawing = true;

	if (!error)
		drop(daemon, pending);
	return error;
}

static int plan(struct commit *commit, struct group *group)
{
	struct end *end = (struct end *)commit;
	const struct pending *pending = commit->daemon->pending;

	(void)group;
	if (!pending || (*end->id && strcmp(end->id, pending->id) != 0)) {
		problem_add(&commit->problems, "", "no change%s%s is pending", *end->id ? " " : "",
			    end->id);
		return -ENOENT;
	}
	return end->confirm ? confirm(end, pending) : withdraw(end, pending);
}

/* ---- in the loop */

/* The journal and the kernel agree when one of the two fails. */
static int keep(struct end *end, struct pending *pending)
{
	struct daemon *daemon = end->commit.daemon;

	if (!datapath_confirm(daemon->datapath, pending->change))
		return 0;
	unstore(daemon, pending);
	return say_too_late(end, pending);
}

static void free_later(void *context)
{
	struct pending *pending = context;

	pending_free(&pending);
}

static int settle(struct commit *commit)
{
	struct end *end = (struct end *)commit;
	struct daemon *daemon = commit->daemon;
	struct pending *pending = daemon->pending;
	const struct daemon_next before = {
		.settings = daemon->settings,
		.set = pending->group.base,
		.sets = pending->sets_before,
	};
	int error = end->confirm ? keep(end, pending) : 0;

	if (error)
		return error;
	daemon->pending = NULL;
	pending_stop(pending);
	end->result = pending->result;
	if (!end->confirm)
		daemon_return(daemon, &before, pending->change);
	log_info(end->confirm ? "the change %s is confirmed" : "the change %s is taken back",
		 pending->id);
	commits_free_later(daemon->commits, free_later, pending);
	daemon_settle_later(daemon, 0);
	daemon_fold_follow(daemon->fold); /* it waited */
	return 0;
}

static void finish(struct commit *commit, int error)
{
	struct end *end = (struct end *)commit;

	if (end->withdrawing && error && error != -ECANCELED)
		pending_try_again(commit->daemon->pending, error);
	end->result.generation = commit->result.generation;
	if (end->done)
		end->done(end->context, error, &end->result, &commit->problems);
	problems_clear(&commit->problems);
	free(end);
}

void pending_end(struct daemon *daemon, const char *id, bool confirm, pending_ended done,
		 void *context)
{
	static const struct commit_kind kind = {
		.plan = plan,
		.switch_over = settle,
		.finish = finish,
		.while_pending = COMMIT_GOES,
	};
	struct end *end = calloc(1, sizeof(*end));

	if (!end) {
		const struct change_result nothing = { 0 };
		const struct problems none = { 0 };

		if (done)
			done(context, -ENOMEM, &nothing, &none);
		return;
	}
	end->commit.kind = &kind;
	end->commit.alone = true;
	end->confirm = confirm;
	end->done = done;
	end->context = context;
	if (id)
		snprintf(end->id, sizeof(end->id), "%s", id);
	commits_add(daemon->commits, &end->commit);
}
