// SPDX-License-Identifier: Apache-2.0
#include "tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "problem.h"

#define POINTER "/server/tls"

struct tls {
	SSL_CTX *context;
};

static int use_certificate(SSL_CTX *context, const struct tls_settings *settings,
			   struct problems *problems);
static int use_client_ca(SSL_CTX *context, const char *path, struct problems *problems);
static void warn_of_files(SSL_CTX *context, const struct tls_settings *settings,
			  struct problems *problems);
static int refuse(struct problems *problems, const char *member, const char *path);
static int no_passphrase(char *text, int size, int writing, void *context);
static int check_client(int good, X509_STORE_CTX *chain);

int tls_load(const struct tls_settings *settings, struct tls **ret, struct problems *problems)
{
	CLEANUP(tls_free) struct tls *tls = calloc(1, sizeof(*tls));
	int error;

	if (tls)
		tls->context = SSL_CTX_new(TLS_server_method());
	if (!tls || !tls->context)
		return -ENOMEM;
	/* Nothing is kept between connections; memory of idle ones is given back. */
	SSL_CTX_set_session_cache_mode(tls->context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(tls->context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_num_tickets(tls->context, 0);
	SSL_CTX_set_mode(tls->context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_default_passwd_cb(tls->context, no_passphrase);
	error = use_certificate(tls->context, settings, problems);
	if (!error && settings->client_ca)
		error = use_client_ca(tls->context, settings->client_ca, problems);
	ERR_clear_error();
	if (error)
		return error;
	warn_of_files(tls->context, settings, problems);
	*ret = TAKE_PTR(tls);
	return 0;
}

void tls_free(struct tls **tls)
{
	struct tls *freed = TAKE_PTR(*tls);

	if (!freed)
		return;
	SSL_CTX_free(freed->context);
	free(freed);
}

struct ssl_st *tls_session(const struct tls *tls, struct tls_watch *watch)
{
	SSL *session = SSL_new(tls->context);

	if (session && !SSL_set_app_data(session, watch)) {
		SSL_free(session);
		return NULL;
	}
	return session;
}

bool tls_peer_name(const struct ssl_st *session, char *ret, size_t size)
{
	X509 *certificate = SSL_get_peer_certificate(session);
	X509_NAME *subject = certificate ? X509_get_subject_name(certificate) : NULL;
	int at = subject ? X509_NAME_get_index_by_NID(subject, NID_commonName, -1) : -1;
	unsigned char *text = NULL;
	bool known = false;
	int length = -1;

	/* Of two names each reader may take another one. */
	if (at >= 0 && SSL_get_verify_result(session) == X509_V_OK &&
	    X509_NAME_get_index_by_NID(subject, NID_commonName, at) < 0)
		length = ASN1_STRING_to_UTF8(
			&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (length > 0 && (size_t)length < size) {
		known = true;
		for (int i = 0; i < length; i++)
			known &= text[i] >= ' ' && text[i] != 0x7f;
		memcpy(ret, text, (size_t)length);
		ret[known ? length : 0] = '\0';
	}
	OPENSSL_free(text);
	X509_free(certificate);
	return known;
}

void tls_say_goodbye(struct ssl_st *session)
{
	if (SSL_is_init_finished(session))
		(void)SSL_shutdown(session); /* whether it is heard does not matter */
	ERR_clear_error();
}

static int use_certificate(SSL_CTX *context, const struct tls_settings *settings,
			   struct problems *problems)
{
	if (SSL_CTX_use_certificate_chain_file(context, settings->cert) != 1)
		return refuse(problems, "cert", settings->cert);
	if (SSL_CTX_use_PrivateKey_file(context, settings->key, SSL_FILETYPE_PEM) != 1)
		return refuse(problems, "key", settings->key);
	return 0;
}

static int use_client_ca(SSL_CTX *context, const char *path, struct problems *problems)
{
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);

	if (!names || SSL_CTX_load_verify_locations(context, path, NULL) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return refuse(problems, "client_ca", path);
	}
	SSL_CTX_set_client_CA_list(context, names);
	/* A token does as well, so that none need be shown; but one that is must be good. */
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, check_client);
	return 0;
}

static void warn_of_files(SSL_CTX *context, const struct tls_settings *settings,
			  struct problems *problems)
{
	const X509 *certificate = SSL_CTX_get0_certificate(context);
	struct stat status;

	if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
		problem_warn(problems, POINTER "/cert", "%s has expired", settings->cert);
	if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
		problem_warn(problems, POINTER "/cert", "%s is not valid yet", settings->cert);
	if (!stat(settings->key, &status) && status.st_mode & S_IRWXO)
		problem_warn(problems, POINTER "/key", "%s can be read by everybody: chmod 0640 it",
			     settings->key);
}

/* The first error of the queue is the cause. */
static int refuse(struct problems *problems, const char *member, const char *path)
{
	unsigned long error = ERR_get_error();
	const char *why = ERR_reason_error_string(error);
	char pointer[64];

	snprintf(pointer, sizeof(pointer), POINTER "/%s", member);
	/* Files that cannot be opened have the system's error for a reason. */
	if (ERR_GET_LIB(error) == ERR_LIB_SYS)
		why = strerror(ERR_GET_REASON(error));
	problem_add(problems, pointer, "%s cannot be used: %s", path, why ? why : "unknown error");
	return -EINVAL;
}

/* Nobody is there to be asked for one. */
static int no_passphrase(char *text, int size, int writing, void *context)
{
	(void)text;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static int check_client(int good, X509_STORE_CTX *chain)
{
	const SSL *session =
		X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
	const struct tls_watch *watch = session ? SSL_get_app_data(session) : NULL;

	if (!good && watch)
		watch->refused(watch->context, SSL_get_fd(session),
			       X509_verify_cert_error_string(X509_STORE_CTX_get_error(chain)));
	return good;
}
