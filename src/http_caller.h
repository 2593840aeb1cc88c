/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks: by the socket's peer credentials, or by the token or certificate
 * that is shown.
 */
#ifndef HTTP_CALLER_H
#define HTTP_CALLER_H

#include <stddef.h>
#include <sys/types.h>

#include "token.h"

struct bufferevent;
struct http_request;
struct http_server;

enum http_way {
	HTTP_WAY_SOCKET, /* the Unix socket, with uid and pid */
	HTTP_WAY_NOBODY, /* TCP, and nothing was shown */
	HTTP_WAY_TOKEN, /* TCP, with name and role */
	HTTP_WAY_CERTIFICATE, /* the same, by TLS */
};

#define HTTP_CALLER_ADDRESS 64
#define HTTP_CALLER_TEXT (TOKEN_NAME_MAX + HTTP_CALLER_ADDRESS + 32)

struct http_caller {
	enum http_way way;
	enum token_role role;
	char name[TOKEN_NAME_MAX + 1]; /* of the token or certificate */
	char address[HTTP_CALLER_ADDRESS]; /* "192.0.2.1:4711"; "" for the Unix socket */
	uid_t uid;
	pid_t pid;
};

/** What is known from the connection alone: peer credentials, or the address and nobody. */
void http_caller_of_descriptor(const struct http_server *server, int fd, struct http_caller *ret);

/**
 * Finds out the rest. What is shown and not valid is answered with 401, also where
 * nothing would have had to be shown. Returns 0, or -errno when it has answered.
 */
int http_caller_find(struct http_request *request, const struct http_server *server);

/** Whether that one may have the request's route; otherwise answers with 401 or 403. 0 or -EPERM. */
int http_caller_check(struct http_request *request);

/** "uid 0, pid 17", "the token ci from 192.0.2.1:4711". */
void http_caller_print(const struct http_caller *caller, char ret[HTTP_CALLER_TEXT]);

/**
 * Whether the headers that wait in @stream, as far as they have come, or its certificate show an
 * operator; @context is the struct http_server. It lets a long body in, and nobody do anything.
 */
bool http_caller_trusted(void *context, struct bufferevent *stream);

#endif
