/* SPDX-License-Identifier: Apache-2.0 */
#include "http_sse.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "cleanup.h"
#include "daemon.h"
#include "event_feed.h"
#include "event_view.h"
#include "http_connection.h"
#include "http_request.h"
#include "http_server.h"
#include "json_cleanup.h"
#include "policy.h"
#include "settings.h"

#define READERS_MAX 16
#define REMOTE_READERS_MAX 8 /* by TCP */
#define HEARTBEAT_SECONDS 15
#define PENDING_BYTES (256 * 1024) /* what a reader may be behind; what comes then is lost to it */

struct sse_reader {
	LIST_ENTRY(sse_reader) link;
	struct sse_readers *all;
	struct event_feed *feed;
	struct feed_reader *subscription;
	struct http_connection *connection;
	struct evhttp_request *evhttp;
	struct evbuffer *text;
	struct event *heartbeat;
	bool remote; /* by TCP */
	char *policy, *verdict; /* filters; NULL: any */
	uint64_t lost; /* since it was last told */
};

struct sse_readers {
	LIST_HEAD(, sse_reader) list;
	size_t count, remote;
	uint64_t sequence; /* of the last event, for its id */
};

static int check_filters(struct http_request *request);
static int check_room(struct http_request *request);
static struct sse_reader *open_reader(struct http_request *request);
static void begin(struct http_request *request, struct sse_reader *reader);
static void take_event(void *context, const struct feed_event *event);
static int write_event(struct sse_reader *reader, const struct feed_event *event);
static bool make_room(struct sse_reader *reader);
static void send_text(struct sse_reader *reader);
static void send_heartbeat(evutil_socket_t fd, short events, void *context);
static void end_reader(struct sse_reader *reader);
static void reader_left(void *context);
static void free_reader(struct sse_reader **reader);

void route_events(struct http_request *request)
{
	CLEANUP(free_reader) struct sse_reader *reader = NULL;

	if (check_filters(request) || check_room(request))
		return;
	if (request->head) {
		http_set_header(request, "Content-Type", "text/event-stream");
		http_count(request, 200);
		evhttp_send_reply(request->evhttp, 200, "OK", NULL);
		return;
	}
	reader = open_reader(request);
	if (reader)
		begin(request, TAKE_PTR(reader));
	else
		http_refuse(request, 503, "out of memory");
}

size_t sse_readers_count(const struct sse_readers *readers)
{
	return readers ? readers->count : 0;
}

void sse_readers_free(struct sse_readers **readers)
{
	if (!*readers)
		return;
	while (!LIST_EMPTY(&(*readers)->list))
		end_reader(LIST_FIRST(&(*readers)->list));
	free(*readers);
	*readers = NULL;
}

void sse_readers_end_remote(struct sse_readers *readers)
{
	struct sse_reader *reader = readers ? LIST_FIRST(&readers->list) : NULL;

	while (reader) {
		struct sse_reader *next = LIST_NEXT(reader, link);

		if (reader->remote)
			end_reader(reader);
		reader = next;
	}
}

static void end_reader(struct sse_reader *reader)
{
	http_connection_on_close(reader->connection, NULL, NULL);
	http_connection_end(reader->connection);
	evhttp_send_reply_end(reader->evhttp);
	free_reader(&reader);
}

/* Who comes by TCP leaves some to the Unix socket. */
static int check_room(struct http_request *request)
{
	const struct sse_readers *readers = request->http->events;
	bool remote = request->caller.way != HTTP_WAY_SOCKET;

	if (!readers)
		return 0;
	if (readers->count < READERS_MAX && (!remote || readers->remote < REMOTE_READERS_MAX))
		return 0;
	http_refuse(request, 503, "there are %d readers of /events already%s",
		    remote ? REMOTE_READERS_MAX : READERS_MAX, remote ? " by TCP" : "");
	return -EBUSY;
}

static int check_filters(struct http_request *request)
{
	static const char *const verdicts[] = { "pass", "drop", "log" };
	const char *verdict = http_parameter(request, "verdict", 0);

	for (size_t i = 0; verdict && i < ARRAY_SIZE(verdicts); i++)
		if (!strcmp(verdict, verdicts[i]))
			return 0;
	if (!verdict)
		return 0;
	http_refuse(request, 400, "verdict is pass, drop or log, not '%.50s'", verdict);
	return -EINVAL;
}

static struct sse_reader *open_reader(struct http_request *request)
{
	const char *policy = http_parameter(request, "policy", 0);
	const char *verdict = http_parameter(request, "verdict", 0);
	struct http *http = request->http;
	CLEANUP(free_reader) struct sse_reader *reader = NULL;

