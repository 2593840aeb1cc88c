/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From evhttp's request to the route's: what is checked before a route is
 * asked, in this order: is it a request at all, is it meant for us, who asks,
 * does it exist, may that one have it.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "daemon.h"
#include "heap.h"
#include "http_connection.h"
#include "http_query.h"
#include "http_request.h"
#include "http_server.h"
#include "log.h"

#define LARGE_BODY (256 * 1024)
#define LIST_PARAMETER "id" /* may be given several times */
#define NOT_OURS                                                                                   \
	"the %s must be localhost, an address, or one of server.allowed_hosts, not '%.100s'"

static const struct {
	enum evhttp_cmd_type type;
	enum route_method method;
} methods[] = {
	{ EVHTTP_REQ_GET, ROUTE_GET },	   { EVHTTP_REQ_HEAD, ROUTE_GET },
	{ EVHTTP_REQ_POST, ROUTE_POST },   { EVHTTP_REQ_PUT, ROUTE_PUT },
	{ EVHTTP_REQ_PATCH, ROUTE_PATCH }, { EVHTTP_REQ_DELETE, ROUTE_DELETE },
};

static void serve(struct http_request *request, const struct http_server *server);
static int check_framing(struct http_request *request);
static int refuse_connect(struct http_request *request);
static int check_host(struct http_request *request, const struct http_server *server);
static enum route_method method_of(enum evhttp_cmd_type type);
static int find_route(struct http_request *request);
static int decode_variable(struct http_request *request, const struct route_match *match);
static int check_type(struct http_request *request, const struct http_server *server);
static int check_query(struct http_request *request);
static bool headers_have_names(const struct http_request *request);
static size_t count_headers(const struct http_request *request, const char *name);

void http_serve(struct evhttp_request *evhttp, void *context)
{
	struct http_server *server = context;
	bool large = evbuffer_get_length(evhttp_request_get_input_buffer(evhttp)) > LARGE_BODY;
	struct http_request request = {
		.http = server->http,
		.daemon = server->http->daemon,
		.evhttp = evhttp,
		.began_ns = http_now_ns(),
		.method = method_of(evhttp_request_get_command(evhttp)),
		.head = evhttp_request_get_command(evhttp) == EVHTTP_REQ_HEAD,
	};
	struct evhttp_connection *connection = evhttp_request_get_connection(evhttp);

	request.connection = http_connection_claim(server->connections, evhttp);
	if (!request.connection) {
		/* There was no memory when it came. */
		evhttp_send_error(evhttp, HTTP_SERVUNAVAIL, NULL);
		return;
	}
	http_caller_of_descriptor(server,
				  bufferevent_getfd(evhttp_connection_get_bufferevent(connection)),
				  &request.caller);
	serve(&request, server);
	http_query_free(&request.query);
	free(request.id);
	if (large) {
		heap_trim();
		server->http->trim = true; /* what was not read of it goes with the answer */
	}
}

void http_count_status(struct http *http, const char *route, const char *method, int status)
{
	struct http_tally *tallies;

	for (size_t i = 0; i < http->tally_count; i++) {
		struct http_tally *tally = &http->tallies[i];

		if (tally->status == status && !strcmp(tally->route, route) &&
		    !strcmp(tally->method, method)) {
			tally->requests++;
			return;
		}
	}
	tallies = reallocarray(http->tallies, http->tally_count + 1, sizeof(*tallies));
	if (!tallies)
		return;
	http->tallies = tallies;
	tallies[http->tally_count++] = (struct http_tally){
		.route = route,
		.method = method,
		.status = status,
		.requests = 1,
	};
}

uint64_t http_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * HTTP_NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

int64_t http_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void serve(struct http_request *request, const struct http_server *server)
{
	const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request->evhttp));

	if (check_framing(request) || refuse_connect(request) || check_host(request, server) ||
	    http_caller_find(request, server) || find_route(request) ||
	    http_caller_check(request) || check_type(request, server))
		return;
	if (http_query_parse(query, &request->query)) {
		http_refuse(request, 400, "the query of the URL is malformed");
		return;
	}
	if (check_query(request))
		return;
	request->route->answer(request);
}

/* What could make us and the client disagree on where a request ends: refused,
 * and the connection with it. */
static int check_framing(struct http_request *request)
{
	const char *length = http_header(request, "Content-Length");
	const char *coding = http_header(request, "Transfer-Encoding");
	bool bodyless = evhttp_request_get_command(request->evhttp) &
			(EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_DELETE);
	const char *wrong = NULL;

	if (!headers_have_names(request))
		wrong = "a header's name is not a word with a colon right behind it";
	else if (count_headers(request, "Content-Length") > 1)
		wrong = "the length of the body is given twice";
	else if (length && coding)
		wrong = "Content-Length and Transfer-Encoding contradict each other";
	else if (length && length[strspn(length, "0123456789")])
		wrong = "Content-Length is not a plain number";
	else if (coding && strcasecmp(coding, "chunked"))
		wrong = "the only Transfer-Encoding that is understood is chunked";
	else if (bodyless && (coding || (length && strcmp(length, "0"))))
		wrong = "GET, HEAD and DELETE take no body";
	else if (count_headers(request, "Host") > 1)
		wrong = "there is more than one Host header";
	else if (!http_header(request, "Host") && request->evhttp->minor)
		wrong = "HTTP/1.1 needs a Host header";
	else if (count_headers(request, "Authorization") > 1)
		wrong = "there is more than one Authorization header";
	if (!wrong)
		return 0;
	http_set_header(request, "Connection", "close");
	http_refuse(request, 400, "%s", wrong);
	return -EBADMSG;
}

