/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event of the datapath as JSON.
 */
#ifndef EVENT_VIEW_H
#define EVENT_VIEW_H

struct feed_event;
struct json_object;

/** What happened to the packet: "pass", "drop", or "log" when a policy only reported it. */
const char *event_verdict(const struct feed_event *event);

/** The caller owns the result; NULL when out of memory. */
struct json_object *event_view(const struct feed_event *event);

#endif