	if (!http->events)
		http->events = calloc(1, sizeof(*http->events));
	reader = http->events ? calloc(1, sizeof(*reader)) : NULL;
	if (!reader)
		return NULL;
	reader->all = http->events;
	LIST_INSERT_HEAD(&http->events->list, reader, link);
	http->events->count++;
	reader->feed = request->daemon->events;
	reader->connection = request->connection;
	reader->evhttp = request->evhttp;
	reader->remote = request->caller.way != HTTP_WAY_SOCKET;
	http->events->remote += reader->remote;
	reader->policy = policy ? strdup(policy) : NULL;
	reader->verdict = verdict ? strdup(verdict) : NULL;
	reader->text = evbuffer_new();
	reader->heartbeat =
		event_new(request->daemon->base, -1, EV_PERSIST, send_heartbeat, reader);
	if ((policy && !reader->policy) || (verdict && !reader->verdict) || !reader->text ||
	    !reader->heartbeat)
		return NULL;
	reader->subscription = event_feed_subscribe(reader->feed, take_event, reader);
	return reader->subscription ? TAKE_PTR(reader) : NULL;
}

static void begin(struct http_request *request, struct sse_reader *reader)
{
	const struct timeval heartbeat = { .tv_sec = HEARTBEAT_SECONDS };

	http_set_header(request, "Content-Type", "text/event-stream");
	http_set_header(request, "Cache-Control", "no-store");
	http_set_header(request, "X-Content-Type-Options", "nosniff");
	http_count(request, 200);
	evhttp_send_reply_start(request->evhttp, 200, "OK");
	http_connection_write_only(reader->connection, true,
				   request->daemon->settings->timeout_seconds);
	http_connection_lasts(reader->connection);
	http_connection_on_close(reader->connection, reader_left, reader);
	event_add(reader->heartbeat, &heartbeat);
	evbuffer_add_printf(reader->text, ": events of pepctl\n\n");
	send_text(reader);
}

static void take_event(void *context, const struct feed_event *event)
{
	struct sse_reader *reader = context;

	if ((reader->policy && (!event->policy || strcmp(event->policy, reader->policy))) ||
	    (reader->verdict && strcmp(event_verdict(event), reader->verdict)))
		return;
	reader->all->sequence++;
	if (!make_room(reader) || write_event(reader, event))
		reader->lost++;
	else
		send_text(reader);
}

/* On failure nothing of it stays in the text. */
static int write_event(struct sse_reader *reader, const struct feed_event *event)
{
	CLEANUP(cleanup_json) struct json_object *json = event_view(event);
	const char *text =
		json ? json_object_to_json_string_ext(json, JSON_C_TO_STRING_NOSLASHESCAPE) : NULL;

	if (!text)
		return -ENOMEM;
	return evbuffer_add_printf(reader->text, "id: %" PRIu64 "\nevent: packet\ndata: %s\n\n",
				   reader->all->sequence, text) < 0
		       ? -ENOMEM
		       : 0;
}

/* Tells a reader that was too slow what it has missed, once it has caught up. */
static bool make_room(struct sse_reader *reader)
{
	if (http_connection_pending(reader->connection) >= PENDING_BYTES)
		return false;
	if (reader->lost &&
	    evbuffer_add_printf(reader->text, "event: lost\ndata: {\"lost\": %" PRIu64 "}\n\n",
				reader->lost) > 0)
		reader->lost = 0;
	return true;
}

static void send_text(struct sse_reader *reader)
{
	evhttp_send_reply_chunk(reader->evhttp, reader->text);
}

static void send_heartbeat(evutil_socket_t fd, short events, void *context)
{
	struct sse_reader *reader = context;

	(void)fd;
	(void)events;
	if (make_room(reader) && evbuffer_add_printf(reader->text, ": still here\n\n") > 0)
		send_text(reader);
}

static void reader_left(void *context)
{
	struct sse_reader *reader = context;

	/* evhttp leaves us what it has taken off the connection. */
	if (!evhttp_request_get_connection(reader->evhttp))
		evhttp_request_free(reader->evhttp);
	free_reader(&reader);
}

static void free_reader(struct sse_reader **reader)
{
	struct sse_reader *leaving = *reader;

	if (!leaving)
		return;
	*reader = NULL;
	if (leaving->subscription)
		event_feed_unsubscribe(leaving->feed, &leaving->subscription);
	LIST_REMOVE(leaving, link);
	leaving->all->count--;
	leaving->all->remote -= leaving->remote;
	if (leaving->heartbeat)
		event_free(leaving->heartbeat);
	if (leaving->text)
		evbuffer_free(leaving->text);
	free(leaving->policy);
	free(leaving->verdict);
	free(leaving);
}
