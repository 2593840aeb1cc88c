// SPDX-License-Identifier: Apache-2.0
#include "pending.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "address_sets.h"
#include "audit.h"
#include "cleanup.h"
#include "daemon_sets.h"
#include "daemon_state.h"
#include "datapath.h"
#include "log.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"
#include "store_pending.h"

#define NS_PER_S 1000000000ULL
#define TICK_NS 10000000 /* the programs read a clock that goes in ticks */
#define RETRY_NS NS_PER_S

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* ---- its time */

static void wait_until(struct pending *pending, uint64_t when_ns)
{
	const uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	const uint64_t left_ns = when_ns > now_ns ? when_ns - now_ns : 0;
	const struct timeval delay = {
		.tv_sec = (time_t)(left_ns / NS_PER_S),
		.tv_usec = (suseconds_t)(left_ns % NS_PER_S / 1000),
	};

	if (event_add(pending->timer, &delay) < 0)
		log_error("no timer could be set: the change %s goes back in the kernel alone",
			  pending->id);
}

static void on_gone_back(void *context, int error, const struct change_result *result,
			 const struct problems *problems)
{
	struct daemon *daemon = context;

	if (!error)
		audit_own(daemon, "daemon", "not confirmed", result, problems);
	else if (error == -ENOMEM && daemon->pending)
		pending_try_again(daemon->pending, error);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct pending *pending = context;

	(void)fd;
	(void)what;
	if (pending->ending)
		return;
	if (!pending->failed)
		log_warn("the change %s was not confirmed within %u s: what was before is in force "
			 "again",
			 pending->id, pending->seconds);
	pending->ending = true;
	pending_end(pending->daemon, pending->id, false, on_gone_back, pending->daemon);
}

void pending_try_again(struct pending *pending, int error)
{
	const uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	if (!pending->failed)
		log_error(
			"what was before the change %s is in force; the daemon cannot follow yet, "
			"and tries again: %s",
			pending->id, strerror(-error));
	pending->failed = true;
	pending->ending = false;
	if (pending->deadline_ns > now_ns) /* it was taken back, and is */
		pending->deadline_ns = now_ns;
	wait_until(pending, now_ns + RETRY_NS);
}

uint32_t pending_seconds_left(const struct pending *pending)
{
	const uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	if (now_ns >= pending->deadline_ns)
		return 0;
	return (uint32_t)((pending->deadline_ns - now_ns + NS_PER_S - 1) / NS_PER_S);
}

/* ---- making one */

int pending_new(struct daemon *daemon, uint32_t seconds, struct pending **ret)
{
	CLEANUP(pending_free) struct pending *pending = calloc(1, sizeof(*pending));
	uint32_t number;

	if (!pending)
		return -ENOMEM;
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return -EIO;
	snprintf(pending->id, sizeof(pending->id), "%08x", number);
	pending->daemon = daemon;
	pending->seconds = seconds;
	pending->timer = event_new(daemon->base, -1, 0, on_timer, pending);
	if (!pending->timer)
		return -ENOMEM;
	*ret = TAKE_PTR(pending);
	return 0;
}

/* A hook that drops by default must be there for one of the two states and not for the other. */
int pending_check(const struct daemon *daemon, const struct daemon_next *next,
		  struct problems *problems)
{
	const struct settings *settings = daemon->settings;

	if (!settings->default_block || settings->egress ||
	    next->set->egress == daemon->set->egress)
		return 0;
	problem_add(problems, "",
		    "a change that brings the first policy of egress, or takes the last one away, "
		    "cannot go back by itself while \"policy.default_action\" is BLOCK: set "
		    "\"network.egress\" to true first, or do without confirm_seconds");
	return -EINVAL;
}

int pending_store(struct pending *pending, const struct group *group, struct problems *problems)
{
	const struct daemon *daemon = pending->daemon;
	const uint64_t time_ns = pending->seconds * NS_PER_S;
	const struct set_change set = set_change_between(daemon->sets, group->sets);
	struct group_lists lists;
	struct store_pending stored;
	int error = group_list(group, &lists);

	if (error)
		return error;
	stored = (struct store_pending){
		.seconds = pending->seconds,
		.deadline_ns = clock_ns(CLOCK_BOOTTIME) + time_ns,
		.remove = lists.remove,
		.remove_count = lists.remove_count,
		.put = lists.put,
		.put_count = lists.put_count,
		.put_set = set.put,
		.removed_set = set.put ? NULL : set.name,
	};
	memcpy(stored.id, pending->id, sizeof(stored.id));
	error = store_put_pending(daemon->store, &stored);
	group_lists_clear(&lists);
	pending->deadline_ns = clock_ns(CLOCK_MONOTONIC) + time_ns;
	pending->stored = true; /* a part of it may be there also if it failed */
	if (!error)
		return 0;
	problem_add(problems, "", "the change cannot be stored in %s and is not in force: %s",
		    daemon->settings->state_dir, strerror(-error));
	return -EIO;
}

void pending_begin(struct pending *pending, struct group *group, const struct daemon_next *next,
		   struct datapath_change **change)
{
	struct daemon *daemon = pending->daemon;

	pending->group = *group;
	*group = (struct group){ 0 };
	pending->sets_before = daemon->sets ? address_sets_get(daemon->sets) : NULL;
	pending->change = TAKE_PTR(*change);
	daemon->pending = pending;
	daemon_publish_pending(daemon, next, pending->change, pending->deadline_ns);
	wait_until(pending, pending->deadline_ns + TICK_NS);
	log_warn("the change %s is pending: it goes back in %u s unless it is confirmed (pepctl "
		 "confirm %s)",
		 pending->id, pending_seconds_left(pending), pending->id);
}

void pending_stop(struct pending *pending)
{
	if (pending->timer)
		event_free(pending->timer);
	pending->timer = NULL;
}

void pending_free(struct pending **pending)
{
	struct pending *freed = TAKE_PTR(*pending);

	if (!freed)
		return;
	if (freed->stored && !freed->change)
		store_drop_pending(freed->daemon->store);
	pending_stop(freed);
	datapath_dispose(&freed->change);
	group_clear(&freed->group);
	address_sets_put(&freed->sets_before);
	free(freed);
}

void pending_close(struct daemon *daemon)
{
	pending_free(&daemon->pending);
}

const struct policyset *pending_before(const struct daemon *daemon)
{
	return daemon->pending ? daemon->pending->group.base : NULL;
}

void pending_refuse(const struct daemon *daemon, struct problems *problems)
{
	const struct pending *pending = daemon->pending;

	problem_add(
		problems, "",
		"the change %s is pending for another %u s: \"pepctl confirm %s\" makes it stay, "
		"\"pepctl rollback %s\" takes it back; nothing else can be changed before",
		pending->id, pending_seconds_left(pending), pending->id, pending->id);
}
