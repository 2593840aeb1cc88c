/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS of the listeners: a certificate, and whose certificates callers may
 * show.  Versions and ciphers are those of the system's policy.
 */
#ifndef TLS_H
#define TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "string_list.h"

struct problems;
struct ssl_st; /* OpenSSL's SSL */
struct tls;

/* Paths, NULL: none. Without cert there is no TLS. */
struct tls_settings {
	char *cert, *key;
	char *client_ca; /* whose certificates are valid */
	struct string_list operators; /* common names of those who may do everything */
};

/**
 * Reads the files. What is wrong is noted. Returns 0; -EINVAL (noted); -ENOMEM.
 */
int tls_load(const struct tls_settings *settings, struct tls **ret, struct problems *problems);

/** Frees it; what tls_session() gave goes on. Tolerates NULL. */
void tls_free(struct tls **tls);

/* Who is told of clients whose certificates are not valid. */
struct tls_watch {
	void (*refused)(void *context, int fd, const char *why);
	void *context;
};

/**
 * For one connection that comes in; the caller owns it, and keeps @watch for as long. NULL when
 * out of memory.
 */
struct ssl_st *tls_session(const struct tls *tls, struct tls_watch *watch);

/**
 * The common name of the client's certificate, which is a valid one. False when
 * there is none, or it has not just one such name of printable characters.
 */
bool tls_peer_name(const struct ssl_st *session, char *ret, size_t size);

/** Tells the client that nothing more comes. */
void tls_say_goodbye(struct ssl_st *session);

#endif
