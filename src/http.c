/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "daemon.h"
#include "datapath.h"
#include "heap.h"
#include "http_caller.h"
#include "http_connection.h"
#include "http_server.h"
#include "http_sse.h"
#include "log.h"
#include "settings.h"

#define TICK_SECONDS 3 /* what is not up or stopped accepting is tried again */
#define FULL_TICK_US 20000 /* while connections wait for others to end */
#define LOCAL_RESERVE 16 /* connections that only the Unix socket can have */
#define TRIM_CONNECTIONS 16
#define TCP_BODY_BYTES 65536 /* of who shows no operator's token: it is only read to be refused */

static int open_server(struct http_server *server, struct http *http, bool local);
static void close_server(struct http_server *server);
static void apply_limits(struct http *http);
static int make_listeners(struct http *http, struct http_listener **ret);
static bool take_over(struct http *http, const char *address, struct http_listener *ret);
static void drop_listeners(struct http *http);
static int open_listeners(struct http *http, bool again);
static bool try_listener(struct http *http, struct http_listener *listener);
static void count_connections(void *context);
static const char *explain_refusal(void *context, int status);
static void count_refusal(void *context, int status);
static void tick(evutil_socket_t fd, short events, void *context);
static void trim_after_many(struct http *http);
static void trim_after_refusal(struct http *http);
static void set_tick(struct http *http);

int http_open(struct daemon *daemon, struct http **ret)
{
	struct http *http = calloc(1, sizeof(*http));
	int result;

	if (!http)
		return -ENOMEM;
	http->daemon = daemon;
	http->tick = event_new(daemon->base, -1, 0, tick, http);
	result = http->tick ? http_note_interfaces(http) : -ENOMEM;
	result = result ? result : open_server(&http->local, http, true);
	result = result ? result : open_server(&http->tcp, http, false);
	result = result ? result : http_reconfigure(http);
	if (result) {
		http_close(&http);
		return result;
	}
	*ret = http;
	return 0;
}

int http_reconfigure(struct http *http)
{
	size_t count = http->daemon->settings->listen.count;
	struct http_listener *listeners = NULL;
	struct http_listener_state *states = calloc(count + 1, sizeof(*states));
	int result = states ? make_listeners(http, &listeners) : -ENOMEM;

	if (result) {
		free(states);
		return result;
	}
	drop_listeners(http);
	free(http->states);
	http->states = states;
	http->listeners = listeners;
	http->listener_count = count;
	apply_limits(http);
	result = open_listeners(http, false);
	count_connections(&http->local);
	return result;
}

const struct http_listener_state *http_listeners(const struct http *http, size_t *ret_count)
{
	for (size_t i = 0; i < http->listener_count; i++) {
		const struct http_listener *listener = &http->listeners[i];

		http->states[i] = (struct http_listener_state){
			.address = listener->address,
			.up = listener->bound,
			.error = listener->error,
		};
	}
	*ret_count = http->listener_count;
	return http->states;
}

void http_note_hotplug(struct http *http, uint64_t window_ns)
{
	histogram_observe(&http->hotplug_windows, window_ns);
}

void http_note_publish(struct http *http)
{
	struct datapath_figures figures;

	datapath_figures(http->daemon->datapath, &figures);
	histogram_observe(&http->publish_durations, figures.publish_ns);
	if (http->order.set != http->daemon->set)
		http_order_clear(&http->order);
}

void http_close(struct http **http)
{
	struct http *closing = *http;

	if (!closing)
		return;
	*http = NULL;
	drop_listeners(closing);
	sse_readers_free(&closing->events);
	close_server(&closing->local);
	close_server(&closing->tcp);
	if (closing->tick)
		event_free(closing->tick);
	http_order_clear(&closing->order);
	free(closing->interface_names);
	free(closing->tallies);
	free(closing->states);
	free(closing);
}

