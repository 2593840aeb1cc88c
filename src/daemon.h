/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon: what is in force, and the one way to change it.  Start, reload
 * and daemon_change() of the API all end in daemon_enforce() (daemon_state.h).
 */
#ifndef DAEMON_H
#define DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address_sets;
struct attachments;
struct daemon_fold;
struct datapath;
struct event;
struct event_base;
struct event_feed;
struct expiry;
struct history;
struct http;
struct interfaces_watch;
struct links;
struct policy;
struct policyset;
struct problems;
struct settings;
struct store;

/* What the routes may read. One thread, so it does not change under them. */
struct daemon {
	struct event_base *base;
	const char *config_path;
	struct settings *settings; /* in force */
	struct policyset *set; /* in force: all origins */
	struct address_sets *sets; /* of addresses, in force: all origins */
	struct datapath *datapath;
	struct attachments *attachments;
	struct links *links;
	struct store *store;
	uint64_t started_ns; /* CLOCK_BOOTTIME */
	int64_t started_us; /* CLOCK_REALTIME */
	char *degraded; /* why, e.g. that the last good state is enforced; NULL */
	bool last_reload_ok;
	int64_t last_reload_us;
	struct history *history; /* history.h: last hits, the last minute */
	struct http *http; /* http.h */
	struct event_feed *events; /* event_feed.h */

	/* For the daemon's own files. */
	struct interfaces_watch *watch; /* interfaces_watch.h */
	struct expiry *expiry; /* expiry.h */
	struct daemon_fold *fold; /* daemon_fold.h */
	struct event *settle; /* pending after a change, see daemon_settle_later() */
	size_t unsettled; /* policies exchanged since then */
	const char *log_level; /* of the command line, before all else; NULL */
	char *status; /* the line as last told; NULL: not ready yet */
};

/*
 * A wanted change of the API's policies. Borrowed, not owned; origin and times
 * of the policies that are put are filled in.
 */
struct change {
	bool replace_all; /* remove all of the API's first */
	const char *const *remove;
	size_t remove_count;
	struct policy *const *put;
	size_t put_count;
	bool dry_run; /* check and count only */
};

struct change_result {
	bool changed;
	size_t created, updated, unchanged, deleted;
	size_t policy_count; /* of all origins, afterwards */
	size_t others; /* of other origins, which this could not touch */
	uint64_t generation;
};

/**
 * Makes the change current: compiled, durable, in force, in this order, or
 * nothing of it. A change that changes nothing keeps the generation. Returns
 * 0; with the reason in @problems: -EPERM a policy of another origin, -ENOSPC
 * capacity (with figures), -EINVAL, -EIO when it cannot be stored, another
 * -errno when it cannot be enforced.
 */
int daemon_change(struct daemon *daemon, const struct change *change, struct change_result *ret,
		  struct problems *problems);

/**
 * Reads configuration and policy files again, all or nothing. What needs a
 * restart is told as warnings in @problems. Returns 0, -EINVAL or -errno.
 */
int daemon_reload(struct daemon *daemon, struct change_result *ret, struct problems *problems);

/** Runs until SIGTERM. Returns the exit status, see pepctl(8). */
int daemon_run(const char *config_path, const char *log_level);

/** `--check`: prints every error. Returns 0 or 78. */
int daemon_check(const char *config_path);

#endif
