/* SPDX-License-Identifier: Apache-2.0 */
#include "http_room.h"

#include <errno.h>
#include <event2/event.h>

#include "daemon.h"
#include "heap.h"
#include "http_connection.h"
#include "http_server.h"
#include "settings.h"

#define FULL_TICK_US 20000 /* while connections wait for others to end */
#define LOCAL_RESERVE 16 /* connections that only the Unix socket can have */
#define TRIM_CONNECTIONS 16

static size_t count_all(const struct http *http);
static void tick(evutil_socket_t fd, short events, void *context);
static void trim_after_many(struct http *http);
static void trim_after_refusal(struct http *http);

int http_room_open(struct http *http)
{
	http->tick = event_new(http->daemon->base, -1, 0, tick, http);
	return http->tick ? 0 : -ENOMEM;
}

void http_room_count(struct http *http)
{
	size_t most = http->daemon->settings->max_connections;
	size_t reserve = most / 2 < LOCAL_RESERVE ? most / 2 : LOCAL_RESERVE;
	size_t count = count_all(http);

	http->local_full = count >= most;
	http->tcp_full = count >= most - reserve;
	for (size_t i = 0; i < http->listener_count; i++) {
		struct http_listener *listener = &http->listeners[i];

		http_listener_pause(listener, http_listener_is_local(listener->address)
						      ? http->local_full
						      : http->tcp_full);
	}
	http_room_tick(http);
}

void http_room_tick(struct http *http)
{
	struct timeval often = { .tv_usec = FULL_TICK_US };
	struct timeval seldom = { .tv_sec = HTTP_TICK_SECONDS };

	if (http->tcp_full)
		event_add(http->tick, &often);
	else if (!event_pending(http->tick, EV_TIMEOUT, NULL))
		event_add(http->tick, &seldom);
}

void http_room_close(struct http *http)
{
	if (http->tick)
		event_free(http->tick);
	http->tick = NULL;
}

static size_t count_all(const struct http *http)
{
	size_t count = 0;

	for (int kind = 0; kind < HTTP_KINDS; kind++)
		count += http_connections_count(http->server[kind].connections);
	return count;
}

static void tick(evutil_socket_t fd, short events, void *context)
{
	struct http *http = context;
	uint64_t most_ns = http->daemon->settings->timeout_seconds * HTTP_NS_PER_SECOND;

	(void)fd;
	(void)events;
	for (int kind = 0; kind < HTTP_KINDS; kind++) {
		/* Who has the Unix socket may do everything anyway. */
		if (kind != HTTP_LOCAL)
			http_connections_expire(http->server[kind].connections, most_ns);
		http_connections_sweep(http->server[kind].connections);
	}
	http_open_listeners(http, true);
	http_room_count(http);
	trim_after_many(http);
	trim_after_refusal(http);
}

/* What many long answers at once took is given back when they are gone. */
static void trim_after_many(struct http *http)
{
	size_t count = count_all(http);

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
	for (int kind = 0; kind < HTTP_KINDS; kind++)
		if (http_connections_linger(http->server[kind].connections))
			return;
	if (http->trim)
		heap_trim();
	http->trim = false;
}
