/* SPDX-License-Identifier: Apache-2.0 */
#include "http_change.h"

#include <errno.h>
#include <event2/buffer.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "change_answer.h"
#include "cleanup.h"
#include "group.h"
#include "heap.h"
#include "http_access.h"
#include "http_request.h"
#include "http_server.h"
#include "json.h"
#include "json_cleanup.h"
#include "pending.h"
#include "policy_view.h"

#define REFUSED (-EREMOTEIO) /* status and detail say why */
#define LARGE_BODY (64 * 1024) /* delays others: it goes alone */
#define TRIM_BODY (256 * 1024)

/* ---- in the loop */

static void change_free(struct http_change **change)
{
	struct http_change *freed = TAKE_PTR(*change);

	if (!freed)
		return;
	if (freed->kind->clear)
		freed->kind->clear(freed);
	problems_clear(&freed->commit.problems);
	if (freed->body)
		evbuffer_free(freed->body);
	free(freed->if_match);
	free(freed->if_none_match);
	free(freed->detail);
	audit_diff_clear(&freed->diff);
	http_release(&freed->request);
	free(freed);
}

static int copy_header(const struct http_request *request, const char *name, char **ret)
{
	const char *value = http_header(request, name);

	if (!value)
		return 0;
	*ret = strdup(value);
	return *ret ? 0 : -ENOMEM;
}

/* Answers if it fails. */
static int read_request(struct http_change *change, struct http_request *request)
{
	const char *type = http_header(request, "Content-Type");

	change->commit.guarded = true;
	if (http_flag(request, "dry_run", &change->commit.dry_run) ||
	    http_flag(request, "force", &change->commit.forced) ||
	    http_seconds(request, "confirm_seconds", PENDING_SECONDS_MOST,
			 &change->commit.confirm_seconds))
		return -EINVAL;
	if (copy_header(request, "If-Match", &change->if_match) ||
	    copy_header(request, "If-None-Match", &change->if_none_match)) {
		http_refuse(request, 503, "out of memory");
		return -ENOMEM;
	}
	change->text = http_type_is(type, "text/plain");
	change->json = http_type_is(type, "application/json");
	if (change->kind->body && http_take_body(request, &change->body))
		return -EINVAL;
	change->body_bytes = change->body ? evbuffer_get_length(change->body) : 0;
	/* The tag of all policies is known of those in force. */
	change->commit.alone = change->kind->alone || change->body_bytes > LARGE_BODY ||
			       (!request->id && (change->if_match || change->if_none_match));
	return 0;
}

static struct http_change *new_change(const struct http_change_kind *kind)
{
	struct http_change *change = calloc(1, kind->size ? kind->size : sizeof(*change));

	if (!change)
		return NULL;
	change->kind = kind;
	change->commit.kind = &kind->commit;
	return change;
}

void http_change_begin(struct http_request *request, const struct http_change_kind *kind)
{
	CLEANUP(change_free) struct http_change *change = new_change(kind);
	struct commits *commits = request->daemon->commits;

	if (!change) {
		http_refuse(request, 503, "out of memory");
		return;
	}
	if (read_request(change, request))
		return;
	change->request = http_keep(request);
	if (change->request)
		commits_add(commits, &TAKE_PTR(change)->commit);
}

static void refuse(struct http_change *change, int error)
{
	const struct problems *problems = &change->commit.problems;

	if (error != REFUSED)
		change_refused(change->request, error, problems);
	else if (problems->errors)
		http_refuse_all(change->request, change->status, problems, change->detail);
	else
		http_refuse(change->request, change->status, "%s",
			    change->detail ? change->detail : "out of memory");
}

static void answer(struct http_change *change, const struct change_answer *answer)
{
	struct http_request *request = change->request;
	bool created = change->kind->location && answer->result->created && !answer->dry_run;
	CLEANUP(cleanup_json) struct json_object *json = change_json(answer);
	CLEANUP(cleanup_free) char *location = NULL;

	if (created && asprintf(&location, "%s%s", change->kind->location, request->id) < 0)
		location = NULL;
	if (location)
		http_set_header(request, "Location", location);
	if (!request->id)
		policies_etag_at(request->daemon, answer->result->generation, change->etag);
	if (*change->etag)
		http_set_header(request, "ETag", change->etag);
	if (json && change->kind->answer && change->kind->answer(change, json))
		json_object_put(TAKE_PTR(json));
	http_answer(request, created ? 201 : 200, TAKE_PTR(json));
}

