/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /stats.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <time.h>

#include "cleanup.h"
#include "daemon.h"
#include "datapath.h"
#include "datapath_counters.h"
#include "history.h"
#include "http_json.h"
#include "http_policy_counts.h"
#include "http_request.h"
#include "http_server.h"
#include "http_sse.h"
#include "http_traffic.h"
#include "json_cleanup.h"
#include "policyset.h"
#include "settings.h"

#define LAST_MINUTE_ROWS 10

static struct json_object *stats_json(struct http *http);
static int add_totals(struct json_object *json, const struct daemon *daemon,
		      const struct http_traffic *traffic);
static struct json_object *interfaces_json(const struct http *http);
static int add_policies(struct json_object *json, const struct daemon *daemon,
			const struct http_policy_counts *counts);
static struct json_object *count_json(const struct daemon *daemon,
				      const struct http_policy_count *count);
static int add_datapath(struct json_object *json, const struct http *http);
static struct json_object *last_minute_json(const struct history *history);

void route_stats(struct http_request *request)
{
	http_answer(request, 200, stats_json(request->http));
}

static struct json_object *stats_json(struct http *http)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();
	CLEANUP(http_policy_counts_clear) struct http_policy_counts counts = { 0 };
	const struct daemon *daemon = http->daemon;
	struct http_traffic traffic;

	if (!json || http_traffic(http, &traffic) ||
	    http_policy_counts_top(daemon, daemon->settings->metrics_policies, &counts) ||
	    add_totals(json, daemon, &traffic) ||
	    json_add_number(json, "packets_logged", counts.logged) ||
	    json_add(json, "verdicts", http_traffic_json(traffic.outcome)) ||
	    json_add(json, "interfaces", interfaces_json(http)) ||
	    add_policies(json, daemon, &counts) || add_datapath(json, http) ||
	    json_add(json, "last_minute", last_minute_json(daemon->history)))
		return NULL;
	return TAKE_PTR(json);
}

/* What the original pepctl had, by its names. */
static int add_totals(struct json_object *json, const struct daemon *daemon,
		      const struct http_traffic *traffic)
{
	struct timespec now;
	uint64_t now_ns;

	clock_gettime(CLOCK_BOOTTIME, &now);
	now_ns = (uint64_t)now.tv_sec * HTTP_NS_PER_SECOND + (uint64_t)now.tv_nsec;
	if (json_add_number(json, "uptime_seconds",
			    (now_ns - daemon->started_ns) / HTTP_NS_PER_SECOND) ||
	    json_add_number(json, "policies_count", daemon->set->count) ||
	    json_add_number(json, "packets_processed", traffic->packets) ||
	    json_add_number(json, "bytes_processed", traffic->bytes) ||
	    json_add_number(json, "packets_allowed", traffic->allowed) ||
	    json_add_number(json, "packets_blocked", traffic->blocked) ||
	    json_add_number(json, "packets_rate_limited", traffic->rate_limited))
		return -ENOMEM;
	return 0;
}

static struct json_object *interfaces_json(const struct http *http)
{
	static const char *const directions[PEP_DIRECTIONS] = { "ingress", "egress" };
	CLEANUP(cleanup_json) struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < http->interface_count; i++) {
		const char *name = http->interface_names[i];
		struct json_object *json = json_object_new_object();

		if (json_append(array, json) || json_add_text(json, "name", name))
			return NULL;
		for (int j = 0; j < PEP_DIRECTIONS; j++) {
			struct pep_tally outcome[PEP_OUTCOME_MAX];

			datapath_interface_tally(http->daemon->datapath, name,
						 (enum pep_direction)j, outcome);
			if (json_add(json, directions[j], http_traffic_json(outcome)))
				return NULL;
		}
	}
	return TAKE_PTR(array);
}

/* The most often matched first, as many as are metrics. */
static int add_policies(struct json_object *json, const struct daemon *daemon,
			const struct http_policy_counts *counts)
{
	struct json_object *array = json_object_new_array();

	if (json_add(json, "policies", array))
		return -ENOMEM;
	for (size_t i = 0; i < counts->count; i++)
		if (json_append(array, count_json(daemon, &counts->of[i])))
			return -ENOMEM;
	return json_add_number(json, "policies_left_out", counts->left_out);
}

