/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon_loop.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "cleanup.h"
#include "commits.h"
#include "daemon.h"
#include "daemon_guess.h"
#include "daemon_state.h"
#include "datapath_counters.h"
#include "datapath_steady.h"
#include "event_priority.h"
#include "group.h"
#include "heap.h"
#include "json_cleanup.h"
#include "log.h"
#include "notify.h"
#include "problem.h"
#include "settings_key.h"
#include "store.h"

#define STATUS_SECONDS 10
/* So many policies exchanged leave holes in the heap that are worth giving back. */
#define TRIM_POLICIES 256

static void on_stop(evutil_socket_t number, short what, void *context);
static void on_hangup(evutil_socket_t number, short what, void *context);
static void on_reload(evutil_socket_t fd, short what, void *context);
static void on_reopen(evutil_socket_t number, short what, void *context);
static void on_settle(evutil_socket_t fd, short what, void *context);
static void on_status(evutil_socket_t fd, short what, void *context);
static struct event_base *make_base(void);
static int catch_signals(struct daemon_loop *loop);
static int add_timers(struct daemon_loop *loop);

static const struct {
	int number;
	event_callback_fn callback;
} signals[] = {
	{ SIGTERM, on_stop },
	{ SIGINT, on_stop },
	{ SIGHUP, on_hangup },
	{ SIGUSR1, on_reopen },
};

struct daemon_loop {
	struct daemon *daemon;
	struct event *signal[ARRAY_SIZE(signals)];
	struct event *reload; /* active: one is due */
	bool reloading, again; /* by signal: one is under way, another one is due behind it */
	struct event *status;
	struct notify_watchdog *watchdog;
};

int daemon_loop_open(struct daemon *daemon, struct daemon_loop **ret)
{
	CLEANUP(daemon_loop_close) struct daemon_loop *loop = calloc(1, sizeof(*loop));
	int r;

	if (!loop)
		return -ENOMEM;
	loop->daemon = daemon;
	daemon->base = make_base();
	if (!daemon->base)
		return -ENOMEM;
	r = catch_signals(loop);
	if (r >= 0)
		r = add_timers(loop);
	if (r >= 0)
		r = notify_watchdog_open(daemon->base, &loop->watchdog);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(loop);
	return 0;
}

int daemon_loop_run(struct daemon_loop *loop)
{
	return event_base_dispatch(loop->daemon->base) < 0 ? -EIO : 0;
}

void daemon_loop_close(struct daemon_loop **loop)
{
	struct daemon *daemon;

	if (!*loop)
		return;
	daemon = (*loop)->daemon;
	notify_watchdog_close(&(*loop)->watchdog);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		if ((*loop)->signal[i])
			event_free((*loop)->signal[i]);
	}
	if ((*loop)->reload)
		event_free((*loop)->reload);
	if ((*loop)->status)
		event_free((*loop)->status);
	if (daemon->settle)
		event_free(daemon->settle);
	daemon->settle = NULL;
	if (daemon->base)
		event_base_free(daemon->base);
	daemon->base = NULL;
	free(*loop);
	*loop = NULL;
}

static struct event_base *make_base(void)
{
	const struct timeval turn = { .tv_usec = EVENT_PRIORITY_TURN_US };
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config &&
	    !event_config_set_max_dispatch_interval(config, &turn, -1, EVENT_PRIORITY_LAST))
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	if (base && event_base_priority_init(base, EVENT_PRIORITIES) < 0) {
		event_base_free(base);
		return NULL;
	}
	return base;
}

