/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon_state.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>

#include "cleanup.h"
#include "daemon.h"
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

/* A state that only needs to be published. */
struct ready {
	struct datapath_change *change;
	uint32_t frame_bytes;
};

static int prepare(struct daemon *daemon, const struct daemon_next *next, struct ready *ret,
		   struct problems *problems);
static void commit(struct daemon *daemon, struct ready *ready);
static void publish(struct daemon *daemon, const struct daemon_next *next, struct ready *ready);
static bool has_byte_limit(const struct policyset *set);

int daemon_enforce(struct daemon *daemon, const struct daemon_next *next, struct problems *problems)
{
	struct ready ready;
	int r;

	r = interfaces_watch_check(daemon->watch, next, problems);
	if (r < 0)
		return r;
	r = prepare(daemon, next, &ready, problems);
	if (r < 0)
		return r;

	r = interfaces_watch_prepare(daemon->watch, next, problems);
	if (r >= 0 && next->last_step)
		r = next->last_step(next->context, problems);
	if (r < 0) {
		interfaces_watch_revert(daemon->watch);
		datapath_abandon(daemon->datapath, &ready.change);
		return r;
	}

	publish(daemon, next, &ready);
	return 0;
}

int daemon_try(struct daemon *daemon, const struct daemon_next *next, struct problems *problems)
{
	struct ready ready;
	int r;

	r = interfaces_watch_check(daemon->watch, next, problems);
	if (r < 0)
		return r;
	r = prepare(daemon, next, &ready, problems);
	if (r >= 0)
		datapath_abandon(daemon->datapath, &ready.change);
	return r;
}

int daemon_enforce_again(struct daemon *daemon)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	const struct daemon_next next = { .settings = daemon->settings, .set = daemon->set };
	struct ready ready;
	int r;

	r = prepare(daemon, &next, &ready, &problems);
	if (r < 0) {
		daemon_log_problems(&problems, "the state in force cannot be computed anew");
		return r;
	}
	commit(daemon, &ready);
	if (daemon->http)
		http_note_publish(daemon->http);
	return 0;
}

void daemon_follow_interfaces(struct daemon *daemon)
{
	uint32_t bytes = interfaces_watch_frame_bytes(daemon->watch);

	if (bytes == daemon->frame_bytes || !has_byte_limit(daemon->set))
		return;
	log_debug("interfaces hand over buffers of up to %u bytes now (%u before): "
		  "least bursts follow",
		  bytes, daemon->frame_bytes);
	daemon_enforce_again(daemon);
}

void daemon_settle_later(struct daemon *daemon, size_t policies)
{
	const struct timeval delay = { .tv_usec = SETTLE_AFTER_MS * 1000 };

	daemon->unsettled += policies;
	if (daemon->settle && !event_pending(daemon->settle, EV_TIMEOUT, NULL) &&
	    event_add(daemon->settle, &delay) < 0)
		log_warn("no timer could be set: the journal is compacted after the next change");
}

uint32_t daemon_image_flags(const struct settings *settings, const struct policyset *set)
{
	uint32_t flags = 0;
	bool any = false;

	for (size_t i = 0; i < set->count && !any; i++)
		any = set->policy[i]->enabled;
	if (settings->default_block)
		flags |= PEP_IMAGE_DEFAULT_BLOCK;
	else if (!any)
		flags |= PEP_IMAGE_TRANSPARENT;
	if (settings->malformed_pass)
		flags |= PEP_IMAGE_MALFORMED_PASS;
	if (settings->untracked_pass)
		flags |= PEP_IMAGE_UNTRACKED_PASS;
	if (settings->non_ip_drop)
		flags |= PEP_IMAGE_NON_IP_DROP;
	return flags;
}

/* All of it that can fail in the kernel; says why in @problems whatever it is. */
static int prepare(struct daemon *daemon, const struct daemon_next *next, struct ready *ret,
		   struct problems *problems)
{
	const size_t errors = problems->errors;
	const struct datapath_state state = {
		.set = next->set,
		.failsafe = next->settings->failsafe,
		.flags = daemon_image_flags(next->settings, next->set),
		.max_rules = next->settings->max_rules,
		.max_frame_bytes = interfaces_watch_frame_bytes(daemon->watch),
	};
	int r;

	*ret = (struct ready){ .frame_bytes = state.max_frame_bytes };
	if (daemon->status)
		notify_alive();
	else
		notify_extend(PREPARE_SECONDS);
	r = datapath_prepare(daemon->datapath, &state, &ret->change, problems);
	if (r < 0 && problems->errors == errors)
		problem_add(problems, "", "the policies cannot be enforced: %s", strerror(-r));
	return r;
}

static void commit(struct daemon *daemon, struct ready *ready)
{
	/* Slots are about to mean other policies: events that name them must be read first. */
	if (daemon->events)
		event_feed_drain(daemon->events);
	datapath_commit(daemon->datapath, &ready->change);
	daemon->frame_bytes = ready->frame_bytes;
}

/* Nothing in here can fail: from its first line on the new state is promised. */
static void publish(struct daemon *daemon, const struct daemon_next *next, struct ready *ready)
{
	struct policyset *before = daemon->set;

	interfaces_watch_publishing(daemon->watch, next);
	commit(daemon, ready);

	daemon->set = policyset_get(next->set);
	policyset_put(&before);
	if (daemon->http)
		http_note_publish(daemon->http);
	if (daemon->history)
		history_follow_set(daemon->history);
	expiry_follow_set(daemon->expiry);
	interfaces_watch_follow(daemon->watch);
}

static bool has_byte_limit(const struct policyset *set)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->policy[i]->enabled && set->policy[i]->bytes.per_second)
			return true;
	}
	return false;
}
