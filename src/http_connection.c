/* SPDX-License-Identifier: Apache-2.0 */
#include "http_connection.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "cleanup.h"
#include "event_priority.h"
#include "http_json.h"
#include "http_linger.h"
#include "http_server.h"
#include "http_tls.h"
#include "json_cleanup.h"
#include "problem_document.h"

#define ANSWER_FACTOR 10
#define STATUS_TOO_LARGE 413

struct http_connection {
	LIST_ENTRY(http_connection) link;
	struct http_connections *all;
	struct bufferevent *stream; /* a reference of our own */
	struct event *rewrite; /* runs before what was just appended, if anything, can be sent */
	struct evhttp_connection *evhttp; /* known from the first request on */
	bool trusted; /* with a long body */
	bool answering; /* what is appended to the output is ours */
	bool ending; /* with the answer */
	bool lasting; /* the answer, for ever */
	uint64_t since_ns; /* what is under way, request or answer */
	void (*closed)(void *context);
	void *context;
};

struct http_connections {
	LIST_HEAD(, http_connection) list;
	size_t count;
	struct http_lingers lingers;
	struct event_base *base;
	struct http_connections_calls calls;
	bool yielding;
	size_t long_body_bytes;
};

static struct bufferevent *open_stream(struct event_base *base, void *context);
static void input_grew(struct evbuffer *input, const struct evbuffer_cb_info *info, void *context);
static void output_grew(struct evbuffer *output, const struct evbuffer_cb_info *info,
			void *context);
static void rewrite_page(evutil_socket_t fd, short events, void *context);
static int page_status(struct evbuffer *output);
static void replace_page(struct http_connection *connection, int status);
static void answer_complete(struct evhttp_request *request, void *context);
static void connection_closed(struct evhttp_connection *evhttp, void *context);
static bool abandoned(const struct http_connection *connection);
static void forget(struct http_connection *connection);

struct http_connections *http_connections_new(struct event_base *base, struct evhttp *server,
					      const struct http_connections_calls *calls)
{
	struct http_connections *connections = calloc(1, sizeof(*connections));

	if (!connections)
		return NULL;
	LIST_INIT(&connections->list);
	connections->base = base;
	connections->calls = *calls;
	evhttp_set_bevcb(server, open_stream, connections);
	return connections;
}

void http_connections_limit(struct http_connections *connections, size_t long_body_bytes)
{
	connections->long_body_bytes = long_body_bytes;
}

void http_connections_yield(struct http_connections *connections)
{
	connections->yielding = true;
}

void http_connections_sweep(struct http_connections *connections)
{
	struct http_connection *connection = LIST_FIRST(&connections->list);

	while (connection) {
		struct http_connection *next = LIST_NEXT(connection, link);

		if (abandoned(connection))
			forget(connection);
		connection = next;
	}
}

/* evhttp finds the end of the stream then, and lets go of it. */
void http_connections_expire(struct http_connections *connections, uint64_t most_ns)
{
	const uint64_t now_ns = http_now_ns();
	struct http_connection *connection;

	LIST_FOREACH(connection, &connections->list, link) {
		const uint64_t factor = connection->answering ? ANSWER_FACTOR : 1;

		/* Of one that is abandoned the descriptor may be somebody else's by now. */
		if (!connection->lasting && now_ns - connection->since_ns >= most_ns * factor &&
		    !abandoned(connection))
			shutdown(bufferevent_getfd(connection->stream), SHUT_RDWR);
	}
}

void http_connections_renew(struct http_connections *connections)
{
	struct http_connection *connection;

	LIST_FOREACH(connection, &connections->list, link) {
		connection->ending = true;
		if (!connection->answering && !abandoned(connection))
			shutdown(bufferevent_getfd(connection->stream), SHUT_RDWR);
	}
}

size_t http_connections_count(const struct http_connections *connections)
{
	return connections->count + connections->lingers.count;
}

bool http_connections_linger(const struct http_connections *connections)
{
	return connections->lingers.count > 0;
}

void http_connections_free(struct http_connections **connections)
{
	struct http_connection *connection;

	if (!*connections)
		return;
	while ((connection = LIST_FIRST(&(*connections)->list))) {
		if (connection->evhttp)
			evhttp_connection_set_closecb(connection->evhttp, NULL, NULL);
		if (connection->closed)
			connection->closed(connection->context);
		forget(connection);
	}
	http_lingers_clear(&(*connections)->lingers);
	free(*connections);
	*connections = NULL;
}

