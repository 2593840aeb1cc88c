/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring buffer that the programs write events to, read without knowing
 * what they mean (that is event_feed.h).
 */
#ifndef DATAPATH_EVENTS_H
#define DATAPATH_EVENTS_H

#include "pep.h"

struct datapath;
struct datapath_events;

/* The event is the buffer's and valid during the call. */
typedef void (*datapath_event)(void *context, const struct pep_event *event);

/** Opens the ring buffer of @datapath, which must outlive it. Returns 0 or -errno. */
int datapath_events_open(const struct datapath *datapath, datapath_event callback, void *context,
			 struct datapath_events **ret);

/** The fd to poll for reading. It stays the buffer's. */
int datapath_events_fd(const struct datapath_events *events);

/** Calls back for all that is there, up to @max. Returns how many there were, or -errno. */
int datapath_events_read(struct datapath_events *events, unsigned int max);

/** Closes the ring buffer. Tolerates NULL. */
void datapath_events_close(struct datapath_events **events);

#endif
