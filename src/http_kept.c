/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that are answered later.
 */
#include "http_kept.h"

#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "daemon.h"
#include "http_connection.h"
#include "http_query.h"
#include "http_request.h"
#include "settings.h"

struct http_kept {
	char *target;
	bool gone; /* the client */
};

static void client_left(void *context)
{
	struct http_request *request = context;

	/* evhttp leaves us what it has taken off the connection. */
	if (!evhttp_request_get_connection(request->evhttp))
		evhttp_request_free(request->evhttp);
	request->evhttp = NULL;
	request->connection = NULL;
	request->kept->gone = true;
}

static struct http_request *copy(struct http_request *request)
{
	struct http_request *kept = malloc(sizeof(*kept));
	struct http_kept *more = calloc(1, sizeof(*more));

	if (more)
		more->target = strdup(http_target(request));
	if (!kept || !more || !more->target) {
		free(kept);
		free(more);
		return NULL;
	}
	*kept = *request;
	kept->kept = more;
	request->query = NULL;
	request->id = NULL;
	return kept;
}

struct http_request *http_keep(struct http_request *request)
{
	struct http_request *kept = copy(request);

	if (!kept) {
		http_refuse(request, 503, "out of memory");
		return NULL;
	}
	http_connection_write_only(kept->connection, true,
				   request->daemon->settings->timeout_seconds);
	http_connection_on_close(kept->connection, client_left, kept);
	return kept;
}

bool http_resume(struct http_request *request)
{
	if (request->kept->gone)
		return false;
	http_connection_on_close(request->connection, NULL, NULL);
	http_connection_write_only(request->connection, false,
				   request->daemon->settings->timeout_seconds);
	return true;
}

void http_release(struct http_request **request)
{
	struct http_request *released = TAKE_PTR(*request);

	if (!released)
		return;
	http_query_free(&released->query);
	free(released->id);
	free(released->kept->target);
	free(released->kept);
	free(released);
}

const char *http_kept_target(const struct http_kept *kept)
{
	return kept->target;
}