static int open_server(struct http_server *server, struct http *http, bool local)
{
	const struct http_connections_calls calls = {
		.opened = count_connections,
		.trusts = local ? NULL : http_caller_trusted,
		.explain = explain_refusal,
		.refused = count_refusal,
		.context = server,
	};

	server->http = http;
	server->local = local;
	server->evhttp = evhttp_new(http->daemon->base);
	if (!server->evhttp)
		return -ENOMEM;
	server->connections = http_connections_new(http->daemon->base, server->evhttp, &calls);
	if (!server->connections)
		return -ENOMEM;
	if (!local)
		http_connections_yield(server->connections);
	/* All of them, and those that evhttp does not know, are refused by us. */
	evhttp_set_allowed_methods(server->evhttp, UINT16_MAX);
	evhttp_set_default_content_type(server->evhttp, NULL);
	evhttp_set_max_headers_size(server->evhttp, HTTP_HEADER_BYTES);
	evhttp_set_gencb(server->evhttp, http_serve, server);
	return 0;
}

static void close_server(struct http_server *server)
{
	http_connections_free(&server->connections);
	if (server->evhttp)
		evhttp_free(server->evhttp);
	server->evhttp = NULL;
}

static void apply_limits(struct http *http)
{
	const struct settings *settings = http->daemon->settings;
	uint64_t bytes = settings->max_body_bytes;

	evhttp_set_max_body_size(http->local.evhttp, (ev_ssize_t)bytes);
	evhttp_set_max_body_size(http->tcp.evhttp,
				 (ev_ssize_t)(bytes < TCP_BODY_BYTES ? bytes : TCP_BODY_BYTES));
	http_connections_limit(http->tcp.connections, bytes);
	evhttp_set_timeout(http->local.evhttp, (int)settings->timeout_seconds);
	evhttp_set_timeout(http->tcp.evhttp, (int)settings->timeout_seconds);
}

/* The listeners of the settings; those that are there already change hands
 * only when nothing can fail any more. */
static int make_listeners(struct http *http, struct http_listener **ret)
{
	const struct string_list *addresses = &http->daemon->settings->listen;
	struct http_listener *listeners = calloc(addresses->count + 1, sizeof(*listeners));

	if (!listeners)
		return -ENOMEM;
	for (size_t i = 0; i < addresses->count; i++) {
		listeners[i].address = strdup(addresses->string[i]);
		if (listeners[i].address)
			continue;
		while (i--)
			free(listeners[i].address);
		free(listeners);
		return -ENOMEM;
	}
	for (size_t i = 0; i < addresses->count; i++)
		take_over(http, addresses->string[i], &listeners[i]);
	*ret = listeners;
	return 0;
}

static bool take_over(struct http *http, const char *address, struct http_listener *ret)
{
	for (size_t i = 0; i < http->listener_count; i++) {
		struct http_listener *listener = &http->listeners[i];
		char *same = ret->address;

		if (!listener->bound || strcmp(listener->address, address))
			continue;
		*ret = *listener;
		ret->address = same;
		listener->bound = NULL;
		return true;
	}
	return false;
}

static void drop_listeners(struct http *http)
{
	for (size_t i = 0; i < http->listener_count; i++) {
		struct http_listener *listener = &http->listeners[i];
		bool local = http_listener_is_local(listener->address);

		http_listener_close(listener, local ? http->local.evhttp : http->tcp.evhttp);
		free(listener->address);
	}
	free(http->listeners);
	http->listeners = NULL;
	http->listener_count = 0;
}

/* Returns 0 or -errno of a Unix socket: the others may come up later. */
static int open_listeners(struct http *http, bool again)
{
	int result = 0;

	for (size_t i = 0; i < http->listener_count; i++) {
		struct http_listener *listener = &http->listeners[i];
		int before = again ? listener->error : 0;

		if (listener->bound)
			continue;
		if (try_listener(http, listener)) {
			log_info("listening on %s", listener->address);
			continue;
		}
		if (http_listener_is_local(listener->address))
			result = -listener->error;
		if (listener->error != before)
			log_warn("cannot listen on %s: %s; trying again every %d s",
				 listener->address, strerror(listener->error), TICK_SECONDS);
	}
	set_tick(http);
	return result;
}

