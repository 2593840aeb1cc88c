/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what: the rules that decide before a request is looked at.
 */
#ifndef HTTP_ACCESS_H
#define HTTP_ACCESS_H

#include <stdbool.h>

#include "settings.h"

struct http_caller;

/* What a route needs, from what the fewest secrets are in to what changes things. */
enum http_access {
	HTTP_ACCESS_METRICS, /* TCP from server.anonymous "metrics" on */
	HTTP_ACCESS_READ, /* TCP from server.anonymous "read" on */
	HTTP_ACCESS_SOCKET, /* the Unix socket or any token, although nothing changes */
	HTTP_ACCESS_WRITE, /* the Unix socket or an operator's token; also who did what */
};

/** Whether somebody may have it; who shows nothing as far as @anonymous says. */
bool http_access_granted(enum http_access needed, const struct http_caller *caller,
			 enum anonymous anonymous);

/**
 * Whether @host, of a Host header or an absolute target, is one that we answer
 * to over TCP: localhost, a literal address, or in @allowed (by name, or by
 * name and port). Anything else could be a web page that made its own name
 * point at 127.0.0.1.
 */
bool http_host_allowed(const char *host, const struct string_list *allowed);

/** Whether a Content-Type, parameters aside, is @wanted. NULL is not. */
bool http_type_is(const char *content_type, const char *wanted);

#endif
