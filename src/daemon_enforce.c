/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon_state.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>

#include "address_sets.h"
#include "cleanup.h"
#include "daemon.h"
#include "daemon_fold.h"
#include "datapath.h"
#include "event_feed.h"
#include "expiry.h"
#include "history.h"
#include "http.h"
#include "interfaces_watch.h"
#include "log.h"
#include "notify.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"

/* Compiling blocks the loop: more than this, and the service manager may give up on us. */
#define PREPARE_SECONDS 120
#define SETTLE_AFTER_MS 500

static int prepare(struct daemon *daemon, const struct daemon_next *next,
		   struct datapath_change **ret, struct problems *problems);
static void commit(struct daemon *daemon, struct datapath_change **change);
static void publish(struct daemon *daemon, const struct daemon_next *next,
		    struct datapath_change **change);

int daemon_enforce(struct daemon *daemon, const struct daemon_next *next, struct problems *problems)
{
	struct datapath_change *change;
	int r;

	r = interfaces_watch_check(daemon->watch, next, problems);
	if (r < 0)
		return r;
	r = prepare(daemon, next, &change, problems);
	if (r < 0)
		return r;

	r = interfaces_watch_prepare(daemon->watch, next, problems);
	if (r >= 0 && next->last_step)
		r = next->last_step(next->context, problems);
	if (r < 0) {
		interfaces_watch_revert(daemon->watch);
		datapath_abandon(daemon->datapath, &change);
		return r;
	}

	publish(daemon, next, &change);
	return 0;
}

int daemon_try(struct daemon *daemon, const struct daemon_next *next, struct problems *problems)
{
	struct datapath_change *change;
	int r;

	r = interfaces_watch_check(daemon->watch, next, problems);
	if (r < 0)
		return r;
	r = prepare(daemon, next, &change, problems);
	if (r >= 0)
		datapath_abandon(daemon->datapath, &change);
	return r;
}

int daemon_enforce_again(struct daemon *daemon)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	const struct daemon_next next = { .settings = daemon->settings, .set = daemon->set };
	struct datapath_change *change;
	int r;

	r = prepare(daemon, &next, &change, &problems);
	if (r < 0) {
		daemon_log_problems(&problems, "the state in force cannot be computed anew");
		return r;
	}
	commit(daemon, &change);
	if (daemon->http)
		http_note_publish(daemon->http);
	daemon_fold_follow(daemon->fold);
	return 0;
}

void daemon_settle_later(struct daemon *daemon, size_t policies)
{
	const struct timeval delay = { .tv_usec = SETTLE_AFTER_MS * 1000 };

	daemon->unsettled += policies;
	if (daemon->settle && !event_pending(daemon->settle, EV_TIMEOUT, NULL) &&
	    event_add(daemon->settle, &delay) < 0)
		log_warn("no timer could be set: the journal is compacted after the next change");
}

uint32_t daemon_image_flags(const struct settings *settings)
{
	uint32_t flags = 0;

	if (settings->default_block)
		flags |= PEP_IMAGE_DEFAULT_BLOCK;
	if (settings->malformed_pass)
		flags |= PEP_IMAGE_MALFORMED_PASS;
	if (settings->untracked_pass)
		flags |= PEP_IMAGE_UNTRACKED_PASS;
	if (settings->non_ip_drop)
		flags |= PEP_IMAGE_NON_IP_DROP;
	return flags;
}

/* All of it that can fail in the kernel; says why in @problems whatever it is. */
static int prepare(struct daemon *daemon, const struct daemon_next *next,
		   struct datapath_change **ret, struct problems *problems)
{
	CLEANUP(policyset_put) struct policyset *nothing = policyset_new();
	const size_t errors = problems->errors;
	const struct datapath_state state = {
		.set = next->settings->block_all ? nothing : next->set,
		.failsafe = next->settings->failsafe,
		.sets = next->sets ? next->sets : daemon->sets,
		.flags = daemon_image_flags(next->settings),
		.max_rules = next->settings->max_rules,
	};
	int r;

	*ret = NULL;
	if (!nothing)
		return -ENOMEM;
	if (daemon->status)
		notify_alive();
	else
		notify_extend(PREPARE_SECONDS);
	r = datapath_prepare(daemon->datapath, &state, ret, problems);
	if (r < 0 && problems->errors == errors)
		problem_add(problems, "", "the policies cannot be enforced: %s", strerror(-r));
	return r;
}

static void commit(struct daemon *daemon, struct datapath_change **change)
{
	/* Slots are about to mean other policies: events that name them must be read first. */
	if (daemon->events)
		event_feed_drain(daemon->events);
	datapath_commit(daemon->datapath, change);
}

static void follow_sets(struct daemon *daemon, struct address_sets *sets)
{
	struct address_sets *before = daemon->sets;

	daemon->sets = address_sets_get(sets);
	address_sets_put(&before);
}

/* Nothing in here can fail: from its first line on the new state is promised. */
static void publish(struct daemon *daemon, const struct daemon_next *next,
		    struct datapath_change **change)
{
	struct policyset *before = daemon->set;

	interfaces_watch_publishing(daemon->watch, next);
	commit(daemon, change);

	daemon->set = policyset_get(next->set);
	policyset_put(&before);
	if (next->sets)
		follow_sets(daemon, next->sets);
	if (daemon->http)
		http_note_publish(daemon->http);
	if (daemon->history)
		history_follow_set(daemon->history);
	expiry_follow_set(daemon->expiry);
	interfaces_watch_follow(daemon->watch);
	daemon_fold_follow(daemon->fold);
}
