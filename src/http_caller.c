/* SPDX-License-Identifier: Apache-2.0 */
#include "http_caller.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "credentials.h"
#include "daemon.h"
#include "http_access.h"
#include "http_listener.h"
#include "http_request.h"
#include "http_server.h"
#include "http_tls.h"
#include "settings.h"

#define SCHEME "Bearer"
#define REALM SCHEME " realm=\"pepctl\""

static struct bufferevent *stream_of(const struct http_request *request);
static const char *way_name(enum http_way way);
static void find_peer(int fd, struct http_caller *ret);
static void find_address(int fd, struct http_caller *ret);
static int find_token_holder(struct http_request *request, const char *shown);
static bool find_certificate(const struct http_server *server, struct bufferevent *stream,
			     struct http_caller *ret);
static int refuse_stranger(struct http_request *request);
static const struct token *find_token(const struct tokens *tokens, const char *value, size_t size);
static const struct tokens *tokens_of(const struct daemon *daemon);
static void refuse_nobody(struct http_request *request);

void http_caller_of_descriptor(const struct http_server *server, int fd, struct http_caller *ret)
{
	*ret = (struct http_caller){ .way = HTTP_WAY_NOBODY };
	if (server->kind == HTTP_LOCAL)
		find_peer(fd, ret);
	else
		find_address(fd, ret);
}

int http_caller_find(struct http_request *request, const struct http_server *server)
{
	const char *shown;

	if (server->kind == HTTP_LOCAL)
		return 0;
	shown = http_header(request, "Authorization");
	if (shown)
		return find_token_holder(request, shown);
	if (server->kind == HTTP_LOOPBACK ||
	    find_certificate(server, stream_of(request), &request->caller))
		return 0;
	return refuse_stranger(request);
}

static int find_token_holder(struct http_request *request, const char *shown)
{
	struct http_caller *caller = &request->caller;
	const struct token *token;

	token = find_token(tokens_of(request->daemon), shown, strlen(shown));
	if (!token) {
		http_set_header(request, "WWW-Authenticate", REALM ", error=\"invalid_token\"");
		http_refuse(request, 401,
			    "the Authorization header names no token that is valid here: "
			    "it is \"" SCHEME " TOKEN\", see pepctl token");
		return -EPERM;
	}
	caller->way = HTTP_WAY_TOKEN;
	caller->role = token->role;
	memcpy(caller->name, token->name, sizeof(caller->name));
	return 0;
}

int http_caller_check(struct http_request *request)
{
	const struct settings *settings = request->daemon->settings;
	const struct http_caller *caller = &request->caller;

	if (http_access_granted(request->route->access, caller, settings->anonymous))
		return 0;
	if (caller->way == HTTP_WAY_NOBODY) {
		refuse_nobody(request);
		return -EPERM;
	}
	http_set_header(request, "WWW-Authenticate", REALM ", error=\"insufficient_scope\"");
	http_refuse(request, 403, "the %s %s is for looking only: this needs an operator's",
		    way_name(caller->way), caller->name);
	return -EPERM;
}

void http_caller_print(const struct http_caller *caller, char ret[HTTP_CALLER_TEXT])
{
	if (caller->way == HTTP_WAY_SOCKET)
		snprintf(ret, HTTP_CALLER_TEXT, "uid %u, pid %d", caller->uid, caller->pid);
	else if (caller->way == HTTP_WAY_NOBODY)
		snprintf(ret, HTTP_CALLER_TEXT, "nobody known from %s", caller->address);
	else
		snprintf(ret, HTTP_CALLER_TEXT, "the %s %s from %s", way_name(caller->way),
			 caller->name, caller->address);
}

bool http_caller_trusted(void *context, struct bufferevent *stream)
{
	static const char name[] = "Authorization:";
	const struct http_server *server = context;
	char text[HTTP_HEADER_BYTES + 1];
	ev_ssize_t size = evbuffer_copyout(bufferevent_get_input(stream), text, HTTP_HEADER_BYTES);
	struct http_caller caller;
	const struct token *token;
	char *line, *end;

	text[size > 0 ? size : 0] = '\0';
	line = strcasestr(text, name);
	end = line ? strchr(line, '\n') : NULL;
	if (!line)
		return find_certificate(server, stream, &caller) && caller.role == TOKEN_OPERATOR;
	if (!end)
		return false;
	line += strlen(name);
	line += strspn(line, " \t");
	token = find_token(tokens_of(server->http->daemon), line, (size_t)(end - line));
	return token && token->role == TOKEN_OPERATOR;
}

