/* SPDX-License-Identifier: Apache-2.0 */
#include "http_tls.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>

#include "credentials.h"
#include "daemon.h"
#include "http_server.h"
#include "tls.h"

struct bufferevent *http_tls_open(struct event_base *base, void *context)
{
	const struct daemon *daemon = ((const struct http_server *)context)->http->daemon;
	struct ssl_st *session = NULL;
	struct bufferevent *stream;

	if (daemon->credentials && daemon->credentials->tls)
		session = tls_session(daemon->credentials->tls);
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
