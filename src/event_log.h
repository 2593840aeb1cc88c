/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event of the datapath as a line of the log.
 */
#ifndef EVENT_LOG_H
#define EVENT_LOG_H

struct feed_event;

/** Writes it, with a structured field for everything that the line says. */
void event_log(const struct feed_event *event);

#endif
