/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the API share: the servers, one for each kind of listener,
 * and what is remembered between requests.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"
#include "http.h"
#include "http_listener.h"
#include "route.h"
#include "tls.h"

struct daemon;
struct event;
struct evhttp;
struct evhttp_request;
struct http_connections;
struct policyset;
struct sse_readers;

#define HTTP_NS_PER_SECOND UINT64_C(1000000000)
#define HTTP_HEADER_BYTES 16384 /* of a request, in all */
#define HTTP_ROUTE_NONE "none" /* the label of what no route answered */

struct http_server {
	struct http *http;
	enum http_kind kind; /* of its listeners */
	struct evhttp *evhttp;
	struct http_connections *connections;
	struct tls_watch watch;
	char explanation[512]; /* of what evhttp refused */
};

/* How often a route was answered how. */
struct http_tally {
	const char *route; /* pattern */
	const char *method;
	int status;
	uint64_t requests;
};

/* The policies in evaluation order: of IPv4, then those of IPv6 alone, in its. */
struct http_order {
	struct policyset *set; /* NULL: not known */
	uint32_t *order; /* indices into set->policy */
	uint32_t *position; /* the inverse */
};

struct http {
	struct daemon *daemon;
	struct http_server server[HTTP_KINDS];
	struct http_listener *listeners;
	struct http_listener_state *states;
	size_t listener_count;
	bool local_full, tcp_full; /* not accepting until connections end */
	size_t busy; /* the most connections since memory was given back */
	bool trim; /* a large body was refused */
	struct event *tick;

	struct http_tally *tallies;
	size_t tally_count;
	struct histogram request_durations;
	struct histogram publish_durations;
	struct histogram hotplug_windows;
	char (*interface_names)[16]; /* of all that were ever seen, in the order of their names */
	size_t interface_count;
	struct http_order order;
	struct sse_readers *events;
};

/** CLOCK_MONOTONIC. */
uint64_t http_now_ns(void);

/** CLOCK_REALTIME. */
int64_t http_now_us(void);

/** Answers a request; the callback of both servers' evhttp, @context is the struct http_server. */
void http_serve(struct evhttp_request *request, void *context);

/**
 * Opens the listeners that are not up; @again: what is no news is not logged. Returns 0 or -errno
 * of a Unix socket.
 */
int http_open_listeners(struct http *http, bool again);

/** Adds one to a tally. */
void http_count_status(struct http *http, const char *route, const char *method, int status);

/** The order of the set in force, valid until it changes; NULL when out of memory. */
const struct http_order *http_order(struct http *http);
/** Frees an order. */
void http_order_clear(struct http_order *order);

#endif