/* What follows it is no request, and evhttp would keep the connection whatever is answered. */
static int refuse_connect(struct http_request *request)
{
	if (evhttp_request_get_command(request->evhttp) != EVHTTP_REQ_CONNECT)
		return 0;
	http_connection_end(request->connection);
	http_set_header(request, "Connection", "close");
	http_refuse(request, 501, "the method is not known here: this is no proxy");
	return -ENOSYS;
}

/* Over TCP anything but a name of ours could be a web page that made its own
 * name point here. The Unix socket is out of a browser's reach. */
static int check_host(struct http_request *request, const struct http_server *server)
{
	const struct string_list *allowed = &request->daemon->settings->allowed_hosts;
	const char *target = evhttp_uri_get_host(evhttp_request_get_evhttp_uri(request->evhttp));
	const char *host = http_header(request, "Host");

	if (server->kind == HTTP_LOCAL)
		return 0;
	if (!http_host_allowed(host, allowed)) {
		http_refuse(request, 421, NOT_OURS, "Host header", host ? host : "");
		return -EPERM;
	}
	/* "//policies" has a host, too, and no path. */
	if (!target || http_host_allowed(target, allowed))
		return 0;
	http_refuse(request, 421, NOT_OURS, "host in the URL", target);
	return -EPERM;
}

static enum route_method method_of(enum evhttp_cmd_type type)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (methods[i].type == type)
			return methods[i].method;
	return ROUTE_METHODS;
}

static int find_route(struct http_request *request)
{
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request->evhttp));
	enum evhttp_cmd_type type = evhttp_request_get_command(request->evhttp);
	struct route_match match;
	char allow[64];

	if (request->method == ROUTE_METHODS && !(type & (EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE))) {
		http_refuse(request, 501, "the method is not known here");
		return -ENOSYS;
	}
	route_find(path ? path : "", request->method, &match);
	if (!match.pattern) {
		http_refuse(request, 404, "there is no %.200s here",
			    path && *path ? path : http_target(request));
		return -ENOENT;
	}
	if (!match.route) {
		route_allow(match.methods, allow, sizeof(allow));
		http_set_header(request, "Allow", allow);
		http_refuse(request, 405, "%s takes %s", match.pattern, allow);
		return -EPERM;
	}
	request->route = match.route;
	return match.variable ? decode_variable(request, &match) : 0;
}

static int decode_variable(struct http_request *request, const struct route_match *match)
{
	CLEANUP(cleanup_free) char *variable = strndup(match->variable, match->variable_length);
	size_t length = 0;
	char *decoded = variable ? evhttp_uridecode(variable, 0, &length) : NULL;

	request->id = decoded;
	if (decoded && strlen(decoded) == length)
		return 0;
	http_refuse(request, decoded ? 400 : 503, "the path cannot be decoded");
	return -EINVAL;
}

/* A form of a web page cannot send application/json. Over the Unix socket,
 * where curl says what it says by default, JSON is taken without. */
static int check_type(struct http_request *request, const struct http_server *server)
{
	const char *wanted = request->method == ROUTE_PATCH ? "application/merge-patch+json"
							    : "application/json";
	const char *coding = http_header(request, "Content-Encoding");

	if (request->method == ROUTE_GET || request->method == ROUTE_DELETE)
		return 0;
	if (coding && strcasecmp(coding, "identity"))
		http_refuse(request, 415, "Content-Encoding %.50s is not understood", coding);
	else if (server->kind != HTTP_LOCAL &&
		 !http_type_is(http_header(request, "Content-Type"), wanted))
		http_refuse(request, 415, "this needs Content-Type: %s", wanted);
	else
		return 0;
	return -EINVAL;
}

/* A parameter that is not known is a mistake, "DELETE /policies?ids=a", as is one of which
 * only the first would count. */
static int check_query(struct http_request *request)
{
	const char *known = request->route->parameters;
	const char *unknown = http_query_unknown(request->query, known);
	const char *repeated = http_query_repeated(request->query, LIST_PARAMETER);

	if (!unknown && !repeated)
		return 0;
	if (!unknown)
		http_refuse(request, 400, "the parameter '%.100s' is given more than once",
			    repeated);
	else
		http_refuse(request, 400, "there is no parameter '%.100s' here%s%s", unknown,
			    known ? "; known: " : "", known ? known : "");
	return -EINVAL;
}

/* "Content-Length : 3" is another header to evhttp, and may be the length to who sent it. */
static bool headers_have_names(const struct http_request *request)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"; /* RFC 9110, 5.6.2 */
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(request->evhttp);
	const struct evkeyval *header;

	for (header = headers->tqh_first; header; header = header->next.tqe_next) {
		if (!*header->key || header->key[strspn(header->key, token)])
			return false;
	}
	return true;
}

static size_t count_headers(const struct http_request *request, const char *name)
{
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(request->evhttp);
	const struct evkeyval *header;
	size_t count = 0;

	for (header = headers->tqh_first; header; header = header->next.tqe_next)
		count += !strcasecmp(header->key, name);
	return count;
}
