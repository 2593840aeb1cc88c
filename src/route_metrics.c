/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /metrics.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"
#include "daemon.h"
#include "http_request.h"
#include "metrics.h"
#include "settings.h"

static int write_page(struct http_request *request, bool openmetrics, struct evbuffer *page);

static void free_buffer(struct evbuffer **buffer)
{
	if (*buffer)
		evbuffer_free(*buffer);
}

void route_metrics(struct http_request *request)
{
	CLEANUP(free_buffer) struct evbuffer *page = NULL;
	bool openmetrics = metrics_wants_openmetrics(http_header(request, "Accept"));

	if (!request->daemon->settings->metrics_enabled) {
		http_refuse(request, 404, "metrics.enabled is false");
		return;
	}
	page = evbuffer_new();
	if (!page || write_page(request, openmetrics, page)) {
		http_refuse(request, 503, "out of memory");
		return;
	}
	http_set_header(request, "Vary", "Accept");
	http_answer_text(request, openmetrics ? METRICS_TYPE_OPENMETRICS : METRICS_TYPE_TEXT, page);
}

static void free_text(const void *text, size_t bytes, void *context)
{
	(void)bytes;
	(void)context;
	free((void *)text);
}

/* The page is the text itself, not a copy. */
static int write_page(struct http_request *request, bool openmetrics, struct evbuffer *page)
{
	CLEANUP(metrics_data_clear) struct metrics_data data = { 0 };
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(cleanup_file) FILE *out = NULL;
	size_t bytes = 0;

	if (metrics_read(request->http, &data))
		return -ENOMEM;
	out = open_memstream(&text, &bytes);
	if (!out || metrics_write(&data, openmetrics, out))
		return -ENOMEM;
	cleanup_file(&out);
	out = NULL;
	if (evbuffer_add_reference(page, text, bytes, free_text, NULL))
		return -ENOMEM;
	(void)TAKE_PTR(text);
	return 0;
}
