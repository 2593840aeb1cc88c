/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon.h"
#include "daemon_fold.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "address_sets.h"
#include "attach.h"
#include "audit.h"
#include "capabilities.h"
#include "cleanup.h"
#include "commits.h"
#include "confine.h"
#include "credentials.h"
#include "daemon_loop.h"
#include "daemon_start.h"
#include "daemon_state.h"
#include "daemon_takeover.h"
#include "datapath.h"
#include "event_feed.h"
#include "expiry.h"
#include "heap.h"
#include "history.h"
#include "http.h"
#include "interfaces_watch.h"
#include "keep.h"
#include "links.h"
#include "log.h"
#include "notify.h"
#include "pending.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"
#include "store.h"

#define STEP_SECONDS 60

/* A daemon on its way up. */
struct boot {
	struct daemon *daemon;
	struct daemon_loop *loop;
	struct daemon_start start;
	bool attached; /* to what this process wants */
};

static void prepare_process(void);
static void raise_limit(int resource);
static int start(struct boot *boot);
static int open_loop(struct boot *boot);
static int read_state(struct boot *boot);
static int check_capabilities(struct boot *boot);
static int open_keep(struct boot *boot);
static int open_datapath(struct boot *boot);
static int replace_programs(void *context, struct datapath *datapath);
static int enforce(struct boot *boot);
static int watch_interfaces(struct boot *boot);
static int open_feed(struct boot *boot);
static int open_history(struct boot *boot);
static int open_expiry(struct boot *boot);
static int open_commits(struct boot *boot);
static int open_fold(struct boot *boot);
static int open_http(struct boot *boot);
static int attach(struct boot *boot);
static int report_ready(struct boot *boot);
static int datapath_error(int error, const char *detail);
static int os_error(const char *what, int error);
static void stop(struct boot *boot);

/*
 * In order; each returns 0 or an exit status after it has said why.  What an
 * earlier process left in force stays so until attach(), behind which nothing
 * fails.
 */
static int (*const steps[])(struct boot *boot) = {
	open_loop,   read_state,       check_capabilities, open_keep,	 open_datapath,
	enforce,     watch_interfaces, open_feed,	   open_history, open_commits,
	open_expiry, open_fold,	       open_http,	   attach,	 report_ready,
};

int daemon_run(const char *config_path, const char *log_level)
{
	struct daemon daemon = { .config_path = config_path, .log_level = log_level };
	struct boot boot = { .daemon = &daemon };
	int status, r;

	prepare_process();
	status = start(&boot);
	if (!status) {
		r = daemon_loop_run(boot.loop);
		if (r < 0)
			status = os_error("the event loop ended", r);
	}
	stop(&boot);
	return status;
}

static void prepare_process(void)
{
	const int error = confine_to_this_program();

	if (error)
		log_warn("programs could be executed: %s", strerror(-error));
	/* Threads take turns. What many small changes need again and again stays, what large ones
	 * used goes back to the system. */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024);
	mallopt(M_TRIM_THRESHOLD, 16 * 1024 * 1024);
	/* Kernels before 5.11 count maps as locked memory. */
	raise_limit(RLIMIT_MEMLOCK);
	raise_limit(RLIMIT_NOFILE);
}

/* As far as it goes; where it does not, the kernel says so when it matters. */
static void raise_limit(int resource)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	if (resource == RLIMIT_MEMLOCK && setrlimit(resource, &limit) == 0)
		return;
	if (getrlimit(resource, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(resource, &limit) < 0)
		log_debug("resource limit %d stays as it is: %s", resource, strerror(errno));
}

static int start(struct boot *boot)
{
	struct daemon *daemon = boot->daemon;
	struct timespec real, boottime;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &boottime);
	daemon->started_us = (int64_t)real.tv_sec * 1000000 + real.tv_nsec / 1000;
	daemon->started_ns = (uint64_t)boottime.tv_sec * 1000000000 + (uint64_t)boottime.tv_nsec;
	daemon->last_reload_us = daemon->started_us;
	daemon->set = policyset_new();
	daemon->sets = address_sets_new();
	if (!daemon->set || !daemon->sets)
		return os_error("not started", -ENOMEM);

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int status;

		notify_extend(STEP_SECONDS);
		status = steps[i](boot);
		if (status)
			return status;
	}
	return 0;
}

static int open_loop(struct boot *boot)
{
	int r = daemon_loop_open(boot->daemon, &boot->loop);

	return r < 0 ? os_error("no event loop", r) : 0;
}

static int read_state(struct boot *boot)
{
	return daemon_start_read(boot->daemon, &boot->start);
}

static int check_capabilities(struct boot *boot)
{
	char missing[64];

	(void)boot;
	if (capabilities_missing(missing, sizeof(missing)) < 0 || !*missing)
		return 0;
	daemon_give_up("not started: %s missing: run it as root, or give the service "
		       "AmbientCapabilities=CAP_BPF CAP_NET_ADMIN CAP_PERFMON",
		       missing);
	return EX_NOPERM;
}

static int open_keep(struct boot *boot)
{
	const struct settings *settings = boot->daemon->settings;
	int r = keep_open(settings->pin, settings->pin_directory, &boot->daemon->keep);

	return r < 0 ? os_error("not started", r) : 0;
}

static int open_datapath(struct boot *boot)
{
	CLEANUP(cleanup_free) char *detail = NULL;
	struct daemon *daemon = boot->daemon;
	const struct datapath_options options = {
		.keep = daemon->keep,
		.flow_cache_entries = daemon->settings->flow_cache_entries,
		.settle_ahead = true,
	};
	int r;

	r = datapath_open(&options, &daemon->datapath, &detail);
	if (r >= 0) {
		datapath_on_replace(daemon->datapath, replace_programs, daemon);
		return 0;
	}
	return datapath_error(r, detail);
}

