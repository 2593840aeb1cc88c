/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One address that the API listens on: "127.0.0.1:8080", "[::1]:8080" or
 * "unix:/path".
 */
#ifndef HTTP_LISTENER_H
#define HTTP_LISTENER_H

#include <stdbool.h>
#include <sys/types.h>

struct event_base;
struct evhttp;
struct evhttp_bound_socket;

#define HTTP_LISTENER_UNIX "unix:"

/* Who can reach it. */
enum http_kind {
	HTTP_LOCAL, /* a Unix socket */
	HTTP_LOOPBACK, /* this machine */
	HTTP_OPEN, /* others: TLS, and nobody is anonymous */
	HTTP_KINDS
};

struct http_listener {
	char *address; /* as configured; owned */
	struct evhttp_bound_socket *bound; /* NULL: not up */
	dev_t device; /* of the Unix socket that we made */
	ino_t inode;
	int error; /* errno of the last try */
};

/** Of which kind an address is. */
enum http_kind http_listener_kind(const char *address);

/** Whether an address is a Unix socket's. */
bool http_listener_is_local(const char *address);

/**
 * Binds it and hands what it accepts to @server. A Unix socket's directory is
 * made, and a socket that nobody listens on any more is removed. Returns 0;
 * -EINVAL the address is none; -EADDRINUSE somebody listens there; or -errno.
 */
int http_listener_open(struct http_listener *listener, struct event_base *base,
		       struct evhttp *server);

/** Stops or goes on accepting; what comes meanwhile waits in the kernel. */
void http_listener_pause(struct http_listener *listener, bool pause);

/** Closes it and removes the Unix socket that it made. */
void http_listener_close(struct http_listener *listener, struct evhttp *server);

#endif
