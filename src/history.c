/* SPDX-License-Identifier: Apache-2.0 */
#include "history.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attach.h"
#include "cleanup.h"
#include "daemon.h"
#include "datapath.h"
#include "datapath_counters.h"
#include "outcome.h"
#include "policyset.h"

/* The last minute is twelve buckets of five seconds: small enough to keep for every policy. */
#define BUCKETS 12
#define BUCKET_SECONDS 5

struct track {
	uint64_t seen; /* the counter at the last sample */
	uint32_t bucket[BUCKETS]; /* packets of each five seconds */
};

/* Of set->policy[i], in the same order. */
struct policy_track {
	struct track track;
	int64_t last_hit_us;
	uint32_t slot;
};

struct history {
	struct daemon *daemon;
	struct event *timer;
	struct policyset *set; /* that `policies` is about */
	struct policy_track *policies;
	struct track reasons[PEP_OUTCOME_MAX];
	uint64_t moved; /* packets of all interfaces at the last sample */
	uint64_t counted; /* which interfaces those were, as a checksum */
	unsigned int seconds; /* of the present bucket */
	unsigned int present; /* bucket */
	unsigned int quiet_buckets; /* in a row; all of them: nothing is left to forget */
};

static void on_timer(evutil_socket_t fd, short what, void *context);
static void turn_bucket(struct history *history);
static uint64_t sample_reasons(struct history *history);
static uint64_t sum_tallies(const struct daemon *daemon, uint64_t sums[PEP_OUTCOME_MAX]);
static void sample_policies(struct history *history);
static uint64_t track_follow(struct track *track, unsigned int present, uint64_t counter);
static uint64_t track_sum(const struct track *track);
static int follow(struct history *history, struct policyset *set);
static void add_row(struct history_row *rows, size_t max, size_t *count,
		    const struct history_row *row);

int history_open(struct daemon *daemon, struct history **ret)
{
	CLEANUP(history_close) struct history *history = calloc(1, sizeof(*history));
	const struct timeval second = { .tv_sec = 1 };
	int r;

	if (!history)
		return -ENOMEM;
	history->daemon = daemon;
	r = follow(history, daemon->set);
	if (r < 0)
		return r;
	sample_reasons(history);
	sample_policies(history);
	history->timer = event_new(daemon->base, -1, EV_PERSIST, on_timer, history);
	if (!history->timer || event_add(history->timer, &second) < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(history);
	return 0;
}

int64_t history_last_hit(const struct history *history, const char *id)
{
	ptrdiff_t i = policyset_index(history->set, id);

	return i < 0 ? 0 : history->policies[i].last_hit_us;
}

size_t history_top_policies(const struct history *history, struct history_row *rows, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < history->set->count; i++) {
		struct history_row row = { .packets = track_sum(&history->policies[i].track) };

		if (!row.packets)
			continue;
		snprintf(row.name, sizeof(row.name), "%s", history->set->policy[i]->id);
		add_row(rows, max, &count, &row);
	}
	return count;
}

size_t history_top_reasons(const struct history *history, struct history_row *rows, size_t max)
{
	size_t count = 0;

	for (unsigned int i = 0; i < PEP_OUTCOME_COUNT; i++) {
		struct history_row row = { .packets = track_sum(&history->reasons[i]) };
		const struct outcome *outcome = outcome_find(i);

		if (!row.packets || outcome->verdict != PEP_DROP)
			continue;
		snprintf(row.name, sizeof(row.name), "%s", outcome->label);
		add_row(rows, max, &count, &row);
	}
	return count;
}

void history_follow_set(struct history *history)
{
	if (follow(history, history->daemon->set) >= 0)
		return;
	/* Without memory the old set stays, and its slots may mean other policies by now. */
	for (size_t i = 0; i < history->set->count; i++)
		history->policies[i].slot = PEP_SLOT_NONE;
}

void history_close(struct history **history)
{
	if (!*history)
		return;
	if ((*history)->timer)
		event_free((*history)->timer);
	policyset_put(&(*history)->set);
	free((*history)->policies);
	free(*history);
	*history = NULL;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct history *history = context;
	uint64_t moved;

	(void)fd;
	(void)what;
	if (++history->seconds == BUCKET_SECONDS)
		turn_bucket(history);
	moved = sample_reasons(history);
	/* No policy has matched when no packet came: their counters need not be read. */
	if (moved != history->moved) {
		history->quiet_buckets = 0;
		sample_policies(history);
	}
	history->moved = moved;
}

