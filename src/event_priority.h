/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn it is when several have something to do at once: enforcement and
 * the Unix socket before those who only look, by TCP.
 */
#ifndef EVENT_PRIORITY_H
#define EVENT_PRIORITY_H

enum event_priority {
	EVENT_PRIORITY_FIRST,
	EVENT_PRIORITY_USUAL, /* what libevent gives to all events without one */
	EVENT_PRIORITY_LAST,
	EVENT_PRIORITIES
};

/* So long those of the last priority are served before the others are looked at again. */
#define EVENT_PRIORITY_TURN_US 5000

#endif
