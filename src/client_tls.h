/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of TLS: one connection, blocking.  The daemon's certificate
 * is always checked.
 */
#ifndef CLIENT_TLS_H
#define CLIENT_TLS_H

#include <stddef.h>
#include <sys/types.h>

struct client_endpoint;
struct client_tls;

#define CLIENT_TLS_FAULT 192

/**
 * Begins it on a connected socket, which stays the caller's. Returns 0; -ENOMEM;
 * -ETIMEDOUT; -EKEYREJECTED with the reason in @ret_fault.
 */
int client_tls_open(const struct client_endpoint *endpoint, int fd, struct client_tls **ret,
		    char ret_fault[CLIENT_TLS_FAULT]);

/** As send() and recv(), with -errno. */
ssize_t client_tls_send(struct client_tls *tls, const char *data, size_t bytes);
ssize_t client_tls_receive(struct client_tls *tls, char *data, size_t bytes);

/** Tolerates NULL. */
void client_tls_free(struct client_tls **tls);

#endif
