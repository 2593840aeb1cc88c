/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the client finds the daemon: the Unix socket, or a URL.
 */
#ifndef CLIENT_ENDPOINT_H
#define CLIENT_ENDPOINT_H

/* Where the daemon is: a socket's path, or host and port when host is not "". */
struct client_endpoint {
	const char *socket;
	char host[256];
	char port[6];
};

/**
 * Reads "http://HOST[:PORT][/]"; HOST may be an address in brackets. Returns
 * 0, -EPROTONOSUPPORT for https, -EINVAL for anything else. The socket stays.
 */
int client_endpoint_parse(const char *url, struct client_endpoint *ret);

/**
 * Connects, blocking; sending and receiving time out after @timeout_seconds (0:
 * never). Returns 0; -errno; -EHOSTUNREACH when a name cannot be resolved.
 */
int client_endpoint_connect(const struct client_endpoint *endpoint, unsigned int timeout_seconds,
			    int *ret_fd);

#endif
