/* SPDX-License-Identifier: Apache-2.0 */
#include "http_tls.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <stdio.h>

#include "credentials.h"
#include "daemon.h"
#include "http_audit.h"
#include "http_server.h"
#include "tls.h"

static void note_refused(void *context, int fd, const char *why)
{
	char error[128];

	snprintf(error, sizeof(error), "the client's certificate is not valid: %s", why);
	http_audit_connection(context, fd, 0, error);
}

struct bufferevent *http_tls_open(struct event_base *base, void *context)
{
	struct http_server *server = context;
	const struct daemon *daemon = server->http->daemon;
	struct ssl_st *session = NULL;
	struct bufferevent *stream;

	server->watch = (struct tls_watch){ note_refused, server };
	if (daemon->credentials && daemon->credentials->tls)
		session = tls_session(daemon->credentials->tls, &server->watch);
	if (!session)
		return NULL;
	/* The session and the socket end with it, or it would leave the session behind. */
	stream = bufferevent_openssl_socket_new(base, -1, session, BUFFEREVENT_SSL_ACCEPTING,
						BEV_OPT_CLOSE_ON_FREE);
	if (stream)
		bufferevent_openssl_set_allow_dirty_shutdown(stream, 1);
	return stream;
}

bool http_tls_name(struct bufferevent *stream, char *ret, size_t size)
{
	const struct ssl_st *session = bufferevent_openssl_get_ssl(stream);

	return session && tls_peer_name(session, ret, size);
}

void http_tls_end(struct bufferevent *stream)
{
	struct ssl_st *session = bufferevent_openssl_get_ssl(stream);

	if (session)
		tls_say_goodbye(session);
}
