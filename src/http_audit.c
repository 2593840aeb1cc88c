/* SPDX-License-Identifier: Apache-2.0 */
#include "http_audit.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>

#include "audit.h"
#include "change_answer.h"
#include "cleanup.h"
#include "daemon.h"
#include "http_json.h"
#include "http_request.h"
#include "http_server.h"
#include "json_cleanup.h"
#include "log.h"
#include "pending.h"
#include "settings.h"

static const char *const way_names[] = {
	[HTTP_WAY_SOCKET] = "socket",
	[HTTP_WAY_NOBODY] = "nobody",
	[HTTP_WAY_TOKEN] = "token",
	[HTTP_WAY_CERTIFICATE] = "certificate",
};

static void write_record(const struct daemon *daemon, struct json_object *record);
static struct json_object *new_record(const struct http_request *request, const char *result);
static int add_caller(struct json_object *record, const struct http_caller *caller);
static int add_result(struct json_object *record, const struct change_answer *answer);
static bool changes(const struct http_request *request);
static bool concerns(const struct http_request *request, int status);
static void log_refusal(const struct http_caller *caller, const char *method, const char *path,
			int status);

void http_audit_change(struct http_request *request, const struct change_answer *answer)
{
	CLEANUP(cleanup_json) struct json_object *record = NULL;

	request->audited = true;
	if (answer->dry_run)
		return;
	record = new_record(request, "done");
	if (record && add_result(record, answer))
		json_object_put(TAKE_PTR(record));
	write_record(request->daemon, TAKE_PTR(record));
}

void http_audit_answer(struct http_request *request, int status)
{
	if (request->audited || status >= 400 || !changes(request))
		return;
	request->audited = true;
	write_record(request->daemon, new_record(request, "done"));
}

void http_audit_refusal(struct http_request *request, int status, const char *detail,
			const struct problems *problems)
{
	const struct http_caller *caller = &request->caller;
	struct audit *audit = request->daemon->audit;
	CLEANUP(cleanup_json) struct json_object *record = NULL;

	if (request->audited || !concerns(request, status))
		return;
	request->audited = true;
	if (caller->way != HTTP_WAY_SOCKET && !audit_admits(audit, http_now_ns()))
		return;
	record = new_record(request, "refused");
	if (record && (json_add_number(record, "status", (uint64_t)status) ||
		       (detail && json_add_text(record, "error", detail)) ||
		       (problems && audit_add_errors(record, problems))))
		json_object_put(TAKE_PTR(record));
	write_record(request->daemon, TAKE_PTR(record));
	log_refusal(caller, http_method(request), http_target(request), status);
}

void http_audit_connection(const struct http_server *server, int fd, int status, const char *error)
{
	const struct daemon *daemon = server->http->daemon;
	CLEANUP(cleanup_json) struct json_object *record = NULL;
	struct http_caller caller;
	char who[HTTP_CALLER_TEXT];

	http_caller_of_descriptor(server, fd, &caller);
	if (caller.way != HTTP_WAY_SOCKET && !audit_admits(daemon->audit, http_now_ns()))
		return;
	record = json_object_new_object();
	if (record && (json_add_text(record, "result", "refused") || add_caller(record, &caller) ||
		       (status && json_add_number(record, "status", (uint64_t)status)) ||
		       json_add_text(record, "error", error)))
		json_object_put(TAKE_PTR(record));
	write_record(daemon, TAKE_PTR(record));
	http_caller_print(&caller, who);
	log_info("refused: %s: %s", who, error);
}

static void write_record(const struct daemon *daemon, struct json_object *record)
{
	audit_write(daemon->audit, daemon->settings->audit_file, record);
}

static struct json_object *new_record(const struct http_request *request, const char *result)
{
	CLEANUP(cleanup_json) struct json_object *record = json_object_new_object();

	if (!record || json_add_text(record, "result", result) ||
	    add_caller(record, &request->caller) ||
	    json_add_text(record, "method", http_method(request)) ||
	    json_add_text(record, "path", http_target(request)))
		return NULL;
	return TAKE_PTR(record);
}

static int add_caller(struct json_object *record, const struct http_caller *caller)
{
	if (json_add_text(record, "caller", way_names[caller->way]))
		return -ENOMEM;
	if (caller->way == HTTP_WAY_SOCKET)
		return json_add_number(record, "uid", caller->uid) ||
				       json_add_number(record, "pid", (uint64_t)caller->pid)
			       ? -ENOMEM
			       : 0;
	if (*caller->name && json_add_text(record, "name", caller->name))
		return -ENOMEM;
	return json_add_text(record, "address", caller->address);
}

static int add_result(struct json_object *record, const struct change_answer *answer)
{
	if (answer->pending && json_add_text(record, "pending", answer->pending->id))
		return -ENOMEM;
	if (answer->more) {
		json_object_object_foreach(answer->more, key, value) {
			if (json_add(record, key, json_object_get(value)))
				return -ENOMEM;
		}
	}
	return audit_add_result(record, answer->result);
}

/* Whether the request's route is one that changes something. */
static bool changes(const struct http_request *request)
{
	const struct route *route = request->route;

	return route && route->method != ROUTE_GET && route->access == HTTP_ACCESS_WRITE;
}

/* Who is turned away, and whatever would have changed something. */
static bool concerns(const struct http_request *request, int status)
{
	if (status == 401 || status == 403 || status == 421)
		return true;
	return request->route ? changes(request)
			      : request->method != ROUTE_GET; /* not known, or none that is */
}

static void log_refusal(const struct http_caller *caller, const char *method, const char *path,
			int status)
{
	char who[HTTP_CALLER_TEXT];

	http_caller_print(caller, who);
	log_info("refused with %d: %s %.200s by %s", status, method, path, who);
}
