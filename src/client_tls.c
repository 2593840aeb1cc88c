// SPDX-License-Identifier: Apache-2.0
#include "client_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client_endpoint.h"

struct client_tls {
	SSL_CTX *context;
	SSL *session;
};

static int set_files(SSL_CTX *context, const struct client_endpoint *endpoint, char *ret_fault);
static int set_host(SSL *session, const char *host);
static int shake_hands(struct client_tls *tls, const struct client_endpoint *endpoint,
		       char *ret_fault);
static int failure(const struct client_tls *tls, int result);
static const char *reason(void);

int client_tls_open(const struct client_endpoint *endpoint, int fd, struct client_tls **ret,
		    char ret_fault[CLIENT_TLS_FAULT])
{
	CLEANUP(client_tls_free) struct client_tls *tls = calloc(1, sizeof(*tls));
	int result;

	/* OpenSSL writes as to a file. */
	signal(SIGPIPE, SIG_IGN);
	if (tls)
		tls->context = SSL_CTX_new(TLS_client_method());
	if (!tls || !tls->context)
		return -ENOMEM;
	SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
	result = set_files(tls->context, endpoint, ret_fault);
	if (result)
		return result;
	tls->session = SSL_new(tls->context);
	if (!tls->session || !SSL_set_fd(tls->session, fd) ||
	    set_host(tls->session, endpoint->host))
		return -ENOMEM;
	result = shake_hands(tls, endpoint, ret_fault);
	if (!result)
		*ret = TAKE_PTR(tls);
	return result;
}

ssize_t client_tls_send(struct client_tls *tls, const char *data, size_t bytes)
{
	size_t sent = 0;
	int result;

	ERR_clear_error();
	result = SSL_write_ex(tls->session, data, bytes, &sent);
	return result ? (ssize_t)sent : failure(tls, result);
}

ssize_t client_tls_receive(struct client_tls *tls, char *data, size_t bytes)
{
	size_t got = 0;
	int result;

	ERR_clear_error();
	result = SSL_read_ex(tls->session, data, bytes, &got);
	return result ? (ssize_t)got : failure(tls, result);
}

void client_tls_free(struct client_tls **tls)
{
	struct client_tls *freed = TAKE_PTR(*tls);

	if (!freed)
		return;
	SSL_free(freed->session);
	SSL_CTX_free(freed->context);
	free(freed);
}

static int reject(char *ret_fault, const char *what, const char *why)
{
	snprintf(ret_fault, CLIENT_TLS_FAULT, "%s: %s", what, why);
	return -EKEYREJECTED;
}

static int set_files(SSL_CTX *context, const struct client_endpoint *endpoint, char *ret_fault)
{
	const char *key = endpoint->key ? endpoint->key : endpoint->cert;

	if (endpoint->cacert ? SSL_CTX_load_verify_locations(context, endpoint->cacert, NULL) != 1
			     : SSL_CTX_set_default_verify_paths(context) != 1)
		return reject(ret_fault, endpoint->cacert ? endpoint->cacert : "authorities",
			      reason());
	if (endpoint->cert && SSL_CTX_use_certificate_chain_file(context, endpoint->cert) != 1)
		return reject(ret_fault, endpoint->cert, reason());
	if (key && SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		return reject(ret_fault, key, reason());
	return 0;
}

/* An address is in a certificate as such, and nobody is asked for by one. */
static int set_host(SSL *session, const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return !X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host);
	return !SSL_set1_host(session, host) || !SSL_set_tlsext_host_name(session, host);
}

static int shake_hands(struct client_tls *tls, const struct client_endpoint *endpoint,
		       char *ret_fault)
{
	int result, error;
	long verified;

	ERR_clear_error();
	result = SSL_connect(tls->session);
	if (result == 1)
		return 0;
	verified = SSL_get_verify_result(tls->session);
	if (verified != X509_V_OK) {
		snprintf(ret_fault, CLIENT_TLS_FAULT,
			 "the certificate of %.64s is not trusted: %s%s", endpoint->host,
			 X509_verify_cert_error_string(verified),
			 endpoint->cacert ? "" : " (--cacert FILE names its authority)");
		return -EKEYREJECTED;
	}
	error = failure(tls, result);
	return error == -EPROTO ? reject(ret_fault, "TLS", reason()) : error;
}

/* As -errno; 0 is the proper end. */
static int failure(const struct client_tls *tls, int result)
{
	int error = errno;

	switch (SSL_get_error(tls->session, result)) {
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -ETIMEDOUT; /* the socket blocks */
	case SSL_ERROR_SYSCALL:
		return error == EAGAIN ? -ETIMEDOUT : error ? -error : -ECONNRESET;
	default:
		return -EPROTO;
	}
}

/* Of the first error, which is the cause. */
static const char *reason(void)
{
	unsigned long error = ERR_get_error();
	const char *text = ERR_GET_LIB(error) == ERR_LIB_SYS ? strerror(ERR_GET_REASON(error))
							     : ERR_reason_error_string(error);

	return text ? text : "unknown error";
}
