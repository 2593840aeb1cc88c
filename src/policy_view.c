/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_view.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "daemon.h"
#include "datapath.h"
#include "datapath_counters.h"
#include "history.h"
#include "http_json.h"
#include "http_server.h"
#include "json_cleanup.h"
#include "lint.h"
#include "policy.h"
#include "policy_json.h"
#include "settings.h"

static int add_counters(struct json_object *view, const struct daemon *daemon, const char *id);
static int add_warnings(struct json_object *view, const struct daemon *daemon,
			const struct policy *policy);

struct json_object *policy_view(const struct daemon *daemon, const struct policy *policy,
				uint32_t position)
{
	CLEANUP(cleanup_json) struct json_object *view = policy_to_json(policy);
	int64_t hit = history_last_hit(daemon->history, policy->id);
	uint64_t seconds = 0;

	if (!view || json_add_text(view, "origin", policy_origin_name(policy->origin)) ||
	    json_add_number(view, "position", position) || add_counters(view, daemon, policy->id) ||
	    json_add_time(view, "created_at", policy->created_at) ||
	    json_add_time(view, "updated_at", policy->updated_at) ||
	    json_add_time(view, "last_hit_at", hit) ||
	    (policy_expires_in(policy, &seconds) &&
	     json_add_number(view, "expires_in_seconds", seconds)) ||
	    add_warnings(view, daemon, policy))
		return NULL;
	return TAKE_PTR(view);
}

bool policy_expires_in(const struct policy *policy, uint64_t *ret_seconds)
{
	int64_t left_us = policy->expires_at - http_now_us();
	struct timespec now;

	if (policy->ttl_deadline_ns) {
		clock_gettime(CLOCK_BOOTTIME, &now);
		left_us = (int64_t)(policy->ttl_deadline_ns / 1000) -
			  (int64_t)now.tv_sec * 1000000 - now.tv_nsec / 1000;
	} else if (!policy->expires_at) {
		return false;
	}
	*ret_seconds = left_us > 0 ? (uint64_t)left_us / 1000000 : 0;
	return true;
}

void policy_etag(const struct policy *policy, char ret[POLICY_ETAG_SIZE])
{
	char content[16];

	policy_content_id(policy, content);
	snprintf(ret, POLICY_ETAG_SIZE, "\"%" PRIx64 "-%s\"", (uint64_t)policy->updated_at,
		 content);
}

void policies_etag(const struct daemon *daemon, char ret[POLICY_ETAG_SIZE])
{
	struct datapath_figures figures;

	datapath_figures(daemon->datapath, &figures);
	policies_etag_at(daemon, figures.generation, ret);
}

/* Generations begin again with each start of the daemon. */
void policies_etag_at(const struct daemon *daemon, uint64_t generation, char ret[POLICY_ETAG_SIZE])
{
	snprintf(ret, POLICY_ETAG_SIZE, "\"s%" PRIx64 "-g%" PRIu64 "\"",
		 (uint64_t)daemon->started_us, generation);
}

bool etag_listed(const char *header, const char *etag)
{
	size_t length = strlen(etag);

	while (*header) {
		header += strspn(header, " \t,");
		if (*header == '*')
			return true;
		if (!strncmp(header, etag, length) && strchr(" \t,", header[length]))
			return true;
		header += strcspn(header, ",");
	}
	return false;
}

static int add_counters(struct json_object *view, const struct daemon *daemon, const char *id)
{
	struct json_object *counters = json_object_new_object();
	struct pep_counters count;

	datapath_policy_counters(daemon->datapath, id, &count);
	if (json_add(view, "counters", counters) ||
	    json_add_number(counters, "packets", count.packets) ||
	    json_add_number(counters, "bytes", count.bytes) ||
	    json_add_number(counters, "dropped_packets", count.dropped_packets) ||
	    json_add_number(counters, "dropped_bytes", count.dropped_bytes))
		return -ENOMEM;
	return 0;
}

static int add_warnings(struct json_object *view, const struct daemon *daemon,
			const struct policy *policy)
{
	struct json_object *warnings;

	if (!daemon->settings->failsafe || !lint_overridden(policy, daemon->settings->failsafe))
		return 0;
	warnings = json_object_new_array();
	if (json_add(view, "warnings", warnings) ||
	    json_append(warnings, json_object_new_string(LINT_OVERRIDDEN)))
		return -ENOMEM;
	return 0;
}
