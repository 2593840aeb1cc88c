/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /metrics.
 */
#include <event2/buffer.h>

#include "cleanup.h"
#include "daemon.h"
#include "http_request.h"
#include "metrics.h"
#include "settings.h"

static void free_buffer(struct evbuffer **buffer)
{
	if (*buffer)
		evbuffer_free(*buffer);
}

void route_metrics(struct http_request *request)
{
	CLEANUP(metrics_data_clear) struct metrics_data data = { 0 };
	CLEANUP(free_buffer) struct evbuffer *page = NULL;
	bool openmetrics = metrics_wants_openmetrics(http_header(request, "Accept"));

	if (!request->daemon->settings->metrics_enabled) {
		http_refuse(request, 404, "metrics.enabled is false");
		return;
	}
	page = evbuffer_new();
	if (!page || metrics_read(request->http, &data) ||
	    metrics_write(&data, openmetrics, page)) {
		http_refuse(request, 503, "out of memory");
		return;
	}
	http_set_header(request, "Vary", "Accept");
	http_answer_text(request, openmetrics ? METRICS_TYPE_OPENMETRICS : METRICS_TYPE_TEXT, page);
}
