/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /reset and POST /reload.
 */
#include <json-c/json.h>
#include <string.h>

#include "change_answer.h"
#include "cleanup.h"
#include "daemon.h"
#include "datapath.h"
#include "datapath_counters.h"
#include "http_json.h"
#include "http_request.h"
#include "json_cleanup.h"
#include "log.h"
#include "problem.h"

void route_reset(struct http_request *request)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();
	int error = datapath_reset(request->daemon->datapath);

	if (error) {
		http_refuse(request, 503, "the counters are as they were: %s", strerror(-error));
		return;
	}
	log_info("all counters are zero from here on");
	http_answer(request, 200,
		    json && !json_add_text(json, "status", "success") ? TAKE_PTR(json) : NULL);
}

void route_reload(struct http_request *request)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct change_result result = { 0 };
	int error = daemon_reload(request->daemon, &result, &problems);
	struct change_answer answer = { &result, &problems, false };

	if (error) {
		change_refused(request, error, &problems);
		return;
	}
	change_log(request, &answer);
	http_answer(request, 200, change_json(&answer));
}
