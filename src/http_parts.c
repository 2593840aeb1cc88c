/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that are made while they are sent.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>

#include "cleanup.h"
#include "daemon.h"
#include "http_connection.h"
#include "http_request.h"
#include "http_server.h"
#include "settings.h"

struct sending {
	struct http_parts parts;
	struct evhttp_request *evhttp;
	struct http_connection *connection;
	struct evbuffer *part;
	unsigned int timeout_seconds;
};

static void send_short(struct http_request *request, struct sending *sending);
static void begin(struct http_request *request, struct sending *sending);
static void send_next(struct evhttp_connection *evhttp, void *context);
static void finish(struct sending *sending);
static void client_left(void *context);
static void free_sending(struct sending **sending);

void http_answer_parts(struct http_request *request, const struct http_parts *parts)
{
	CLEANUP(free_sending) struct sending *sending = calloc(1, sizeof(*sending));
	int more;

	if (!sending) {
		parts->release(parts->context);
		http_refuse(request, 503, "out of memory");
		return;
	}
	sending->parts = *parts;
	sending->evhttp = request->evhttp;
	sending->connection = request->connection;
	sending->timeout_seconds = request->daemon->settings->timeout_seconds;
	sending->part = evbuffer_new();
	more = sending->part ? parts->next(parts->context, sending->part) : -ENOMEM;
	if (more < 0)
		http_refuse(request, 503, "out of memory");
	else if (!more)
		send_short(request, sending);
	else
		begin(request, TAKE_PTR(sending));
}

/* What fits in the first part has a Content-Length. */
static void send_short(struct http_request *request, struct sending *sending)
{
	http_answer_text(request, sending->parts.content_type, sending->part);
}

static void begin(struct http_request *request, struct sending *sending)
{
	http_set_header(request, "Content-Type", sending->parts.content_type);
	http_set_header(request, "Cache-Control", "no-store");
	http_set_header(request, "X-Content-Type-Options", "nosniff");
	http_count(request, 200);
	evhttp_send_reply_start(request->evhttp, 200, "OK");
	if (request->head) {
		evhttp_send_reply_end(request->evhttp);
		free_sending(&sending);
		return;
	}
	http_connection_write_only(sending->connection, true, sending->timeout_seconds);
	http_connection_on_close(sending->connection, client_left, sending);
	evhttp_send_reply_chunk_with_cb(request->evhttp, sending->part, send_next, sending);
}

/* Called when what was sent before has left. */
static void send_next(struct evhttp_connection *evhttp, void *context)
{
	struct sending *sending = context;
	int more = sending->parts.next(sending->parts.context, sending->part);

	if (more < 0) {
		/* Too late for an error: an answer that ends early is none. */
		evhttp_connection_free(evhttp);
		return;
	}
	if (more) {
		evhttp_send_reply_chunk_with_cb(sending->evhttp, sending->part, send_next, sending);
		return;
	}
	evhttp_send_reply_chunk(sending->evhttp, sending->part);
	finish(sending);
}

static void finish(struct sending *sending)
{
	http_connection_on_close(sending->connection, NULL, NULL);
	http_connection_write_only(sending->connection, false, sending->timeout_seconds);
	evhttp_send_reply_end(sending->evhttp);
	free_sending(&sending);
}

static void client_left(void *context)
{
	struct sending *sending = context;

	/* evhttp leaves us what it has taken off the connection. */
	if (!evhttp_request_get_connection(sending->evhttp))
		evhttp_request_free(sending->evhttp);
	free_sending(&sending);
}

static void free_sending(struct sending **sending)
{
	if (!*sending)
		return;
	(*sending)->parts.release((*sending)->parts.context);
	if ((*sending)->part)
		evbuffer_free((*sending)->part);
	free(*sending);
	*sending = NULL;
}