static int datapath_error(int error, const char *detail)
{
	daemon_give_up("not started: %s", detail ? detail : strerror(-error));
	if (error == -EPERM)
		return EX_NOPERM;
	return error == -EOPNOTSUPP ? EX_UNAVAILABLE : EX_OSERR;
}

static int replace_programs(void *context, struct datapath *datapath)
{
	struct daemon *daemon = context;

	(void)datapath;
	return daemon->attachments ? attach_replace_programs(daemon->attachments) : 0;
}

/* A set that cannot be compiled is as bad as one that cannot be read. */
static int enforce(struct boot *boot)
{
	struct daemon *daemon = boot->daemon;

	for (;;) {
		CLEANUP(problems_clear) struct problems problems = { 0 };
		const struct daemon_next next = {
			.settings = daemon->settings,
			.set = boot->start.set,
			.sets = boot->start.sets,
		};
		int status, r;

		r = daemon_enforce(daemon, &next, &problems);
		daemon_log_problems(&problems, "start");
		if (r >= 0)
			break;
		if (r != -ENOSPC && r != -EFBIG && r != -EINVAL)
			return os_error("not started: the policies cannot be enforced", r);
		status = daemon_start_fall_back(daemon, &boot->start, &problems);
		if (status)
			return status;
	}
	daemon_start_clear(&boot->start);
	pending_resume(daemon);
	return 0;
}

static int watch_interfaces(struct boot *boot)
{
	CLEANUP(cleanup_free) char *detail = NULL;
	struct daemon *daemon = boot->daemon;
	int r;

	daemon->attachments = attachments_new(daemon->datapath);
	if (!daemon->attachments)
		return os_error("not started", -ENOMEM);
	r = attachments_keep(daemon->attachments, daemon->keep, &detail);
	if (r < 0)
		return datapath_error(r, detail);
	r = interfaces_watch_open(daemon, &daemon->watch);
	if (r < 0)
		return os_error("not started: the interfaces cannot be watched", r);
	return 0;
}

static int attach(struct boot *boot)
{
	struct daemon *daemon = boot->daemon;

	if (!daemon->settings->interfaces.count)
		log_warn(
			"\"network.interfaces\" is empty: attached to nothing, nothing is enforced");
	daemon_load_counters(daemon);
	daemon_hand_over(daemon);
	interfaces_watch_follow(daemon->watch);
	attachments_sweep(daemon->attachments);
	interfaces_watch_sweep(daemon->watch);
	boot->attached = true;
	daemon_inherit(daemon);
	return 0;
}

static int open_feed(struct boot *boot)
{
	int r = event_feed_open(boot->daemon, &boot->daemon->events);

	return r < 0 ? os_error("not started: no events can be read", r) : 0;
}

static int open_history(struct boot *boot)
{
	int r = history_open(boot->daemon, &boot->daemon->history);

	return r < 0 ? os_error("not started", r) : 0;
}

static int open_expiry(struct boot *boot)
{
	int r = expiry_open(boot->daemon, &boot->daemon->expiry);

	return r < 0 ? os_error("not started: the clock cannot be watched", r) : 0;
}

static int open_commits(struct boot *boot)
{
	int r = commits_open(boot->daemon, true, &boot->daemon->commits);

	return r < 0 ? os_error("not started: no thread can be started", r) : 0;
}

static int open_fold(struct boot *boot)
{
	int r = daemon_fold_open(boot->daemon, &boot->daemon->fold);

	return r < 0 ? os_error("not started", r) : 0;
}

static int open_http(struct boot *boot)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct daemon *daemon = boot->daemon;
	int r;

	/* Nobody is let in then, and no more. */
	(void)credentials_load(daemon->settings, &daemon->credentials, &problems);
	daemon_log_problems(&problems, "start");
	daemon->audit = audit_new();
	r = daemon->audit ? http_open(daemon, &daemon->http) : -ENOMEM;
	return r < 0 ? os_error("not started: the API cannot be served", r) : 0;
}

static int report_ready(struct boot *boot)
{
	struct daemon *daemon = boot->daemon;
	char status[512];

	daemon->last_reload_ok = !daemon->degraded;
	daemon->unkept = !daemon->degraded;
	heap_trim();
	daemon_tidy_up(daemon);
	daemon_status(daemon, status, sizeof(status));
	daemon->status = strdup(status);
	log_info("started: %s", status);
	notify_ready(status);
	return 0;
}

static int os_error(const char *what, int error)
{
	daemon_give_up("%s: %s", what, strerror(-error));
	return EX_OSERR;
}

/* In reverse; tolerates a start that has not come far. */
static void stop(struct boot *boot)
{
	struct daemon *daemon = boot->daemon;

	notify_stopping();
	commits_close(&daemon->commits);
	pending_close(daemon);
	http_close(&daemon->http);
	credentials_free(&daemon->credentials);
	audit_free(&daemon->audit);
	daemon_fold_close(&daemon->fold);
	expiry_close(&daemon->expiry);
	history_close(&daemon->history);
	event_feed_close(&daemon->events);
	interfaces_watch_close(&daemon->watch);
	if (boot->attached && !daemon_stays(daemon))
		attach_detach_all(daemon->attachments);
	if (boot->attached)
		daemon_save_counters(daemon);
	attachments_free(&daemon->attachments);
	datapath_free(&daemon->datapath);
	keep_close(&daemon->keep);
	store_close(&daemon->store);
	daemon_start_clear(&boot->start);
	daemon_loop_close(&boot->loop);
	policyset_put(&daemon->set);
	address_sets_put(&daemon->sets);
	settings_free(&daemon->settings);
	free(daemon->degraded);
	free(daemon->status);
}
