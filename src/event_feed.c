/* SPDX-License-Identifier: Apache-2.0 */
#include "event_feed.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "daemon.h"
#include "datapath.h"
#include "datapath_counters.h"
#include "datapath_events.h"
#include "event_log.h"
#include "links.h"
#include "log.h"
#include "settings.h"

/* Per turn of the loop, so that a flood of events delays nothing else. */
#define EVENTS_PER_TURN 1024

struct feed_reader {
	struct feed_reader *next;
	feed_callback callback;
	void *context;
	bool gone; /* unsubscribed while events are delivered */
};

struct event_feed {
	struct daemon *daemon;
	struct datapath_events *events;
	struct event *readable;
	struct feed_reader *readers;
	bool delivering;
};

static void on_readable(evutil_socket_t fd, short what, void *context);
static void on_event(void *context, const struct pep_event *event);
static bool is_for_log(const struct event_feed *feed, const struct pep_event *event);
static void sweep(struct event_feed *feed);
static int64_t wall_time_us(uint64_t monotonic_ns);

int event_feed_open(struct daemon *daemon, struct event_feed **ret)
{
	CLEANUP(event_feed_close) struct event_feed *feed = calloc(1, sizeof(*feed));
	int r;

	if (!feed)
		return -ENOMEM;
	feed->daemon = daemon;
	r = datapath_events_open(daemon->datapath, on_event, feed, &feed->events);
	if (r < 0)
		return r;
	feed->readable = event_new(daemon->base, datapath_events_fd(feed->events),
				   EV_READ | EV_PERSIST, on_readable, feed);
	if (!feed->readable || event_add(feed->readable, NULL) < 0)
		return -ENOMEM;
	event_feed_follow_settings(feed);
	*ret = TAKE_PTR(feed);
	return 0;
}

struct feed_reader *event_feed_subscribe(struct event_feed *feed, feed_callback callback,
					 void *context)
{
	struct feed_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->callback = callback;
	reader->context = context;
	reader->next = feed->readers;
	feed->readers = reader;
	event_feed_follow_settings(feed);
	return reader;
}

void event_feed_unsubscribe(struct event_feed *feed, struct feed_reader **reader)
{
	if (!*reader)
		return;
	(*reader)->gone = true;
	*reader = NULL;
	if (!feed->delivering)
		sweep(feed);
}

void event_feed_drain(struct event_feed *feed)
{
	if (!feed->delivering)
		datapath_events_read(feed->events, UINT32_MAX);
}

void event_feed_follow_settings(struct event_feed *feed)
{
	uint64_t readers = feed->daemon->settings->log_drops;

	for (const struct feed_reader *reader = feed->readers; reader; reader = reader->next)
		readers += !reader->gone;
	datapath_set_event_readers(feed->daemon->datapath, readers);
}

void event_feed_close(struct event_feed **feed)
{
	if (!*feed)
		return;
	for (struct feed_reader *reader = (*feed)->readers; reader; reader = reader->next)
		reader->gone = true;
	sweep(*feed);
	if ((*feed)->readable)
		event_free((*feed)->readable);
	datapath_events_close(&(*feed)->events);
	free(*feed);
	*feed = NULL;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct event_feed *feed = context;

	(void)fd;
	(void)what;
	datapath_events_read(feed->events, EVENTS_PER_TURN);
}

static void on_event(void *context, const struct pep_event *event)
{
	struct event_feed *feed = context;
	const struct daemon *daemon = feed->daemon;
	struct link link = { .name = "" };
	struct feed_event feed_event = {
		.event = event,
		.policy = event->slot == PEP_SLOT_NONE
				  ? NULL
				  : datapath_slot_policy(daemon->datapath, event->slot),
		.time_us = wall_time_us(event->time_ns),
	};

	if (!daemon->links || links_find(daemon->links, event->ifindex, &link) < 0)
		link.name[0] = '\0';
	feed_event.interface = link.name;

	if (is_for_log(feed, event))
		event_log(&feed_event);
	feed->delivering = true;
	for (struct feed_reader *reader = feed->readers; reader; reader = reader->next) {
		if (!reader->gone)
			reader->callback(reader->context, &feed_event);
	}
	feed->delivering = false;
	sweep(feed);
}

/* Policies that ask for it; of the samples, drops that no policy explains. */
static bool is_for_log(const struct event_feed *feed, const struct pep_event *event)
{
	if (!(event->flags & PEP_EVENT_SAMPLE))
		return true;
	return feed->daemon->settings->log_drops && event->slot == PEP_SLOT_NONE;
}

/* Frees the readers that have gone. */
static void sweep(struct event_feed *feed)
{
	struct feed_reader **link = &feed->readers;
	bool any = false;

	while (*link) {
		struct feed_reader *reader = *link;

		if (!reader->gone) {
			link = &reader->next;
			continue;
		}
		*link = reader->next;
		free(reader);
		any = true;
	}
	if (any)
		event_feed_follow_settings(feed);
}

static int64_t wall_time_us(uint64_t monotonic_ns)
{
	struct timespec real, monotonic;
	int64_t ago_ns;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	ago_ns = (int64_t)monotonic.tv_sec * 1000000000 + monotonic.tv_nsec - (int64_t)monotonic_ns;
	return (int64_t)real.tv_sec * 1000000 + (real.tv_nsec - ago_ns) / 1000;
}