/* The oldest bucket becomes the present one, empty. */
static void turn_bucket(struct history *history)
{
	history->seconds = 0;
	history->present = (history->present + 1) % BUCKETS;
	if (history->quiet_buckets == BUCKETS)
		return;
	history->quiet_buckets++;
	for (unsigned int i = 0; i < PEP_OUTCOME_MAX; i++)
		history->reasons[i].bucket[history->present] = 0;
	for (size_t i = 0; i < history->set->count; i++)
		history->policies[i].track.bucket[history->present] = 0;
}

/* Returns how many packets all interfaces have seen. */
static uint64_t sample_reasons(struct history *history)
{
	uint64_t sums[PEP_OUTCOME_MAX] = { 0 };
	uint64_t counted, all = 0;

	counted = sum_tallies(history->daemon, sums);
	for (unsigned int i = 0; i < PEP_OUTCOME_COUNT; i++) {
		all += sums[i];
		/* What an interface counted before it was here is no news of this second. */
		if (counted != history->counted)
			history->reasons[i].seen = sums[i];
		track_follow(&history->reasons[i], history->present, sums[i]);
	}
	history->counted = counted;
	return all;
}

/* Returns a checksum of which interfaces and directions are in the sums. */
static uint64_t sum_tallies(const struct daemon *daemon, uint64_t sums[PEP_OUTCOME_MAX])
{
	struct pep_tally tally[PEP_OUTCOME_MAX];
	const struct attachment *const *list;
	uint64_t counted = 0;
	size_t count = 0;

	list = attachments_list(daemon->attachments, &count);
	for (size_t i = 0; i < PEP_DIRECTIONS * count; i++) {
		const struct attachment *attachment = list[i / PEP_DIRECTIONS];
		const enum pep_direction direction = i % PEP_DIRECTIONS;

		if (!attachment->mode || (direction == PEP_EGRESS && !attachment->egress))
			continue;
		counted = counted * 31 + attachment->ifindex * PEP_DIRECTIONS + direction;
		datapath_interface_tally(daemon->datapath, attachment->name, direction, tally);
		for (unsigned int j = 0; j < PEP_OUTCOME_COUNT; j++)
			sums[j] += tally[j].packets;
	}
	return counted;
}

static void sample_policies(struct history *history)
{
	const struct datapath *datapath = history->daemon->datapath;
	struct timespec now;
	int64_t now_us;

	clock_gettime(CLOCK_REALTIME, &now);
	now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	for (size_t i = 0; i < history->set->count; i++) {
		struct policy_track *policy = &history->policies[i];
		struct pep_counters counters;

		if (policy->slot == PEP_SLOT_NONE)
			continue;
		datapath_slot_counters(datapath, policy->slot, &counters);
		if (track_follow(&policy->track, history->present, counters.packets))
			policy->last_hit_us = now_us;
	}
}

/* Adds what came since the last sample. After a reset it counts from zero. */
static uint64_t track_follow(struct track *track, unsigned int present, uint64_t counter)
{
	const uint64_t came = counter >= track->seen ? counter - track->seen : counter;
	const uint64_t sum = track->bucket[present] + came;

	track->seen = counter;
	track->bucket[present] = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
	return came;
}

static uint64_t track_sum(const struct track *track)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < BUCKETS; i++)
		sum += track->bucket[i];
	return sum;
}

/* What is known of the ids that stay is kept; both sets are sorted by id. */
static int follow(struct history *history, struct policyset *set)
{
	const struct policyset *before = history->set;
	struct policy_track *policies = calloc(set->count + 1, sizeof(*policies));

	if (!policies)
		return -ENOMEM;
	for (size_t i = 0, j = 0, have = before ? before->count : 0; i < set->count; i++) {
		int order = 1;

		while (j < have && before->policy[j] != set->policy[i] &&
		       (order = strcmp(before->policy[j]->id, set->policy[i]->id)) < 0)
			j++;
		if (j < have && (before->policy[j] == set->policy[i] || !order))
			policies[i] = history->policies[j++];
		policies[i].slot = datapath_slot_of(history->daemon->datapath, set, i);
	}
	free(history->policies);
	policyset_put(&history->set);
	history->policies = policies;
	history->set = policyset_get(set);
	return 0;
}

/* Keeps rows in order of packets, most first; what is left over falls off the end. */
static void add_row(struct history_row *rows, size_t max, size_t *count,
		    const struct history_row *row)
{
	size_t at = *count;

	while (at > 0 && rows[at - 1].packets < row->packets)
		at--;
	if (at == max)
		return;
	if (*count < max)
		(*count)++;
	memmove(&rows[at + 1], &rows[at], (*count - 1 - at) * sizeof(*rows));
	rows[at] = *row;
}
