/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /health.
 */
#include <config.h>

#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <time.h>

#include "attach.h"
#include "change_answer.h"
#include "cleanup.h"
#include "daemon.h"
#include "datapath.h"
#include "http.h"
#include "http_health.h"
#include "http_json.h"
#include "http_request.h"
#include "http_server.h"
#include "json_cleanup.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"

static struct json_object *health_json(const struct daemon *daemon, enum health health,
				       const struct problems *reasons);
static struct json_object *reasons_json(const struct problems *reasons, bool warnings);
static struct json_object *listeners_json(const struct daemon *daemon);
static struct json_object *interfaces_json(const struct daemon *daemon);
static uint64_t uptime_seconds(const struct daemon *daemon);

void route_health(struct http_request *request)
{
	CLEANUP(problems_clear) struct problems reasons = { 0 };
	enum health health = health_of(request->daemon, &reasons);
	bool well = health == HEALTH_OK || health == HEALTH_IDLE;

	if (!well)
		http_set_header(request, "Retry-After", "5");
	http_answer(request, well ? 200 : 503, health_json(request->daemon, health, &reasons));
}

static struct json_object *health_json(const struct daemon *daemon, enum health health,
				       const struct problems *reasons)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();
	struct datapath_figures figures;

	datapath_figures(daemon->datapath, &figures);
	if (!json || json_add_text(json, "status", health_name(health)) ||
	    json_add(json, "reasons", reasons_json(reasons, false)) ||
	    json_add(json, "warnings", reasons_json(reasons, true)) ||
	    json_add_text(json, "version", PACKAGE_VERSION) ||
	    json_add_number(json, "uptime_seconds", uptime_seconds(daemon)) ||
	    json_add_time(json, "started_at", daemon->started_us) ||
	    json_add_number(json, "generation", figures.generation) ||
	    json_add_number(json, "policy_count", daemon->set->count) ||
	    json_add_number(json, "rule_count", figures.rules) ||
	    json_add_text(json, "default_action",
			  daemon->settings->default_block ? "BLOCK" : "ALLOW") ||
	    json_add_bool(json, "failsafe", daemon->settings->failsafe->count > 0) ||
	    (daemon->pending &&
	     json_add(json, "pending_change", change_pending_json(daemon->pending))) ||
	    json_add(json, "interfaces", interfaces_json(daemon)) ||
	    json_add(json, "listeners", listeners_json(daemon)))
		return NULL;
	return TAKE_PTR(json);
}

static struct json_object *reasons_json(const struct problems *reasons, bool warnings)
{
	CLEANUP(cleanup_json) struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < reasons->count; i++) {
		const struct problem *reason = &reasons->list[i];
		struct json_object *entry;

		if (reason->warning != warnings)
			continue;
		entry = json_object_new_object();
		if (json_append(array, entry) || json_add_text(entry, "of", reason->pointer) ||
		    json_add_text(entry, "detail", reason->detail))
			return NULL;
	}
	return TAKE_PTR(array);
}

static struct json_object *listeners_json(const struct daemon *daemon)
{
	CLEANUP(cleanup_json) struct json_object *array = json_object_new_array();
	size_t count = 0;
	const struct http_listener_state *list = http_listeners(daemon->http, &count);

	for (size_t i = 0; array && i < count; i++) {
		struct json_object *entry = json_object_new_object();

		if (json_append(array, entry) || json_add_text(entry, "address", list[i].address) ||
		    json_add_bool(entry, "up", list[i].up) ||
		    json_add_text(entry, "error", list[i].up ? NULL : strerror(list[i].error)))
			return NULL;
	}
	return TAKE_PTR(array);
}

static struct json_object *interfaces_json(const struct daemon *daemon)
{
	CLEANUP(cleanup_json) struct json_object *array = json_object_new_array();
	size_t count = 0;
	const struct attachment *const *list = attachments_list(daemon->attachments, &count);

	for (size_t i = 0; array && i < count; i++) {
		struct json_object *entry = json_object_new_object();

		if (json_append(array, entry) || json_add_text(entry, "name", list[i]->name) ||
		    json_add_text(entry, "mode", list[i]->mode) ||
		    json_add_bool(entry, "egress", list[i]->egress))
			return NULL;
	}
	return TAKE_PTR(array);
}

static uint64_t uptime_seconds(const struct daemon *daemon)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return ((uint64_t)now.tv_sec * HTTP_NS_PER_SECOND + (uint64_t)now.tv_nsec -
		daemon->started_ns) /
	       HTTP_NS_PER_SECOND;
}