/* With what is special to its kind, as in the answer. */
static void log_change(struct http_change *change, struct change_answer *of)
{
	CLEANUP(cleanup_json) struct json_object *more = NULL;

	if (change->kind->answer)
		more = json_object_new_object();
	if (more && !change->kind->answer(change, more))
		of->more = more;
	change->commit.result.diff = &change->diff;
	change_log(change->request, of);
	of->more = NULL;
}

void http_change_finish(struct commit *commit, int error)
{
	CLEANUP(change_free) struct http_change *change = (struct http_change *)commit;
	struct change_answer of = {
		.result = &commit->result,
		.problems = &commit->problems,
		.dry_run = commit->dry_run,
		.pending = commit->confirm_seconds ? commit->daemon->pending : NULL,
	};
	bool large = change->body_bytes > TRIM_BODY;

	if (!error)
		log_change(change, &of);
	if (!http_resume(change->request))
		return;
	if (error)
		refuse(change, error);
	else
		answer(change, &of);
	if (large) {
		change_free(&change);
		heap_trim();
	}
}

/* ---- in the thread */

int http_change_plan(struct commit *commit, struct group *group)
{
	struct http_change *change = (struct http_change *)commit;
	int error;

	change->status = 0;
	free(change->detail);
	change->detail = NULL;
	*change->etag = '\0';
	audit_diff_clear(&change->diff);
	group->diff = &change->diff;
	error = change->kind->plan(change, group);
	group->diff = NULL;
	return error;
}

int http_change_refuse(struct http_change *change, int status, const char *format, ...)
{
	va_list arguments;

	change->status = status;
	va_start(arguments, format);
	if (vasprintf(&change->detail, format, arguments) < 0)
		change->detail = NULL;
	va_end(arguments);
	return REFUSED;
}

int http_change_condition(struct http_change *change, const char *etag)
{
	const char *match = change->if_match, *none = change->if_none_match;

	if (match && !etag)
		return http_change_refuse(change, 412, "If-Match: it does not exist");
	if (match && !etag_listed(match, etag))
		return http_change_refuse(change, 412, "If-Match: it has changed and is %s now",
					  etag);
	if (none && etag && etag_listed(none, etag))
		return http_change_refuse(change, 412, "If-None-Match: it exists and is %s", etag);
	return 0;
}

int http_change_body(struct http_change *change, const char **ret, size_t *ret_size)
{
	*ret = (const char *)evbuffer_pullup(change->body, -1);
	*ret_size = evbuffer_get_length(change->body);
	return *ret ? 0 : http_change_refuse(change, 503, "out of memory");
}

void http_change_forget_body(struct http_change *change)
{
	if (!change->commit.alone)
		return;
	evbuffer_free(change->body);
	change->body = NULL;
}

int http_change_invalid(struct http_change *change, int error)
{
	if (error == -ENOMEM)
		return http_change_refuse(change, 503, "out of memory");
	if (error == -EBADMSG)
		return http_change_refuse(change, 400, "the body is not JSON as it should be");
	return http_change_refuse(change, 422, "%zu errors; nothing was changed",
				  change->commit.problems.errors);
}

int http_change_json(struct http_change *change, struct json_object **ret)
{
	const char *text;
	size_t size;
	int error = http_change_body(change, &text, &size);

	if (error)
		return error;
	error = json_read(text, size, 0, ret, &change->commit.problems);
	return error ? http_change_invalid(change, error) : 0;
}

struct policy_source http_change_source(const struct group *group)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (struct policy_source){
		.now_us = http_now_us(),
		.sets = group->sets,
		.boottime_ns = (uint64_t)now.tv_sec * HTTP_NS_PER_SECOND + (uint64_t)now.tv_nsec,
	};
}