/* The token in the value of an Authorization header; NULL: it names none. */
static const struct token *find_token(const struct tokens *tokens, const char *value, size_t size)
{
	const size_t scheme = strlen(SCHEME);
	size_t start = scheme;

	if (size <= scheme || strncasecmp(value, SCHEME, scheme) != 0 || value[scheme] != ' ')
		return NULL;
	while (start < size && value[start] == ' ')
		start++;
	while (size > start && isspace((unsigned char)value[size - 1]))
		size--;
	return tokens_find(tokens, value + start, size - start);
}

/* Of a certificate that the session has found valid. */
static bool find_certificate(const struct http_server *server, struct bufferevent *stream,
			     struct http_caller *ret)
{
	const struct string_list *operators = &server->http->daemon->settings->tls.operators;

	if (!http_tls_name(stream, ret->name, sizeof(ret->name)))
		return false;
	ret->way = HTTP_WAY_CERTIFICATE;
	ret->role = string_list_contains(operators, ret->name) ? TOKEN_OPERATOR : TOKEN_VIEWER;
	return true;
}

static int refuse_stranger(struct http_request *request)
{
	http_set_header(request, "WWW-Authenticate", REALM);
	http_refuse(request, 401,
		    "every request here needs a token (Authorization: " SCHEME " TOKEN) or a "
		    "certificate of server.tls.client_ca");
	return -EPERM;
}

static const char *way_name(enum http_way way)
{
	return way == HTTP_WAY_CERTIFICATE ? "certificate" : "token";
}

static struct bufferevent *stream_of(const struct http_request *request)
{
	return evhttp_connection_get_bufferevent(evhttp_request_get_connection(request->evhttp));
}

static void find_peer(int fd, struct http_caller *ret)
{
	struct ucred peer = { 0 };
	socklen_t length = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length))
		peer = (struct ucred){ .uid = (uid_t)-1 };
	ret->way = HTTP_WAY_SOCKET;
	ret->uid = peer.uid;
	ret->pid = peer.pid;
}

/* "" when the other side has left already. */
static void find_address(int fd, struct http_caller *ret)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} peer = { 0 };
	socklen_t length = sizeof(peer);
	char host[INET6_ADDRSTRLEN] = "";

	if (getpeername(fd, &peer.any, &length))
		return;
	if (peer.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &peer.in6.sin6_addr, host, sizeof(host));
		snprintf(ret->address, sizeof(ret->address), "[%s]:%u", host,
			 ntohs(peer.in6.sin6_port));
	} else {
		inet_ntop(AF_INET, &peer.in.sin_addr, host, sizeof(host));
		snprintf(ret->address, sizeof(ret->address), "%s:%u", host,
			 ntohs(peer.in.sin_port));
	}
}

/* Where the files could not be read at the start, nobody is let in. */
static const struct tokens *tokens_of(const struct daemon *daemon)
{
	static const struct tokens none;

	return daemon->credentials ? &daemon->credentials->tokens : &none;
}

/* With the line that works, for who may use the socket. */
static void refuse_nobody(struct http_request *request)
{
	const struct settings *settings = request->daemon->settings;
	const struct route *route = request->route;
	const char *uri = evhttp_request_get_uri(request->evhttp);
	const char *socket = "/run/pepctl/pepctl.sock";
	bool tokens = tokens_of(request->daemon)->count > 0;

	for (size_t i = 0; i < settings->listen.count; i++)
		if (http_listener_is_local(settings->listen.string[i]))
			socket = settings->listen.string[i] + strlen(HTTP_LISTENER_UNIX);
	if (tokens)
		http_set_header(request, "WWW-Authenticate", REALM);
	http_refuse(request, tokens ? 401 : 403,
		    "%s; as root or in the group pepctl: "
		    "curl --unix-socket %s -X %s http://localhost%.500s",
		    tokens ? "this needs a token (Authorization: " SCHEME " TOKEN)"
		    : route->access <= HTTP_ACCESS_READ
			    ? "server.anonymous does not allow this here"
			    : "this listener is read-only as long as there are no tokens",
		    socket, route_method_name(route->method), *uri == '/' ? uri : "/");
}
