/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that are answered and closed while the client still sends: what
 * it sends is read and thrown away for a while.  A socket that is closed with
 * something unread in it resets the connection, and the answer with it.
 */
#ifndef HTTP_LINGER_H
#define HTTP_LINGER_H

#include <stddef.h>
#include <sys/queue.h>

struct event_base;
struct http_linger;

struct http_lingers {
	LIST_HEAD(, http_linger) list;
	size_t count;
};

/**
 * Reads from the socket of @fd, by a descriptor of its own, until the client
 * has ended or some seconds have passed. Without memory nothing happens.
 */
void http_linger(struct http_lingers *lingers, struct event_base *base, int fd);

/** Ends all of them. */
void http_lingers_clear(struct http_lingers *lingers);

#endif