struct http_connection *http_connection_claim(struct http_connections *connections,
					      struct evhttp_request *request)
{
	struct evhttp_connection *evhttp = evhttp_request_get_connection(request);
	struct bufferevent *stream = evhttp_connection_get_bufferevent(evhttp);
	struct http_connection *connection;

	connection = LIST_FIRST(&connections->list);
	while (connection && connection->stream != stream)
		connection = LIST_NEXT(connection, link);
	if (!connection)
		return NULL;
	/* Not before: evhttp gives it the descriptor late, and with that the usual priority. */
	if (connections->yielding)
		(void)bufferevent_priority_set(stream, EVENT_PRIORITY_LAST);
	connection->evhttp = evhttp;
	connection->answering = true;
	connection->since_ns = http_now_ns();
	evhttp_connection_set_closecb(evhttp, connection_closed, connection);
	evhttp_request_set_on_complete_cb(request, answer_complete, connection);
	return connection;
}

void http_connection_on_close(struct http_connection *connection, void (*closed)(void *context),
			      void *context)
{
	connection->closed = closed;
	connection->context = context;
}

void http_connection_write_only(struct http_connection *connection, bool on,
				unsigned int timeout_seconds)
{
	struct timeval limit = { .tv_sec = (time_t)timeout_seconds };

	bufferevent_set_timeouts(connection->stream, on ? NULL : &limit, &limit);
}

void http_connection_lasts(struct http_connection *connection)
{
	connection->lasting = true;
}

void http_connection_end(struct http_connection *connection)
{
	connection->ending = true;
}

size_t http_connection_pending(const struct http_connection *connection)
{
	return evbuffer_get_length(bufferevent_get_output(connection->stream));
}

/* evhttp asks for a bufferevent for what it has accepted. Without memory it
 * makes one itself, which is then neither counted nor rewritten. */
static struct bufferevent *open_stream(struct event_base *base, void *context)
{
	struct http_connections *connections = context;
	CLEANUP(cleanup_free) struct http_connection *connection = calloc(1, sizeof(*connection));
	struct bufferevent *stream;

	http_connections_sweep(connections);
	if (!connection)
		return NULL;
	connection->all = connections;
	connection->since_ns = http_now_ns();
	connection->rewrite = event_new(base, -1, 0, rewrite_page, connection);
	if (!connection->rewrite)
		return NULL;
	stream = connections->calls.open ? connections->calls.open(base, connections->calls.context)
					 : bufferevent_socket_new(base, -1, 0);
	if (!stream || !evbuffer_add_cb(bufferevent_get_output(stream), output_grew, connection) ||
	    (connections->calls.trusts &&
	     !evbuffer_add_cb(bufferevent_get_input(stream), input_grew, connection))) {
		if (stream)
			bufferevent_free(stream);
		event_free(connection->rewrite);
		return NULL;
	}
	bufferevent_incref(stream);
	connection->stream = stream;
	LIST_INSERT_HEAD(&connections->list, connection, link);
	connections->count++;
	if (connections->yielding)
		event_active(connection->rewrite, EV_TIMEOUT, 0); /* when it has its descriptor */
	(void)TAKE_PTR(connection);
	connections->calls.opened(connections->calls.context);
	return stream;
}

/* evhttp reads a whole body before it says who sends it, and only then is anybody asked. So what
 * arrives is looked at before evhttp sees it; the connection is what its callbacks are given. */
static void input_grew(struct evbuffer *input, const struct evbuffer_cb_info *info, void *context)
{
	struct http_connection *connection = context;
	const struct http_connections *all = connection->all;
	void *evhttp = NULL;

	(void)input;
	if (!info->n_added || connection->trusted || connection->answering ||
	    !all->calls.trusts(all->calls.context, connection->stream))
		return;
	bufferevent_getcb(connection->stream, NULL, NULL, NULL, &evhttp);
	if (!evhttp)
		return;
	connection->trusted = true;
	evhttp_connection_set_max_body_size(evhttp, (ev_ssize_t)all->long_body_bytes);
}

/* What evhttp appends is complete when it returns to the loop; the socket is
 * written to after one more round of polling. An event made active now runs in
 * between. */
static void output_grew(struct evbuffer *output, const struct evbuffer_cb_info *info, void *context)
{
	struct http_connection *connection = context;

	(void)output;
	if (info->n_added && !connection->answering)
		event_active(connection->rewrite, EV_TIMEOUT, 0);
}

