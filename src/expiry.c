/* SPDX-License-Identifier: Apache-2.0 */
#include "expiry.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>

#include "address_sets.h"
#include "audit.h"
#include "change.h"
#include "cleanup.h"
#include "commits.h"
#include "daemon.h"
#include "daemon_state.h"
#include "deadlines.h"
#include "group.h"
#include "log.h"
#include "policyset.h"
#include "problem.h"

/*
 * The datapath has stopped applying them, so there is no hurry: removals wait
 * for each other, and take at most a twentieth of the time however many
 * deadlines there are.  Entries of sets of addresses are another matter: they
 * end here and nowhere else, as much later.
 */
#define REMOVE_EVERY_US 1000000
#define REMOVE_SHARE 20
#define REMOVE_RETRY_US 30000000
#define US_PER_SECOND 1000000

struct expiry {
	struct daemon *daemon;
	struct deadlines deadlines;
	struct event *deadline;
	struct event *clock;
	int clock_fd;
	int64_t not_before_us; /* CLOCK_BOOTTIME */
	bool failed; /* the last removal, as the log says already */
	struct removal *removal; /* under way; NULL: none */
};

/* What has ended is taken out. */
struct removal {
	struct commit commit;
	struct expiry *expiry; /* NULL: it is closed */
	uint64_t began_ns; /* CLOCK_BOOTTIME */
	char first[POLICY_ID_MAX + 1]; /* of them */
	struct audit_diff diff;
};

static int watch_clock(struct expiry *expiry);
static int arm_clock(const struct expiry *expiry);
static void on_clock(evutil_socket_t fd, short what, void *context);
static void on_deadline(evutil_socket_t fd, short what, void *context);
static void pause_after(struct expiry *expiry, int error, uint64_t began_ns);
static int plan_removal(struct commit *commit, struct group *group);
static void finish_removal(struct commit *commit, int error);
static int64_t sets_left_us(const struct expiry *expiry, const struct expiry_now *now);
static int64_t next_us(struct expiry *expiry, const struct expiry_now *now);

int expiry_open(struct daemon *daemon, struct expiry **ret)
{
	CLEANUP(expiry_close) struct expiry *expiry = calloc(1, sizeof(*expiry));
	int r;

	if (!expiry)
		return -ENOMEM;
	expiry->daemon = daemon;
	expiry->clock_fd = -1;
	expiry->deadline = event_new(daemon->base, -1, 0, on_deadline, expiry);
	if (!expiry->deadline)
		return -ENOMEM;
	r = watch_clock(expiry);
	if (r < 0)
		return r;
	expiry_follow_set(expiry);
	*ret = TAKE_PTR(expiry);
	return 0;
}

void expiry_follow_set(struct expiry *expiry)
{
	struct expiry_now now;
	struct timeval delay;
	int64_t left_us;

	if (!expiry || expiry->removal)
		return;
	expiry_read_clocks(&now);
	left_us = next_us(expiry, &now);
	if (left_us == INT64_MAX) {
		event_del(expiry->deadline);
		return;
	}
	delay.tv_sec = left_us / US_PER_SECOND;
	delay.tv_usec = left_us % US_PER_SECOND;
	if (event_add(expiry->deadline, &delay) < 0)
		log_error("no timer could be set: expired policies stay in the list");
}

void expiry_read_clocks(struct expiry_now *ret)
{
	struct timespec real, boot;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	ret->real_us = (int64_t)real.tv_sec * US_PER_SECOND + real.tv_nsec / 1000;
	ret->boot_ns = (uint64_t)boot.tv_sec * 1000000000 + (uint64_t)boot.tv_nsec;
}

int64_t expiry_left_us(const struct policy *policy, const struct expiry_now *now)
{
	if (policy->ttl_deadline_ns)
		return ((int64_t)policy->ttl_deadline_ns - (int64_t)now->boot_ns) / 1000;
	return policy->expires_at ? policy->expires_at - now->real_us : INT64_MAX;
}

