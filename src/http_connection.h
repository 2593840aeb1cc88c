/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of a server: how many there are, and what evhttp says on
 * its own.
 *
 * evhttp tells nobody about a connection before its first request, and
 * answers what it cannot read with an HTML page of its own.  So each connection
 * gets a bufferevent from here.  We keep a reference, by which we see when
 * evhttp has let go of one that never made a request, and watch its output,
 * where such a page is replaced by a problem document before any of it is sent.
 */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bufferevent;
struct event_base;
struct evhttp;
struct evhttp_request;
struct http_connection;
struct http_connections;

struct http_connections_calls {
	/** There is one more. */
	void (*opened)(void *context);
	/** Makes the stream of one; NULL: it is a plain one. */
	struct bufferevent *(*open)(struct event_base *base, void *context);
	/** Whether the headers that wait in @stream let their sender send a long body; NULL: no. */
	bool (*trusts)(void *context, struct bufferevent *stream);
	/** What to say to a request that evhttp refuses with @status; NULL: nothing. */
	const char *(*explain)(void *context, int status);
	/** evhttp refused a request that came by @fd. */
	void (*refused)(void *context, int status, int fd);
	void *context;
};

/** Watches the connections of @server from now on. NULL when out of memory. */
struct http_connections *http_connections_new(struct event_base *base, struct evhttp *server,
					      const struct http_connections_calls *calls);

/** How long the bodies of those who are trusted may be from now on. */
void http_connections_limit(struct http_connections *connections, size_t long_body_bytes);

/** Serves their requests only when nothing else is to be done. */
void http_connections_yield(struct http_connections *connections);

/** Forgets those that evhttp has let go of. Not from the callbacks. */
void http_connections_sweep(struct http_connections *connections);

/**
 * Ends those that have taken longer than this to send a request, or ten times
 * as long to take an answer: a byte now and then keeps a connection from being
 * silent, and would keep it from others for ever.
 */
void http_connections_expire(struct http_connections *connections, uint64_t most_ns);

/** Ends those that wait for a request, and the others with their answer. */
void http_connections_renew(struct http_connections *connections);

/** How many there are, with those that are answered and whose client still sends. */
size_t http_connections_count(const struct http_connections *connections);

/** Whether there are some of the latter. */
bool http_connections_linger(const struct http_connections *connections);

/** Before evhttp_free() of the server: answers under way are given up. Tolerates NULL. */
void http_connections_free(struct http_connections **connections);

/**
 * The connection of a request, of which everything that is sent until the
 * answer is complete is ours; NULL when it is none of these.
 */
struct http_connection *http_connection_claim(struct http_connections *connections,
					      struct evhttp_request *request);

/** Calls @closed when the connection ends before the answer does; NULL: not any more. */
void http_connection_on_close(struct http_connection *connection, void (*closed)(void *context),
			      void *context);

/**
 * While an answer takes long only its writing has a time limit; with @on
 * false both directions have one again.
 */
void http_connection_write_only(struct http_connection *connection, bool on,
				unsigned int timeout_seconds);

/** Lets the answer that is under way take as long as its client takes what comes. */
void http_connection_lasts(struct http_connection *connection);

/** Lets it end with the answer that is under way, whatever evhttp makes of its headers. */
void http_connection_end(struct http_connection *connection);

/** Bytes that wait to be sent. */
size_t http_connection_pending(const struct http_connection *connection);

#endif
