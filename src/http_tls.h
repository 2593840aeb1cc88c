/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections with TLS, for listeners off loopback.
 */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include <stdbool.h>
#include <stddef.h>

struct bufferevent;
struct event_base;

/**
 * A stream for a connection that comes in; @context is the struct http_server.
 * NULL when out of memory.
 */
struct bufferevent *http_tls_open(struct event_base *base, void *context);

/** The name in the valid certificate that the client has shown; false: none. */
bool http_tls_name(struct bufferevent *stream, char *ret, size_t size);

/** Says before the end that it is one, if it is a stream with TLS. */
void http_tls_end(struct bufferevent *stream);

#endif
