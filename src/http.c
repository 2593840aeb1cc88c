/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "credentials.h"
#include "daemon.h"
#include "datapath.h"
#include "http_audit.h"
#include "http_caller.h"
#include "http_connection.h"
#include "http_room.h"
#include "http_server.h"
#include "http_sse.h"
#include "http_tls.h"
#include "log.h"
#include "settings.h"

#define TCP_BODY_BYTES 65536 /* of who shows no operator's token: it is only read to be refused */

static int open_server(struct http *http, enum http_kind kind);
static void close_server(struct http_server *server);
static void apply_limits(struct http *http);
static int make_listeners(struct http *http, struct http_listener **ret);
static bool take_over(struct http *http, const char *address, struct http_listener *ret);
static void drop_listeners(struct http *http);
static bool try_listener(struct http *http, struct http_listener *listener);
static void end_remote(struct http *http);
static bool has_tls(const struct http *http);
static struct http_server *server_of(struct http *http, const struct http_listener *listener);
static void note_opened(void *context);
static const char *explain_refusal(void *context, int status);
static void count_refusal(void *context, int status, int fd);

int http_open(struct daemon *daemon, struct http **ret)
{
	struct http *http = calloc(1, sizeof(*http));
	int result;

	if (!http)
		return -ENOMEM;
	http->daemon = daemon;
	result = !http_room_open(http) ? http_note_interfaces(http) : -ENOMEM;
	for (int kind = 0; kind < HTTP_KINDS && !result; kind++)
		result = open_server(http, (enum http_kind)kind);
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
	end_remote(http);
	result = http_open_listeners(http, false);
	http_room_count(http);
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
	for (int kind = 0; kind < HTTP_KINDS; kind++)
		close_server(&closing->server[kind]);
	http_room_close(closing);
	http_order_clear(&closing->order);
	free(closing->interface_names);
	free(closing->tallies);
	free(closing->states);
	free(closing);
}

static int open_server(struct http *http, enum http_kind kind)
{
	struct http_server *server = &http->server[kind];
	const struct http_connections_calls calls = {
		.opened = note_opened,
		.open = kind == HTTP_OPEN ? http_tls_open : NULL,
		.trusts = kind == HTTP_LOCAL ? NULL : http_caller_trusted,
		.explain = explain_refusal,
		.refused = count_refusal,
		.context = server,
	};

	server->http = http;
	server->kind = kind;
	server->evhttp = evhttp_new(http->daemon->base);
	if (!server->evhttp)
		return -ENOMEM;
	server->connections = http_connections_new(http->daemon->base, server->evhttp, &calls);
	if (!server->connections)
		return -ENOMEM;
	if (kind != HTTP_LOCAL)
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

	for (int kind = 0; kind < HTTP_KINDS; kind++) {
		struct http_server *server = &http->server[kind];
		bool all = kind == HTTP_LOCAL || bytes < TCP_BODY_BYTES;

		evhttp_set_max_body_size(server->evhttp,
					 (ev_ssize_t)(all ? bytes : TCP_BODY_BYTES));
		http_connections_limit(server->connections, bytes);
		evhttp_set_timeout(server->evhttp, (int)settings->timeout_seconds);
	}
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

		http_listener_close(listener, server_of(http, listener)->evhttp);
		free(listener->address);
	}
	free(http->listeners);
	http->listeners = NULL;
	http->listener_count = 0;
}

/* What callers are known by may be another one from here on. A token is looked at with each
 * request; a certificate was when the connection began, and a reader of events then. */
static void end_remote(struct http *http)
{
	sse_readers_end_remote(http->events);
	http_connections_renew(http->server[HTTP_OPEN].connections);
}

/* The others may come up later. */
int http_open_listeners(struct http *http, bool again)
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
				 listener->address, strerror(listener->error), HTTP_TICK_SECONDS);
	}
	http_room_tick(http);
	return result;
}

static bool try_listener(struct http *http, struct http_listener *listener)
{
	struct http_server *server = server_of(http, listener);

	/* Nobody ever speaks to others without TLS. */
	if (server->kind == HTTP_OPEN && !has_tls(http)) {
		listener->error = ENOKEY;
		return false;
	}
	if (http_listener_open(listener, http->daemon->base, server->evhttp))
		return false;
	http_room_count(http);
	return true;
}

static bool has_tls(const struct http *http)
{
	return http->daemon->credentials && http->daemon->credentials->tls;
}

static struct http_server *server_of(struct http *http, const struct http_listener *listener)
{
	return &http->server[http_listener_kind(listener->address)];
}

static void note_opened(void *context)
{
	http_room_count(((struct http_server *)context)->http);
}

static const char *explain_refusal(void *context, int status)
{
	struct http_server *server = context;
	uint64_t most = server->http->daemon->settings->max_body_bytes;

	if (status == 413 && server->kind != HTTP_LOCAL)
		snprintf(server->explanation, sizeof(server->explanation),
			 "without an operator's token a body has %d bytes at most, with it as many "
			 "as server.max_body_bytes says; or its chunks are malformed",
			 TCP_BODY_BYTES);
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

static void count_refusal(void *context, int status, int fd)
{
	struct http_server *server = context;

	http_count_status(server->http, HTTP_ROUTE_NONE, "other", status);
	http_audit_connection(server, fd, status, explain_refusal(server, status));
	if (status == 413)
		server->http->trim = true;
}
