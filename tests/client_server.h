/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server for tests of the client: a child that answers one request after the
 * other on a Unix socket with what it was told, and keeps what it was asked.
 */
#ifndef CLIENT_SERVER_H
#define CLIENT_SERVER_H

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

struct client_server {
	char directory[PATH_MAX / 2];
	char socket[PATH_MAX];
	char requests[PATH_MAX]; /* the file of what was asked */
	pid_t child;
};

/* An answer, sent byte for byte. */
struct canned {
	const char *text;
	size_t bytes; /* 0: to the end of the text */
};

/** Starts it; it listens when this returns. Fails the test when it cannot. */
void client_server_start(struct client_server *server, const struct canned *answers, size_t count);

/** All that was asked, heads and bodies; the caller frees it. */
char *client_server_requests(const struct client_server *server);

/** Ends it and removes its files. */
void client_server_stop(struct client_server *server);

/* The head of an answer that ends with the connection. */
#define ANSWER(status, type) "HTTP/1.1 " status "\r\nContent-Type: " type "\r\n\r\n"
#define ANSWER_JSON ANSWER("200 OK", "application/json")
#define ANSWER_PROBLEM(status) ANSWER(status, "application/problem+json")

#endif
