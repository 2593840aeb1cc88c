/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon_fold.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "commits.h"
#include "daemon.h"
#include "datapath.h"
#include "datapath_counters.h"
#include "datapath_fold.h"
#include "heap.h"
#include "log.h"

#define PAUSE_SECONDS 1 /* without a change */
#define RETRY_SECONDS 60 /* after a failure */
#define COMPARES_MOST 200 /* some 2 us */
#define COSTLIEST 3

struct daemon_fold {
	struct daemon *daemon;
	struct event *pause; /* no change came for a while */
	struct event *compiled; /* NULL: nothing is being compiled */
	bool publishing; /* what was compiled */
	bool failed; /* `pause` is until it is tried again, whatever changes */
};

static void on_pause(evutil_socket_t fd, short what, void *context);
static void on_compiled(evutil_socket_t fd, short what, void *context);
static void begin(struct daemon_fold *fold, bool in_haste);
static void wait_for(struct daemon_fold *fold, time_t seconds);

int daemon_fold_open(struct daemon *daemon, struct daemon_fold **ret)
{
	CLEANUP(daemon_fold_close) struct daemon_fold *fold = calloc(1, sizeof(*fold));

	if (!fold)
		return -ENOMEM;
	fold->daemon = daemon;
	fold->pause = event_new(daemon->base, -1, 0, on_pause, fold);
	if (!fold->pause)
		return -ENOMEM;
	daemon_fold_follow(fold);
	*ret = TAKE_PTR(fold);
	return 0;
}

void daemon_fold_follow(struct daemon_fold *fold)
{
	struct datapath_figures figures;

	if (!fold || fold->compiled || fold->publishing || fold->failed || fold->daemon->pending)
		return;
	datapath_figures(fold->daemon->datapath, &figures);
	if (datapath_fold_is_due(fold->daemon->datapath))
		begin(fold, true);
	else if (figures.overlay_policies || figures.dead_policies || figures.improvable)
		wait_for(fold, PAUSE_SECONDS);
}

void daemon_fold_close(struct daemon_fold **fold)
{
	if (!*fold)
		return;
	if ((*fold)->pause)
		event_free((*fold)->pause);
	if ((*fold)->compiled)
		event_free((*fold)->compiled);
	free(*fold);
	*fold = NULL;
}

/* Anew, if it waits already. */
static void wait_for(struct daemon_fold *fold, time_t seconds)
{
	const struct timeval delay = { .tv_sec = seconds };

	if (event_add(fold->pause, &delay) < 0)
		log_warn("no timer could be set: the overlay is folded after a later change");
}

static void on_pause(evutil_socket_t fd, short what, void *context)
{
	struct daemon_fold *fold = context;

	(void)fd;
	(void)what;
	fold->failed = false;
	if (fold->compiled || fold->publishing || fold->daemon->pending)
		return;
	if (datapath_fold_fd(fold->daemon->datapath) < 0)
		begin(fold, false);
	else
		on_compiled(-1, 0, fold);
}

static void fail(struct daemon_fold *fold, int error)
{
	log_warn("the overlay could not be folded, it is tried again in %d s: %s", RETRY_SECONDS,
		 strerror(-error));
	fold->failed = true;
	wait_for(fold, RETRY_SECONDS);
}

static void begin(struct daemon_fold *fold, bool in_haste)
{
	struct datapath *datapath = fold->daemon->datapath;
	int error = datapath_fold_begin(datapath, in_haste);

	if (error) {
		fail(fold, error);
		return;
	}
	fold->compiled = event_new(fold->daemon->base, datapath_fold_fd(datapath), EV_READ,
				   on_compiled, fold);
	if (fold->compiled && !event_add(fold->compiled, NULL))
		return;
	on_compiled(-1, 0, fold); /* nobody would call: wait for it */
}

/* A set that is out of bounds is taken, and said to be. */
static void warn_of_costs(const struct daemon *daemon)
{
	struct datapath_figures figures;
	const char *id[COSTLIEST];
	size_t count = datapath_costliest(daemon->datapath, id, COSTLIEST);

	datapath_figures(daemon->datapath, &figures);
	if (figures.worst_live <= COMPARES_MOST || !count)
		return;
	log_warn("a packet can be compared with %u rules, which takes longer than 2 us; most are "
		 "of the policies %s%s%s%s%s",
		 figures.worst_live, id[0], count > 1 ? ", " : "", count > 1 ? id[1] : "",
		 count > 2 ? ", " : "", count > 2 ? id[2] : "");
}

/* ---- putting it in force takes its turn among the changes */

static int plan_fold(struct commit *commit, struct group *group)
{
	(void)commit;
	(void)group;
	return 0;
}

static int prepare_fold(struct commit *commit, struct datapath_change **ret)
{
	return datapath_fold_prepare(commit->daemon->datapath, ret);
}

static void finish_fold(struct commit *commit, int error)
{
	struct daemon *daemon = commit->daemon;
	struct daemon_fold *fold = daemon->fold;

	datapath_fold_drop(daemon->datapath);
	problems_clear(&commit->problems);
	free(commit);
	if (!fold)
		return;
	fold->publishing = false;
	if (error && error != -ESTALE) {
		fail(fold, error);
		return;
	}
	if (!error)
		warn_of_costs(daemon);
	/* Compiling takes much more than what is left of it. */
	commits_free_later(daemon->commits, heap_trim_later, NULL);
	log_debug(error ? "what was folded is out of date: once more" : "the overlay is folded");
	daemon_fold_follow(fold);
}

static void on_compiled(evutil_socket_t fd, short what, void *context)
{
	static const struct commit_kind kind = {
		.plan = plan_fold,
		.prepare = prepare_fold,
		.finish = finish_fold,
		.while_pending = COMMIT_WAITS,
	};
	struct daemon_fold *fold = context;
	struct commit *commit = calloc(1, sizeof(*commit));

	(void)fd;
	(void)what;
	if (fold->compiled)
		event_free(fold->compiled);
	fold->compiled = NULL;
	if (!commit) {
		fail(fold, -ENOMEM); /* what was compiled waits */
		return;
	}
	commit->kind = &kind;
	commit->again = true;
	fold->publishing = true;
	commits_add(fold->daemon->commits, commit);
}