static struct json_object *count_json(const struct daemon *daemon,
				      const struct http_policy_count *count)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();
	const struct pep_counters *counters = &count->counters;

	if (!json || json_add_text(json, "id", daemon->set->policy[count->index]->id) ||
	    json_add_number(json, "packets", counters->packets) ||
	    json_add_number(json, "bytes", counters->bytes) ||
	    json_add_number(json, "dropped_packets", counters->dropped_packets) ||
	    json_add_number(json, "dropped_bytes", counters->dropped_bytes))
		return NULL;
	return TAKE_PTR(json);
}

static struct json_object *costliest_json(const struct datapath *datapath)
{
	CLEANUP(cleanup_json) struct json_object *array = json_object_new_array();
	const char *id[3];
	size_t count = datapath_costliest(datapath, id, ARRAY_SIZE(id));

	for (size_t i = 0; array && i < count; i++) {
		if (json_append(array, json_object_new_string(id[i])))
			return NULL;
	}
	return TAKE_PTR(array);
}

/* What the kernel holds for policies. */
static int add_memory(struct json_object *json, const struct datapath *datapath)
{
	struct datapath_memory memory;

	datapath_memory(datapath, &memory);
	if (json_add_number(json, "slots", memory.slots) ||
	    json_add_number(json, "slot_bytes", memory.slot_bytes) ||
	    json_add_number(json, "counter_bytes", memory.counter_bytes) ||
	    json_add_number(json, "limit_bytes", memory.limit_bytes) ||
	    json_add_number(json, "image_map_bytes", memory.image_bytes))
		return -ENOMEM;
	return 0;
}

static int add_datapath(struct json_object *json, const struct http *http)
{
	const struct datapath *datapath = http->daemon->datapath;
	struct json_object *events = json_object_new_object();
	struct json_object *cache = json_object_new_object();
	struct datapath_figures figures;
	struct pep_totals totals;

	datapath_figures(datapath, &figures);
	datapath_totals(datapath, &totals);
	if (json_add(json, "events", events)) {
		json_object_put(cache);
		return -ENOMEM;
	}
	if (json_add(json, "flow_cache", cache) ||
	    json_add_number(events, "lost", totals.events_lost) ||
	    json_add_number(events, "suppressed", totals.events_suppressed) ||
	    json_add_number(events, "readers", sse_readers_count(http->events)) ||
	    json_add_number(cache, "hits", totals.cache_hits) ||
	    json_add_number(cache, "misses", totals.cache_misses) ||
	    json_add_number(json, "limit_races", totals.limit_races) ||
	    json_add_number(json, "generation", figures.generation) ||
	    json_add_number(json, "rules", figures.rules) ||
	    json_add_number(json, "image_bytes", figures.image_bytes) ||
	    add_memory(json, datapath) ||
	    json_add_number(json, "overlay_policies", figures.overlay_policies) ||
	    json_add_number(json, "worst_compares", figures.worst_compares) ||
	    json_add_number(json, "worst_live_compares", figures.worst_live) ||
	    json_add(json, "costliest_policies", costliest_json(datapath)))
		return -ENOMEM;
	return 0;
}

static struct json_object *rows_json(const struct history_row *rows, size_t count, const char *key)
{
	CLEANUP(cleanup_json) struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < count; i++) {
		struct json_object *row = json_object_new_object();

		if (json_append(array, row) || json_add_text(row, key, rows[i].name) ||
		    json_add_number(row, "packets", rows[i].packets))
			return NULL;
	}
	return TAKE_PTR(array);
}

static struct json_object *last_minute_json(const struct history *history)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();
	struct history_row rows[LAST_MINUTE_ROWS];
	size_t count = history_top_reasons(history, rows, ARRAY_SIZE(rows));

	if (!json || json_add(json, "drop_reasons", rows_json(rows, count, "reason")))
		return NULL;
	count = history_top_policies(history, rows, ARRAY_SIZE(rows));
	if (json_add(json, "policies", rows_json(rows, count, "id")))
		return NULL;
	return TAKE_PTR(json);
}