static void rewrite_page(evutil_socket_t fd, short events, void *context)
{
	struct http_connection *connection = context;
	const struct http_connections_calls *calls = &connection->all->calls;
	struct evbuffer *output = bufferevent_get_output(connection->stream);
	int status;

	(void)fd;
	(void)events;
	if (abandoned(connection)) {
		forget(connection);
		return;
	}
	/* A handshake takes a millisecond, and many begin one at once. */
	if (connection->all->yielding)
		(void)bufferevent_priority_set(connection->stream, EVENT_PRIORITY_LAST);
	/* A plain bufferevent lets nobody but itself look at the front; one with TLS would not
	 * get at it any more. */
	if (!calls->open)
		evbuffer_unfreeze(output, 1);
	status = page_status(output);
	connection->answering = status >= 400; /* otherwise it is "100 Continue" */
	if (connection->answering)
		replace_page(connection, status);
	if (!calls->open)
		evbuffer_freeze(output, 1);
	if (!connection->answering)
		return;
	calls->refused(calls->context, status, bufferevent_getfd(connection->stream));
	if (status == STATUS_TOO_LARGE)
		http_linger(&connection->all->lingers, connection->all->base,
			    bufferevent_getfd(connection->stream));
	/* evhttp closes it when the page is sent, and will not say so unless
	 * there was a request before. */
	if (!connection->evhttp)
		forget(connection);
}

/* Of the last status line in the output; 0: none. */
static int page_status(struct evbuffer *output)
{
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
	char start[sizeof(interim) + 16] = "";
	const char *line = start;

	evbuffer_copyout(output, start, sizeof(start) - 1);
	if (!strncmp(start, interim, sizeof(interim) - 1))
		line += sizeof(interim) - 1;
	/* The version is three characters, and the status always three digits. */
	if (strncmp(line, "HTTP/", 5) || strspn(line + 5, "01.") != 3)
		return 0;
	return (int)strtol(line + 8, NULL, 10);
}

/* Without memory the page stays what it is. */
static void replace_page(struct http_connection *connection, int status)
{
	const struct http_connections_calls *calls = &connection->all->calls;
	struct evbuffer *output = bufferevent_get_output(connection->stream);
	CLEANUP(cleanup_json)
	struct json_object *document =
		problem_document(status, calls->explain(calls->context, status), NULL);
	const char *text;

	text = document ? json_object_to_json_string_ext(document, JSON_C_TO_STRING_NOSLASHESCAPE)
			: NULL;
	if (!text)
		return;
	evbuffer_drain(output, evbuffer_get_length(output));
	evbuffer_add_printf(output,
			    "HTTP/1.1 %d %s\r\n"
			    "Content-Type: " PROBLEM_CONTENT_TYPE "\r\n"
			    "Content-Length: %zu\r\n"
			    "Connection: close\r\n"
			    "\r\n%s\n",
			    status, problem_title(status), strlen(text) + 1, text);
}

static void answer_complete(struct evhttp_request *request, void *context)
{
	struct http_connection *connection = context;

	(void)request;
	connection->answering = false;
	connection->lasting = false;
	connection->since_ns = http_now_ns();
	if (!connection->ending)
		return;
	http_tls_end(connection->stream);
	shutdown(bufferevent_getfd(connection->stream), SHUT_RDWR);
}

static void connection_closed(struct evhttp_connection *evhttp, void *context)
{
	struct http_connection *connection = context;

	(void)evhttp;
	http_tls_end(connection->stream);
	if (connection->closed)
		connection->closed(connection->context);
	forget(connection);
}

/* evhttp always has an event callback, and takes it out before it lets go. It
 * has switched reading and writing off then: it closes the descriptor, which
 * must not have events on it while our reference keeps the bufferevent. */
static bool abandoned(const struct http_connection *connection)
{
	bufferevent_event_cb callback = NULL;

	bufferevent_getcb(connection->stream, NULL, NULL, &callback, NULL);
	return !callback;
}

static void forget(struct http_connection *connection)
{
	LIST_REMOVE(connection, link);
	connection->all->count--;
	evbuffer_remove_cb(bufferevent_get_output(connection->stream), output_grew, connection);
	evbuffer_remove_cb(bufferevent_get_input(connection->stream), input_grew, connection);
	bufferevent_decref(connection->stream);
	event_free(connection->rewrite);
	free(connection);
}