static bool try_listener(struct http *http, struct http_listener *listener)
{
	bool local = http_listener_is_local(listener->address);
	struct http_server *server = local ? &http->local : &http->tcp;

	if (http_listener_open(listener, http->daemon->base, server->evhttp))
		return false;
	http_listener_pause(listener, local ? http->local_full : http->tcp_full);
	return true;
}

/* Listeners accept only while there is room. */
static void count_connections(void *context)
{
	struct http *http = ((struct http_server *)context)->http;
	size_t most = http->daemon->settings->max_connections;
	size_t reserve = most / 2 < LOCAL_RESERVE ? most / 2 : LOCAL_RESERVE;
	size_t count = http_connections_count(http->local.connections) +
		       http_connections_count(http->tcp.connections);

	http->local_full = count >= most;
	http->tcp_full = count >= most - reserve;
	for (size_t i = 0; i < http->listener_count; i++) {
		struct http_listener *listener = &http->listeners[i];

		http_listener_pause(listener, http_listener_is_local(listener->address)
						      ? http->local_full
						      : http->tcp_full);
	}
	set_tick(http);
}

static const char *explain_refusal(void *context, int status)
{
	struct http_server *server = context;
	uint64_t most = server->http->daemon->settings->max_body_bytes;

	if (status == 413 && !server->local)
		snprintf(server->explanation, sizeof(server->explanation),
			 "so long a body needs an operator's token, or the Unix socket");
	else if (status == 413)
		snprintf(server->explanation, sizeof(server->explanation),
			 "the body has more than %llu bytes (server.max_body_bytes), or its chunks "
			 "are malformed",
			 (unsigned long long)most);
	else if (status == 417)
		snprintf(server->explanation, sizeof(server->explanation),
			 "the only expectation that can be met is 100-continue");
	else
		snprintf(server->explanation, sizeof(server->explanation),
			 "this is not HTTP/1.x, or its headers are malformed, contradict each "
			 "other or are longer than %d bytes in all",
			 HTTP_HEADER_BYTES);
	return server->explanation;
}

static void count_refusal(void *context, int status)
{
	struct http_server *server = context;

	http_count_status(server->http, HTTP_ROUTE_NONE, "other", status);
	if (status == 413)
		server->http->trim = true;
}

static void tick(evutil_socket_t fd, short events, void *context)
{
	struct http *http = context;

	(void)fd;
	(void)events;
	/* Who has the Unix socket may do everything anyway. */
	http_connections_expire(http->tcp.connections,
				http->daemon->settings->timeout_seconds * HTTP_NS_PER_SECOND);
	http_connections_sweep(http->local.connections);
	http_connections_sweep(http->tcp.connections);
	open_listeners(http, true);
	count_connections(&http->local);
	trim_after_many(http);
	trim_after_refusal(http);
}

/* What many long answers at once took is given back when they are gone. */
static void trim_after_many(struct http *http)
{
	size_t count = http_connections_count(http->local.connections) +
		       http_connections_count(http->tcp.connections);

	if (count >= http->busy) {
		http->busy = count;
	} else if (http->busy >= TRIM_CONNECTIONS && count < http->busy / 4) {
		http->busy = count;
		heap_trim();
	}
}

/* What evhttp had kept of a body before it was too large is freed with the connection. */
static void trim_after_refusal(struct http *http)
{
	if (!http->trim || http_connections_linger(http->local.connections) ||
	    http_connections_linger(http->tcp.connections))
		return;
	http->trim = false;
	heap_trim();
}

static void set_tick(struct http *http)
{
	struct timeval often = { .tv_usec = FULL_TICK_US }, seldom = { .tv_sec = TICK_SECONDS };

	if (http->tcp_full)
		event_add(http->tick, &often);
	else if (!event_pending(http->tick, EV_TIMEOUT, NULL))
		event_add(http->tick, &seldom);
}
