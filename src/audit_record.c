// SPDX-License-Identifier: Apache-2.0
/* What records of the audit log have in common, whoever changes something. */
#include <errno.h>
#include <json-c/json.h>

#include "audit.h"
#include "cleanup.h"
#include "daemon.h"
#include "http_json.h"
#include "json_cleanup.h"
#include "problem.h"
#include "settings.h"

#define ERRORS_MAX 10

int audit_add_result(struct json_object *record, const struct change_result *result)
{
	if (json_add_number(record, "created", result->created) ||
	    json_add_number(record, "updated", result->updated) ||
	    json_add_number(record, "deleted", result->deleted) ||
	    json_add_number(record, "generation", result->generation))
		return -ENOMEM;
	return result->diff ? audit_diff_print(result->diff, record) : 0;
}

int audit_add_errors(struct json_object *record, const struct problems *problems)
{
	struct json_object *list;
	size_t count = 0;

	if (!problems->errors)
		return 0;
	list = json_object_new_array();
	if (json_add(record, "errors", list))
		return -ENOMEM;
	for (size_t i = 0; i < problems->count && count < ERRORS_MAX; i++) {
		const struct problem *problem = &problems->list[i];

		if (problem->warning)
			continue;
		if (json_append(list, json_object_new_string(problem->detail)))
			return -ENOMEM;
		count++;
	}
	return 0;
}

void audit_own(const struct daemon *daemon, const char *caller, const char *what,
	       const struct change_result *result, const struct problems *problems)
{
	CLEANUP(cleanup_json) struct json_object *record = NULL;

	if (!daemon->audit)
		return;
	record = json_object_new_object();
	if (record &&
	    (json_add_text(record, "result", result ? "done" : "failed") ||
	     json_add_text(record, "caller", caller) || json_add_text(record, "what", what) ||
	     (result ? audit_add_result(record, result) : audit_add_errors(record, problems))))
		json_object_put(TAKE_PTR(record));
	audit_write(daemon->audit, daemon->settings->audit_file, TAKE_PTR(record));
}
