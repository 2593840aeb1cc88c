/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon: what is in force.  All changes of that go through its commits
 * (commits.h).
 */
#ifndef DAEMON_H
#define DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address_sets;
struct attachments;
struct audit;
struct audit_diff;
struct commits;
struct credentials;
struct daemon_fold;
struct datapath;
struct event;
struct event_base;
struct event_feed;
struct expiry;
struct history;
struct http;
struct interfaces_watch;
struct keep;
struct links;
struct pending;
struct policy;
struct policyset;
struct problems;
struct settings;
struct store;

/* What the routes may read. It changes in the loop alone, so not under them. */
struct daemon {
	struct event_base *base;
	const char *config_path;
	struct settings *settings; /* in force */
	struct policyset *set; /* in force: all origins */
	struct address_sets *sets; /* of addresses, in force: all origins */
	struct datapath *datapath;
	struct keep *keep; /* what outlives the process */
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
	struct audit *audit; /* audit.h */
	struct credentials *credentials; /* credentials.h; NULL: not readable at the start */
	struct event_feed *events; /* event_feed.h */

	struct commits *commits; /* commits.h */
	struct pending *pending; /* pending.h; NULL: no change is */

	/* For the daemon's own files. */
	struct interfaces_watch *watch; /* interfaces_watch.h */
	struct expiry *expiry; /* expiry.h */
	struct daemon_fold *fold; /* daemon_fold.h */
	struct event *settle; /* pending after a change, see daemon_settle_later() */
	size_t unsettled; /* policies exchanged since then */
	bool store_failed; /* the last snapshot, as the log says */
	bool unkept; /* what the start has read is to be kept as the last good state */
	const char *log_level; /* of the command line, before all else; NULL */
	char *status; /* the line as last told; NULL: not ready yet */
};

/* What a change comes to. */
struct change_result {
	bool changed;
	size_t created, updated, unchanged, deleted;
	size_t policy_count; /* of all origins, afterwards */
	size_t others; /* of other origins, which this could not touch */
	uint64_t generation;
	const struct audit_diff
		*diff; /* what it does to policies, until its end; NULL: not known */
};

/** What is told of a reload: 0, -EINVAL or another -errno. The rest is the caller's until it returns. */
typedef void (*daemon_reloaded)(void *context, int error, const struct change_result *result,
				const struct problems *problems);

/**
 * Has configuration and policy files read again, all or nothing. What needs a restart is told as
 * warnings. Unless @forced the guard looks at it (guard.h). @done is called in any case.
 */
void daemon_reload(struct daemon *daemon, bool forced, daemon_reloaded done, void *context);

/** Runs until SIGTERM. Returns the exit status, see pepctl(8). */
int daemon_run(const char *config_path, const char *log_level);

/** `--check`: prints every error. Returns 0 or 78. */
int daemon_check(const char *config_path);

#endif
