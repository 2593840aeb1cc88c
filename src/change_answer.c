/* SPDX-License-Identifier: Apache-2.0 */
#include "change_answer.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "daemon.h"
#include "http_audit.h"
#include "http_json.h"
#include "http_request.h"
#include "json_cleanup.h"
#include "log.h"
#include "pending.h"
#include "problem.h"
#include "problem_document.h"

static int refusal_status(int error);

/* What daemon_change() and daemon_reload() return; anything else is our fault. */
static const struct {
	int error;
	int status;
} refusals[] = {
	{ EINVAL, 422 },     { EPERM, 409 },  { ENOSPC, 409 }, { EFBIG, 409 },
	{ EOPNOTSUPP, 422 }, { EIO, 507 },    { EROFS, 507 },  { EDQUOT, 507 },
	{ ENOMEM, 503 },     { EAGAIN, 503 }, { EBUSY, 503 },  { EINTR, 503 },
	{ EALREADY, 409 },   { ETIME, 409 },  { ENOENT, 404 }, { EHOSTUNREACH, 409 },
};

struct json_object *change_json(const struct change_answer *answer)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();
	const struct change_result *result = answer->result;

	if (!json || json_add_text(json, "status", "success") ||
	    json_add_bool(json, "changed", result->changed) ||
	    json_add_number(json, "policy_count", result->policy_count) ||
	    json_add_number(json, "created", result->created) ||
	    json_add_number(json, "updated", result->updated) ||
	    json_add_number(json, "unchanged", result->unchanged) ||
	    json_add_number(json, "deleted", result->deleted) ||
	    json_add_number(json, "others", result->others) ||
	    json_add_number(json, "generation", result->generation) ||
	    (answer->dry_run && json_add_bool(json, "dry_run", true)) ||
	    (answer->pending && json_add(json, "pending", change_pending_json(answer->pending))) ||
	    json_add(json, "warnings", problem_warnings(answer->problems)))
		return NULL;
	return TAKE_PTR(json);
}

/* By wall time, for whoever reads it; what counts is the clock of the programs. */
static int64_t ends_us(const struct pending *pending)
{
	struct timespec real, monotonic;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	return (int64_t)(pending->deadline_ns / 1000) + (real.tv_sec - monotonic.tv_sec) * 1000000 +
	       (real.tv_nsec - monotonic.tv_nsec) / 1000;
}

struct json_object *change_pending_json(const struct pending *pending)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();
	const struct change_result *result = &pending->result;

	if (!json || json_add_text(json, "id", pending->id) ||
	    json_add_number(json, "confirm_seconds", pending->seconds) ||
	    json_add_number(json, "seconds_left", pending_seconds_left(pending)) ||
	    json_add_time(json, "goes_back_at", ends_us(pending)) ||
	    json_add_number(json, "created", result->created) ||
	    json_add_number(json, "updated", result->updated) ||
	    json_add_number(json, "deleted", result->deleted) ||
	    json_add_format(json, "confirm", "POST /changes/%s/confirm", pending->id) ||
	    json_add_format(json, "rollback", "DELETE /changes/%s", pending->id))
		return NULL;
	return TAKE_PTR(json);
}

void change_log(struct http_request *request, const struct change_answer *answer)
{
	const struct change_result *result = answer->result;
	const struct http_caller *caller = &request->caller;
	bool local = caller->way == HTTP_WAY_SOCKET;
	char uid[16], pid[16], who[HTTP_CALLER_TEXT];
	const struct log_field fields[] = {
		{ "METHOD", route_method_name(request->method) },
		{ "PATH", http_target(request) },
		{ local ? "PEER_UID" : "CALLER", local ? uid : caller->name },
		{ local ? "PEER_PID" : "ADDRESS", local ? pid : caller->address },
	};

	http_audit_change(request, answer);
	if (answer->dry_run)
		return;
	snprintf(uid, sizeof(uid), "%u", caller->uid);
	snprintf(pid, sizeof(pid), "%d", caller->pid);
	http_caller_print(caller, who);
	log_write(LOG_LEVEL_INFO, fields, ARRAY_SIZE(fields),
		  "%s %.200s by %s: %zu created, %zu updated, %zu unchanged, %zu deleted, "
		  "generation %llu",
		  fields[0].value, fields[1].value, who, result->created, result->updated,
		  result->unchanged, result->deleted, (unsigned long long)result->generation);
}

void change_refused(struct http_request *request, int error, const struct problems *problems)
{
	int status = refusal_status(-error);
	char detail[160];

	if (problems->errors)
		snprintf(detail, sizeof(detail), "%zu errors; nothing was changed",
			 problems->errors);
	else
		snprintf(detail, sizeof(detail), "nothing was changed: %s", strerror(-error));
	http_refuse_all(request, status, problems, detail);
}

static int refusal_status(int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		if (refusals[i].error == error)
			return refusals[i].status;
	return 500;
}
