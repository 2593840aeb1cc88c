/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /changes, POST /changes/{id}/confirm and DELETE /changes/{id}: the change that is pending.
 */
#include <json-c/json.h>

#include "change_answer.h"
#include "cleanup.h"
#include "http_json.h"
#include "http_request.h"
#include "json_cleanup.h"
#include "pending.h"

static struct json_object *list_json(const struct daemon *daemon)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();
	struct json_object *list = json_object_new_array();

	if (!json || json_add(json, "changes", list) ||
	    (daemon->pending && json_append(list, change_pending_json(daemon->pending))))
		return NULL;
	return TAKE_PTR(json);
}

void route_list_changes(struct http_request *request)
{
	http_answer(request, 200, list_json(request->daemon));
}

static void answer(void *context, int error, const struct change_result *result,
		   const struct problems *problems)
{
	struct http_request *request = context;
	const struct change_answer answer = { .result = result, .problems = problems };

	if (!error)
		change_log(request, &answer);
	if (http_resume(request)) {
		if (error)
			change_refused(request, error, problems);
		else
			http_answer(request, 200, change_json(&answer));
	}
	http_release(&request);
}

static void end(struct http_request *request, bool confirm)
{
	struct http_request *kept = http_keep(request);

	if (kept)
		pending_end(kept->daemon, kept->id, confirm, answer, kept);
}

void route_confirm(struct http_request *request)
{
	end(request, true);
}

void route_roll_back(struct http_request *request)
{
	end(request, false);
}