static int catch_signals(struct daemon_loop *loop)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	if (sigaction(SIGPIPE, &ignore, NULL) < 0)
		return -errno;
	loop->reload = event_new(loop->daemon->base, -1, 0, on_reload, loop);
	if (!loop->reload)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		loop->signal[i] = evsignal_new(loop->daemon->base, signals[i].number,
					       signals[i].callback, loop);
		if (!loop->signal[i] || event_add(loop->signal[i], NULL) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int add_timers(struct daemon_loop *loop)
{
	const struct timeval interval = { .tv_sec = STATUS_SECONDS };
	struct daemon *daemon = loop->daemon;

	daemon->settle = event_new(daemon->base, -1, 0, on_settle, daemon);
	loop->status = event_new(daemon->base, -1, EV_PERSIST, on_status, daemon);
	if (!daemon->settle || !loop->status || event_add(loop->status, &interval) < 0)
		return -ENOMEM;
	return 0;
}

static void on_stop(evutil_socket_t number, short what, void *context)
{
	struct daemon_loop *loop = context;

	(void)what;
	log_info("stopping: %s", strsignal((int)number));
	event_base_loopexit(loop->daemon->base, NULL);
}

/* libevent calls once for each signal: those that came together ask for one reload. */
static void on_hangup(evutil_socket_t number, short what, void *context)
{
	struct daemon_loop *loop = context;

	(void)number;
	(void)what;
	event_active(loop->reload, EV_TIMEOUT, 0);
}

static void on_reloaded(void *context, int error, const struct change_result *result,
			const struct problems *problems)
{
	struct daemon_loop *loop = context;

	audit_own(loop->daemon, "signal", "reload", error ? NULL : result, problems);
	loop->reloading = false;
	if (loop->again)
		event_active(loop->reload, EV_TIMEOUT, 0);
	loop->again = false;
}

/* Those that come while one is under way ask for one more. */
static void on_reload(evutil_socket_t fd, short what, void *context)
{
	struct daemon_loop *loop = context;

	(void)fd;
	(void)what;
	loop->again = loop->reloading;
	if (loop->reloading)
		return;
	loop->reloading = true;
	daemon_reload(loop->daemon, false, on_reloaded, loop);
}

static void on_reopen(evutil_socket_t number, short what, void *context)
{
	struct daemon_loop *loop = context;
	int r = log_reopen();

	(void)number;
	(void)what;
	if (loop->daemon->audit)
		audit_reopen(loop->daemon->audit);
	if (r < 0)
		log_error("the log file cannot be opened anew: %s", strerror(-r));
	else
		log_info("the log file was opened anew");
}

/* ---- what is left to do behind changes: a snapshot, if the journal has grown, and faster lookups */

static void keep_last_good(struct daemon *daemon, const struct group *group)
{
	CLEANUP(cleanup_json) struct json_object *config = settings_to_json(group->settings);

	daemon_keep_last_good(daemon, config, group->base, group->sets);
	daemon->unkept = false;
}

static int tidy(struct commit *commit, struct group *group)
{
	int error = datapath_rest(commit->daemon->datapath);

	if (commit->daemon->unkept)
		keep_last_good(commit->daemon, group);
	if (error)
		log_debug("lookups stay as they are: %s", strerror(-error));
	return store_compact(commit->daemon->store, group->base);
}

static void finish_tidying(struct commit *commit, int error)
{
	struct daemon *daemon = commit->daemon;

	if (error && !daemon->store_failed)
		log_warn("the journal of policies cannot be compacted: %s", strerror(-error));
	if (!error && daemon->store_failed)
		log_info("%s can be written to again", daemon->settings->state_dir);
	daemon->store_failed = error;
	if (datapath_slots_trim(daemon->datapath))
		commits_free_later(daemon->commits, heap_trim_later, NULL);
	daemon_tell_status(daemon);
	problems_clear(&commit->problems);
	free(commit);
}

void daemon_tidy_up(struct daemon *daemon)
{
	static const struct commit_kind kind = {
		.plan = tidy,
		.finish = finish_tidying,
		.while_pending = COMMIT_WAITS,
	};
	struct commit *commit = calloc(1, sizeof(*commit));

	if (!commit)
		return; /* the next one will do */
	commit->kind = &kind;
	commit->alone = true;
	commits_add(daemon->commits, commit);
}

/* A while after a change, so that its answer does not wait for this. */
static void on_settle(evutil_socket_t fd, short what, void *context)
{
	struct daemon *daemon = context;

	(void)fd;
	(void)what;
	daemon_tidy_up(daemon);
	if (daemon->unsettled >= TRIM_POLICIES)
		commits_free_later(daemon->commits, heap_trim_later, NULL);
	daemon->unsettled = 0;
	daemon_tell_status(daemon);
}

/* Listeners come and go, and disks have room again, without anybody saying so. */
static void on_status(evutil_socket_t fd, short what, void *context)
{
	struct daemon *daemon = context;

	(void)fd;
	(void)what;
	if (store_error(daemon->store) && !daemon->pending) /* one is enough when that has ended */
		daemon_tidy_up(daemon);
	daemon_tell_status(daemon);
}
