/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_write.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <time.h>

#include "change_answer.h"
#include "cleanup.h"
#include "daemon.h"
#include "http_request.h"
#include "http_server.h"
#include "json_cleanup.h"
#include "policy_view.h"
#include "policyset.h"
#include "problem.h"

static void set_etag(struct http_request *request);

struct policy_source policy_write_source(const struct http_request *request)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (struct policy_source){
		.now_us = http_now_us(),
		.sets = request->daemon->sets,
		.boottime_ns = (uint64_t)now.tv_sec * HTTP_NS_PER_SECOND + (uint64_t)now.tv_nsec,
	};
}

int policy_write_condition(struct http_request *request, const char *etag)
{
	const char *match = http_header(request, "If-Match");
	const char *none = http_header(request, "If-None-Match");

	if (match && (!etag || !etag_listed(match, etag)))
		http_refuse(request, 412,
			    etag ? "If-Match: it has changed and is %s now"
				 : "If-Match: it does not exist%s",
			    etag ? etag : "");
	else if (none && etag && etag_listed(none, etag))
		http_refuse(request, 412, "If-None-Match: it exists and is %s", etag);
	else
		return 0;
	return -EBUSY;
}

int policy_write_condition_all(struct http_request *request)
{
	char etag[POLICY_ETAG_SIZE];

	policies_etag(request->daemon, etag);
	return policy_write_condition(request, etag);
}

void policy_write_invalid(struct http_request *request, int error, const struct problems *problems)
{
	char detail[64];

	if (error == -ENOMEM) {
		http_refuse(request, 503, "out of memory");
		return;
	}
	snprintf(detail, sizeof(detail), "%zu errors; nothing was changed", problems->errors);
	http_refuse_all(request, 422, problems, detail);
}

void policy_write(struct http_request *request, const struct change *change,
		  struct problems *problems, const char *location)
{
	struct change_result result = { 0 };
	int error = daemon_change(request->daemon, change, &result, problems);
	struct change_answer answer = { &result, problems, change->dry_run };
	bool created = location && result.created && !change->dry_run;

	if (error) {
		change_refused(request, error, problems);
		return;
	}
	change_log(request, &answer);
	if (created)
		http_set_header(request, "Location", location);
	set_etag(request);
	http_answer(request, created ? 201 : 200, change_json(&answer));
}

/* Of what the request was about, as it is now. */
static void set_etag(struct http_request *request)
{
	const struct daemon *daemon = request->daemon;
	const struct policy *policy = request->id ? policyset_find(daemon->set, request->id) : NULL;
	char etag[POLICY_ETAG_SIZE];

	if (policy)
		policy_etag(policy, etag);
	else if (!request->id)
		policies_etag(daemon, etag);
	else
		return;
	http_set_header(request, "ETag", etag);
}
