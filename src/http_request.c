/* SPDX-License-Identifier: Apache-2.0 */
#include "http_request.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "http_audit.h"
#include "http_connection.h"
#include "http_kept.h"
#include "http_query.h"
#include "http_server.h"
#include "json.h"
#include "json_cleanup.h"
#include "number.h"
#include "problem.h"
#include "problem_document.h"

#define RETRY_AFTER_SECONDS "5"

static void send_json(struct http_request *request, int status, const char *content_type,
		      struct json_object *json);
static void send_body(struct http_request *request, int status, struct evbuffer *body);

static void free_buffer(struct evbuffer **buffer)
{
	if (*buffer)
		evbuffer_free(*buffer);
}

const char *http_target(const struct http_request *request)
{
	return request->kept ? http_kept_target(request->kept)
			     : evhttp_request_get_uri(request->evhttp);
}

const char *http_method(const struct http_request *request)
{
	if (request->head)
		return "HEAD";
	return request->method < ROUTE_METHODS ? route_method_name(request->method) : "other";
}

const char *http_header(const struct http_request *request, const char *name)
{
	return evhttp_find_header(evhttp_request_get_input_headers(request->evhttp), name);
}

const char *http_parameter(const struct http_request *request, const char *name, size_t n)
{
	return http_query_value(request->query, name, n);
}

int http_flag(struct http_request *request, const char *name, bool *ret)
{
	const char *value = http_parameter(request, name, 0);

	if (value && strcmp(value, "true") && strcmp(value, "false")) {
		http_refuse(request, 400, "%s is true or false, not '%.100s'", name, value);
		return -EINVAL;
	}
	*ret = value && !strcmp(value, "true");
	return 0;
}

int http_seconds(struct http_request *request, const char *name, uint32_t most, uint32_t *ret)
{
	const char *value = http_parameter(request, name, 0);
	uint64_t seconds = 0;

	if (value && (number_parse(value, most, &seconds) || !seconds)) {
		http_refuse(request, 400,
			    "%s is a whole number of seconds from 1 to %u, not '%.100s'", name,
			    most, value);
		return -EINVAL;
	}
	*ret = (uint32_t)seconds;
	return 0;
}

int http_take_body(struct http_request *request, struct evbuffer **ret)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(request->evhttp);
	struct evbuffer *taken;

	if (!evbuffer_get_length(body)) {
		http_refuse(request, 400, "there is no body");
		return -EBADMSG;
	}
	taken = evbuffer_new();
	if (!taken || evbuffer_add_buffer(taken, body)) {
		free_buffer(&taken);
		http_refuse(request, 503, "out of memory");
		return -ENOMEM;
	}
	*ret = taken;
	return 0;
}

void http_set_header(struct http_request *request, const char *name, const char *value)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request->evhttp);

	evhttp_remove_header(headers, name);
	evhttp_add_header(headers, name, value);
}

void http_answer(struct http_request *request, int status, struct json_object *json)
{
	CLEANUP(cleanup_json) struct json_object *owned = json;

	http_audit_answer(request, json ? status : 503);
	if (json)
		send_json(request, status, "application/json", owned);
	else
		http_refuse(request, 503, "out of memory");
}

void http_answer_text(struct http_request *request, const char *content_type, struct evbuffer *body)
{
	http_set_header(request, "Content-Type", content_type);
	send_body(request, 200, body);
}

void http_refuse(struct http_request *request, int status, const char *format, ...)
{
	CLEANUP(cleanup_free) char *detail = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&detail, format, arguments) < 0)
		detail = NULL;
	va_end(arguments);
	http_refuse_all(request, status, NULL, detail);
}

void http_refuse_all(struct http_request *request, int status, const struct problems *problems,
		     const char *detail)
{
	CLEANUP(cleanup_json)
	struct json_object *document = problem_document(status, detail, problems);

	http_audit_refusal(request, status, detail, problems);
	if (status == 503)
		http_set_header(request, "Retry-After", RETRY_AFTER_SECONDS);
	if (document) {
		send_json(request, status, PROBLEM_CONTENT_TYPE, document);
		return;
	}
	http_set_header(request, "Retry-After", RETRY_AFTER_SECONDS);
	send_body(request, 503, NULL);
}

void http_count(struct http_request *request, int status)
{
	const struct route *route = request->route;

	histogram_observe(&request->http->request_durations, http_now_ns() - request->began_ns);
	http_count_status(request->http, route ? route->pattern : HTTP_ROUTE_NONE,
			  http_method(request), status);
}

static void send_json(struct http_request *request, int status, const char *content_type,
		      struct json_object *json)
{
	CLEANUP(free_buffer) struct evbuffer *body = evbuffer_new();
	const char *text = json_object_to_json_string_ext(
		json,
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!body || !text || evbuffer_add_printf(body, "%s\n", text) < 0) {
		http_set_header(request, "Retry-After", RETRY_AFTER_SECONDS);
		send_body(request, 503, NULL);
		return;
	}
	http_set_header(request, "Content-Type", content_type);
	send_body(request, status, body);
}

/* evhttp would send a body with the answer to HEAD, and no length. */
static void send_body(struct http_request *request, int status, struct evbuffer *body)
{
	char length[24];

	http_set_header(request, "Cache-Control", "no-store");
	http_set_header(request, "X-Content-Type-Options", "nosniff");
	if (request->head) {
		snprintf(length, sizeof(length), "%zu", body ? evbuffer_get_length(body) : 0);
		http_set_header(request, "Content-Length", length);
	}
	http_count(request, status);
	evhttp_send_reply(request->evhttp, status,
			  status >= 400	  ? problem_title(status)
			  : status == 201 ? "Created"
					  : "OK",
			  request->head ? NULL : body);
}
