/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the client finds the daemon: the Unix socket, or a URL.
 */
#ifndef CLIENT_ENDPOINT_H
#define CLIENT_ENDPOINT_H

#include <stdbool.h>

/* Where the daemon is: a socket's path, or host and port when host is not "". */
struct client_endpoint {
	const char *socket;
	char host[256];
	char port[6];
	bool tls; /* of a URL */
	const char *cacert, *cert, *key; /* files for that; NULL: the system's authorities, none */
	char token[256]; /* to be shown there; "": none */
};

/**
 * Reads "http://HOST[:PORT][/]" or https; HOST may be an address in brackets.
 * Returns 0 or -EINVAL. The socket stays.
 */
int client_endpoint_parse(const char *url, struct client_endpoint *ret);

/**
 * Reads the token, the first line of @path. Returns 0; -errno; -EINVAL when there is none, or
 * no such thing; -EPERM when it would go to another machine for all to read.
 */
int client_endpoint_read_token(const char *path, struct client_endpoint *ret);

/**
 * Connects, blocking; sending and receiving time out after @timeout_seconds (0:
 * never). Returns 0; -errno; -EHOSTUNREACH when a name cannot be resolved.
 */
int client_endpoint_connect(const struct client_endpoint *endpoint, unsigned int timeout_seconds,
			    int *ret_fd);

#endif
