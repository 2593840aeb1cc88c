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
#include "tracks.h"

#define BUCKET_SECONDS 5

/* Slots whose counters are read at once: a millisecond or two.  Of more, the
 * rest follows, with time for others in between. */
#define SLICE_SLOTS 16384
#define SLICE_PAUSE_US 20000

struct history {
	struct daemon *daemon;
	struct event *timer;
	struct event *slice; /* goes on with the policies */
	struct tracks policies;
	struct track reasons[PEP_OUTCOME_MAX];
	uint64_t moved; /* packets of all interfaces at the last sample */
	uint64_t counted; /* which interfaces those were, as a checksum */
	uint32_t turn; /* number of the present five seconds */
	uint32_t next_slot; /* to be read; 0: all have been */
	unsigned int seconds; /* of the present five */
};

static void on_timer(evutil_socket_t fd, short what, void *context);
static void on_slice(evutil_socket_t fd, short what, void *context);
static uint64_t sample_reasons(struct history *history);
static uint64_t sum_tallies(const struct daemon *daemon, uint64_t sums[PEP_OUTCOME_MAX]);
static void sample_slice(struct history *history);
static const struct slot_track *track_of(const struct history *history, const char *id);
static bool is_shown(const struct history *history, uint32_t slot, const char *id);
static void add_row(struct history_row *rows, size_t max, size_t *count,
		    const struct history_row *row);

int history_open(struct daemon *daemon, struct history **ret)
{
	CLEANUP(history_close) struct history *history = calloc(1, sizeof(*history));
	const struct timeval second = { .tv_sec = 1 };

	if (!history)
		return -ENOMEM;
	history->daemon = daemon;
	history->turn = TRACK_BUCKETS;
	history->timer = event_new(daemon->base, -1, EV_PERSIST, on_timer, history);
	history->slice = event_new(daemon->base, -1, 0, on_slice, history);
	if (!history->timer || !history->slice || event_add(history->timer, &second) < 0)
		return -ENOMEM;
	sample_reasons(history);
	sample_slice(history);
	*ret = TAKE_PTR(history);
	return 0;
}

int64_t history_last_hit(const struct history *history, const char *id)
{
	const struct slot_track *track = track_of(history, id);

	return track ? track->last_hit_us : 0;
}

size_t history_top_policies(const struct history *history, struct history_row *rows, size_t max)
{
	const struct datapath *datapath = history->daemon->datapath;
	size_t count = 0;

	for (uint32_t slot = 0; slot < tracks_limit(&history->policies); slot++) {
		const struct slot_track *track =
			tracks_find(&history->policies, slot, datapath_slot_life(datapath, slot));
		struct history_row row = { .packets = 0 };
		const char *id;

		if (track)
			row.packets = track_sum(&track->track, history->turn);
		if (!row.packets || (count == max && row.packets <= rows[max - 1].packets))
			continue;
		id = datapath_slot_policy(datapath, slot);
		if (!id || !is_shown(history, slot, id))
			continue;
		snprintf(row.name, sizeof(row.name), "%s", id);
		add_row(rows, max, &count, &row);
	}
	return count;
}

size_t history_top_reasons(const struct history *history, struct history_row *rows, size_t max)
{
	size_t count = 0;

	for (unsigned int i = 0; i < PEP_OUTCOME_COUNT; i++) {
		struct history_row row = { .packets =
						   track_sum(&history->reasons[i], history->turn) };
		const struct outcome *outcome = outcome_find(i);

		if (!row.packets || outcome->verdict != PEP_DROP)
			continue;
		snprintf(row.name, sizeof(row.name), "%s", outcome->label);
		add_row(rows, max, &count, &row);
	}
	return count;
}

void history_close(struct history **history)
{
	if (!*history)
		return;
	if ((*history)->timer)
		event_free((*history)->timer);
	if ((*history)->slice)
		event_free((*history)->slice);
	tracks_clear(&(*history)->policies);
	free(*history);
	*history = NULL;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct history *history = context;
	uint64_t moved;

	(void)fd;
	(void)what;
	if (++history->seconds == BUCKET_SECONDS) {
		history->seconds = 0;
		history->turn++;
	}
	moved = sample_reasons(history);
	/* No policy has matched when no packet came: their counters need not be read. */
	if (moved != history->moved && !history->next_slot)
		sample_slice(history);
	history->moved = moved;
}

static void on_slice(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	sample_slice(context);
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
		track_follow(&history->reasons[i], history->turn, sums[i]);
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

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void sample_slot(struct history *history, uint32_t slot, int64_t hit_us)
{
	const struct datapath *datapath = history->daemon->datapath;
	const uint32_t life = datapath_slot_life(datapath, slot);
	const struct slot_track *known = tracks_find(&history->policies, slot, life);
	struct pep_counters counters;
	struct slot_track *track;

	datapath_slot_counters(datapath, slot, &counters);
	if (counters.packets == (known ? known->track.seen : 0))
		return;
	track = tracks_make(&history->policies, slot, life);
	if (track && track_follow(&track->track, history->turn, counters.packets))
		track->last_hit_us = hit_us;
}

static void sample_slice(struct history *history)
{
	const struct timeval pause = { .tv_usec = SLICE_PAUSE_US };
	const struct datapath *datapath = history->daemon->datapath;
	const uint32_t limit = datapath_slot_limit(datapath);
	const int64_t hit_us = now_us();
	uint32_t slot = history->next_slot, end = slot + SLICE_SLOTS;

	if (end > limit)
		end = limit;
	for (; slot < end; slot++)
		if (datapath_slot_policy(datapath, slot))
			sample_slot(history, slot, hit_us);
	history->next_slot = slot < limit ? slot : 0;
	if (history->next_slot && event_add(history->slice, &pause) < 0)
		history->next_slot = 0;
}

static const struct slot_track *track_of(const struct history *history, const char *id)
{
	const struct daemon *daemon = history->daemon;
	ptrdiff_t index = policyset_index(daemon->set, id);
	uint32_t slot;

	if (index < 0)
		return NULL;
	slot = datapath_slot_of(daemon->datapath, daemon->set, (size_t)index);
	return tracks_find(&history->policies, slot, datapath_slot_life(daemon->datapath, slot));
}

/* Failsafe policies have slots, too. */
static bool is_shown(const struct history *history, uint32_t slot, const char *id)
{
	const struct daemon *daemon = history->daemon;
	ptrdiff_t index = policyset_index(daemon->set, id);

	return index >= 0 && datapath_slot_of(daemon->datapath, daemon->set, (size_t)index) == slot;
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