void expiry_close(struct expiry **expiry)
{
	if (!*expiry)
		return;
	if ((*expiry)->deadline)
		event_free((*expiry)->deadline);
	if ((*expiry)->clock)
		event_free((*expiry)->clock);
	if ((*expiry)->removal)
		(*expiry)->removal->expiry = NULL;
	deadlines_clear(&(*expiry)->deadlines);
	cleanup_fd(&(*expiry)->clock_fd);
	free(*expiry);
	*expiry = NULL;
}

/* A timer that never fires but is cancelled when the clock jumps, also by a suspend. */
static int watch_clock(struct expiry *expiry)
{
	int r;

	expiry->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (expiry->clock_fd < 0)
		return -errno;
	r = arm_clock(expiry);
	if (r < 0)
		return r;
	expiry->clock = event_new(expiry->daemon->base, expiry->clock_fd, EV_READ | EV_PERSIST,
				  on_clock, expiry);
	return expiry->clock && event_add(expiry->clock, NULL) == 0 ? 0 : -ENOMEM;
}

static int arm_clock(const struct expiry *expiry)
{
	const uintmax_t last = (UINTMAX_C(1) << (8 * sizeof(time_t) - 1)) - 1;
	const struct itimerspec never = { .it_value.tv_sec = (time_t)last };

	if (timerfd_settime(expiry->clock_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never,
			    NULL) < 0)
		return -errno;
	return 0;
}

static void on_clock(evutil_socket_t fd, short what, void *context)
{
	struct expiry *expiry = context;
	uint64_t expirations;
	int r;

	(void)what;
	if (read(fd, &expirations, sizeof(expirations)) < 0 && errno == EAGAIN)
		return;
	r = arm_clock(expiry);
	if (r < 0)
		log_warn("steps of the clock are not noticed any more: %s", strerror(-r));
	log_info("the clock was set or the machine slept: deadlines are computed anew");
	daemon_enforce_again(expiry->daemon);
	expiry_follow_set(expiry);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
	static const struct commit_kind kind = {
		.plan = plan_removal,
		.finish = finish_removal,
		.while_pending = COMMIT_WAITS,
	};
	struct expiry *expiry = context;
	struct removal *removal = calloc(1, sizeof(*removal));
	struct expiry_now now;

	(void)fd;
	(void)what;
	expiry_read_clocks(&now);
	if (!removal) {
		pause_after(expiry, -ENOMEM, now.boot_ns);
		return;
	}
	removal->commit.kind = &kind;
	removal->commit.alone = true;
	removal->expiry = expiry;
	removal->began_ns = now.boot_ns;
	expiry->removal = removal;
	commits_add(expiry->daemon->commits, &removal->commit);
}

/* When the next one may be. */
static void pause_after(struct expiry *expiry, int error, uint64_t began_ns)
{
	struct expiry_now now;
	int64_t pause_us;

	expiry_read_clocks(&now);
	pause_us = (int64_t)(now.boot_ns - began_ns) / 1000 * REMOVE_SHARE;
	if (error)
		pause_us = REMOVE_RETRY_US;
	else if (pause_us < REMOVE_EVERY_US)
		pause_us = REMOVE_EVERY_US;
	expiry->not_before_us = (int64_t)(now.boot_ns / 1000) + pause_us;
	expiry_follow_set(expiry);
}

/* Ids of the API's that have ended; they stay the set's. NULL without memory. */
static const char **collect_expired(const struct policyset *set, size_t *ret_count)
{
	const char **ids = calloc(set->count + 1, sizeof(*ids));
	struct expiry_now now;

	*ret_count = 0;
	expiry_read_clocks(&now);
	for (size_t i = 0; ids && i < set->count; i++) {
		const struct policy *policy = set->policy[i];

		if (policy->origin == ORIGIN_API && expiry_left_us(policy, &now) <= 0)
			ids[(*ret_count)++] = policy->id;
	}
	return ids;
}

