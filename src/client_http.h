/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of HTTP/1.1: one request over the daemon's Unix socket or
 * TCP, blocking.  (evhttp's client closes a Unix socket that it is given and
 * connects by TCP instead, up to and including libevent 2.1.)
 */
#ifndef CLIENT_HTTP_H
#define CLIENT_HTTP_H

#include <stddef.h>

#include "client_tls.h"

struct client_endpoint;

/** Gets a part of a body as it arrives; anything but 0 ends the exchange and is its result. */
typedef int (*client_http_sink)(void *context, const char *data, size_t bytes);

struct client_http_request {
	const char *method;
	const char *target; /* path and query, encoded */
	const char *headers; /* more of them, each with its line end; NULL: none */
	const char *content_type; /* of the body; NULL: no body */
	const char *body;
	size_t body_bytes;
	unsigned int timeout_seconds; /* without a byte; 0: wait for ever */
	client_http_sink sink; /* for the body of a 200; NULL: it is collected */
	void *context;
};

struct client_http_reply {
	unsigned int status;
	char content_type[64]; /* without parameters, "" unknown */
	char *body; /* always terminated */
	size_t body_bytes;
	char fault[CLIENT_TLS_FAULT]; /* what is wrong with TLS, for -EKEYREJECTED */
};

/**
 * Sends @request and reads the answer, whatever its status. Release @ret with
 * client_http_reply_clear(). Returns 0; -errno of connecting (as
 * client_endpoint_connect()), sending or receiving; -ETIMEDOUT; -EKEYREJECTED with the
 * fault in @ret, when TLS cannot be begun; -EBADMSG when
 * the answer is not HTTP or ends too early; what the sink gave.
 */
int client_http_exchange(const struct client_endpoint *endpoint,
			 const struct client_http_request *request, struct client_http_reply *ret);

/** Frees what a reply holds. */
void client_http_reply_clear(struct client_http_reply *reply);

#endif
