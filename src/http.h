/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP API: listeners, who may do what, and the table of routes.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct daemon;
struct http;

/**
 * Opens the listeners of daemon->settings. A TCP listener that cannot bind is
 * retried and shown; only the Unix socket is required. Returns 0 or -errno of
 * the Unix socket.
 */
int http_open(struct daemon *daemon, struct http **ret);

/**
 * Makes the listeners those of daemon->settings; unchanged ones stay. Returns
 * 0, -ENOMEM with everything as before, or -errno of a Unix socket, which is
 * tried again as the others are.
 */
int http_reconfigure(struct http *http);

struct http_listener_state {
	const char *address; /* as configured */
	bool up;
	int error; /* errno of the last try; 0 when up */
};

/** The listeners; valid until the next call of http_. */
const struct http_listener_state *http_listeners(const struct http *http, size_t *ret_count);

/** Notes how long an interface was there before it was attached to. */
void http_note_hotplug(struct http *http, uint64_t window_ns);

/** To be called after each datapath_commit(): how long it took is a metric. */
void http_note_publish(struct http *http);

/**
 * To be called when interfaces were attached to or renamed: what they count
 * stays in the totals when they are gone. Returns 0 or -ENOMEM.
 */
int http_note_interfaces(struct http *http);

/** Ends all connections and listeners and removes the socket. */
void http_close(struct http **http);

#endif