static int plan_policies(struct removal *removal, struct group *group)
{
	CLEANUP(cleanup_free) const char **ids = NULL;
	struct change change = { 0 };

	if (!group->base->expiring)
		return 0;
	ids = collect_expired(group->base, &change.remove_count);
	if (!ids)
		return -ENOMEM;
	if (!change.remove_count)
		return 0;
	change.remove = ids;
	/* The names do not outlive the change. */
	snprintf(removal->first, sizeof(removal->first), "%s", ids[0]);
	return change_plan(group, &change, &removal->commit.result, &removal->commit.problems);
}

static int plan_sets(struct commit *commit, struct group *group)
{
	CLEANUP(address_sets_put) struct address_sets *left = NULL;
	struct expiry_now now;
	int error;

	expiry_read_clocks(&now);
	if (!group->sets || address_sets_next_expiry(group->sets) > now.real_us)
		return 0;
	error = address_sets_without_expired(group->sets, now.real_us, &left);
	if (error)
		return error;
	commit->result.changed = true;
	group_replace_sets(group, left);
	return 0;
}

static int plan_removal(struct commit *commit, struct group *group)
{
	struct removal *removal = (struct removal *)commit;
	int error;

	audit_diff_clear(&removal->diff);
	group->diff = &removal->diff;
	error = plan_policies(removal, group);
	group->diff = NULL;
	return error ? error : plan_sets(commit, group);
}

static void say_removed(const struct removal *removal)
{
	size_t count = removal->commit.result.deleted;

	if (count == 1)
		log_write(LOG_LEVEL_INFO, &(struct log_field){ "POLICY", removal->first }, 1,
			  "policy %s has expired and is removed", removal->first);
	else if (count)
		log_info("%zu policies have expired and are removed", count);
	else if (removal->commit.result.changed)
		log_debug("entries of sets of addresses have ended and are removed");
}

static void finish_removal(struct commit *commit, int error)
{
	struct removal *removal = (struct removal *)commit;
	struct expiry *expiry = removal->expiry;

	removal->commit.result.diff = &removal->diff;
	if (!error && commit->result.deleted)
		audit_own(commit->daemon, "daemon", "expired", &commit->result, &commit->problems);
	audit_diff_clear(&removal->diff);
	if (!error)
		say_removed(removal);
	else if (expiry && !expiry->failed)
		daemon_log_problems(&commit->problems, "what has expired cannot be removed");
	if (expiry) {
		expiry->failed = error;
		expiry->removal = NULL;
		pause_after(expiry, error, removal->began_ns);
	}
	problems_clear(&commit->problems);
	free(removal);
}

/* Microseconds until an entry of a set of addresses ends; INT64_MAX: none does. */
static int64_t sets_left_us(const struct expiry *expiry, const struct expiry_now *now)
{
	const struct address_sets *sets = expiry->daemon->sets;
	int64_t next = sets ? address_sets_next_expiry(sets) : INT64_MAX;

	return next == INT64_MAX ? next : next - now->real_us;
}

/* Microseconds until something is to be removed, >= 0; INT64_MAX: nothing ever. */
static int64_t next_us(struct expiry *expiry, const struct expiry_now *now)
{
	const int64_t pause_us = expiry->not_before_us - (int64_t)(now->boot_ns / 1000);
	int64_t least = sets_left_us(expiry, now), policy = REMOVE_RETRY_US;

	/* Without memory nothing is known; it is tried again. */
	if (!deadlines_follow(&expiry->deadlines, expiry->daemon->set))
		policy = deadlines_left_us(&expiry->deadlines, now);
	if (policy < least)
		least = policy;
	if (least == INT64_MAX)
		return least;
	if (least < pause_us)
		least = pause_us;
	return least > 0 ? least : 0;
}
