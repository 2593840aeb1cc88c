/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of the datapath, from the ring buffer to those who want them: the
 * log, and readers of /events.
 */
#ifndef EVENT_FEED_H
#define EVENT_FEED_H

#include <stdint.h>

#include "pep.h"

struct daemon;
struct event_feed;

/* An event with its names resolved, valid during the callback. */
struct feed_event {
	const struct pep_event *event;
	const char *policy; /* id; NULL: no policy */
	const char *interface; /* name; "" when it is gone */
	int64_t time_us; /* CLOCK_REALTIME */
};

typedef void (*feed_callback)(void *context, const struct feed_event *event);

/** Opens the ring buffer on daemon->base. Returns 0 or -errno. */
int event_feed_open(struct daemon *daemon, struct event_feed **ret);

struct feed_reader;

/**
 * Subscribes: while there is a reader, a sample of every drop is reported too.
 * NULL when out of memory.
 */
struct feed_reader *event_feed_subscribe(struct event_feed *feed, feed_callback callback,
					 void *context);
/** Ends a subscription, also from its callback. Tolerates NULL. */
void event_feed_unsubscribe(struct event_feed *feed, struct feed_reader **reader);

/** Takes in what is in the buffer now; before slots get another meaning. */
void event_feed_drain(struct event_feed *feed);

/** The settings have changed, or the readers: the datapath samples drops or not. */
void event_feed_follow_settings(struct event_feed *feed);

/** Drops all readers and closes. Tolerates NULL. */
void event_feed_close(struct event_feed **feed);

#endif
