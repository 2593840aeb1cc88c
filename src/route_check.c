/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /check: what is wrong with policies, and what looks like a mistake.  It
 * takes its turn among the changes, as it takes long and needs what is in force.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "change_answer.h"
#include "cleanup.h"
#include "commits.h"
#include "datapath.h"
#include "findings_text.h"
#include "group.h"
#include "heap.h"
#include "http_change.h"
#include "http_json.h"
#include "http_request.h"
#include "json_cleanup.h"
#include "json_walk.h"
#include "policy_document.h"
#include "problem_document.h"
#include "settings.h"

#define TRIM_BODY (256 * 1024)

struct check {
	struct commit commit;
	struct http_request *request;
	struct evbuffer *body;
	size_t body_bytes;
	char **attached; /* names of interfaces */
	size_t attached_count;
	size_t policies;
	struct json_object *findings; /* NULL: it was not looked for them */
};

static int read_request(struct check *check, struct http_request *request);
static int plan(struct commit *commit, struct group *group);
static void finish(struct commit *commit, int error);

static void check_free(struct check **check)
{
	struct check *freed = TAKE_PTR(*check);

	if (!freed)
		return;
	for (size_t i = 0; i < freed->attached_count; i++)
		free(freed->attached[i]);
	free(freed->attached);
	json_object_put(freed->findings);
	problems_clear(&freed->commit.problems);
	if (freed->body)
		evbuffer_free(freed->body);
	http_release(&freed->request);
	free(freed);
}

void route_check(struct http_request *request)
{
	static const struct commit_kind kind = { .plan = plan, .finish = finish };
	CLEANUP(check_free) struct check *check = calloc(1, sizeof(*check));
	struct commits *commits = request->daemon->commits;

	if (!check) {
		http_refuse(request, 503, "out of memory");
		return;
	}
	if (read_request(check, request))
		return;
	check->request = http_keep(request);
	if (!check->request)
		return;
	check->commit.kind = &kind;
	check->commit.dry_run = true;
	commits_add(commits, &TAKE_PTR(check)->commit);
}

static int copy_attached(struct check *check, const struct attachments *attachments)
{
	size_t count = 0;
	const struct attachment *const *list = attachments_list(attachments, &count);

	check->attached = calloc(count + 1, sizeof(*check->attached));
	if (!check->attached)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (!list[i]->mode)
			continue;
		check->attached[check->attached_count] = strdup(list[i]->name);
		if (!check->attached[check->attached_count])
			return -ENOMEM;
		check->attached_count++;
	}
	return 0;
}

/* Answers if it fails. */
static int read_request(struct check *check, struct http_request *request)
{
	int error = http_take_body(request, &check->body);

	if (error)
		return error;
	check->body_bytes = evbuffer_get_length(check->body);
	error = copy_attached(check, request->daemon->attachments);
	if (error)
		http_refuse(request, 503, "out of memory");
	return error;
}

/* ---- in the thread */

static int look(struct check *check, const struct group *group, const struct policy_list *list,
		const char *prefix)
{
	CLEANUP(findings_clear) struct findings findings = { 0 };
	const struct findings_question question = {
		.policy = list->policy,
		.count = list->count,
		.failsafe = group->settings->failsafe,
		.sets = group->sets,
		.now_us = http_change_source(group).now_us,
		.attached = (const char *const *)check->attached,
		.attached_count = check->attached_count,
		.cancelled = datapath_cancelled(check->commit.daemon->datapath),
	};
	int error = findings_make(&question, &findings);

	if (!error)
		error = findings_warn(&question, &findings, prefix, &check->commit.problems);
	if (error)
		return error;
	check->findings = findings_json(&question, &findings, prefix);
	return check->findings ? 0 : -ENOMEM;
}

/* What is wrong with the policies is the answer, not a failure. */
static int plan(struct commit *commit, struct group *group)
{
	struct check *check = (struct check *)commit;
	CLEANUP(policy_list_clear) struct policy_list list = { 0 };
	const struct policy_source source = http_change_source(group);
	const char *text = (const char *)evbuffer_pullup(check->body, -1);
	struct policy_document document = { .text = text,
					    .size = check->body_bytes,
					    .source = &source };
	struct json_part part;
	int error = text ? policy_document_parse(&document, &list, &commit->problems) : -ENOMEM;

	if (error)
		return error == -EINVAL ? 0 : error;
	check->policies = list.count;
	part = json_part(text, document.size);
	return look(check, group, &list, json_part_is(&part, '[') ? "" : "/policies");
}

/* ---- in the loop */

static struct json_object *errors_json(const struct problems *problems)
{
	CLEANUP(cleanup_json) struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < problems->count; i++) {
		const struct problem *problem = &problems->list[i];
		struct json_object *entry;

		if (problem->warning)
			continue;
		entry = json_object_new_object();
		if (json_append(array, entry) ||
		    json_add_text(entry, "pointer", problem->pointer) ||
		    json_add_text(entry, "detail", problem->detail))
			return NULL;
	}
	return TAKE_PTR(array);
}

static struct json_object *answer_json(struct check *check)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();
	const struct problems *problems = &check->commit.problems;

	if (!check->findings)
		check->findings = json_object_new_array();
	if (!json || json_add_bool(json, "valid", !problems->errors) ||
	    json_add_number(json, "policy_count", check->policies) ||
	    json_add(json, "errors", errors_json(problems)) ||
	    json_add(json, "warnings", problem_warnings(problems)) ||
	    json_add(json, "findings", TAKE_PTR(check->findings)))
		return NULL;
	return TAKE_PTR(json);
}

static void finish(struct commit *commit, int error)
{
	CLEANUP(check_free) struct check *check = (struct check *)commit;
	bool large = check->body_bytes > TRIM_BODY;

	if (!http_resume(check->request))
		return;
	if (error == -EBADMSG)
		http_refuse_all(check->request, 400, &commit->problems, NULL);
	else if (error)
		change_refused(check->request, error, &commit->problems);
	else
		http_answer(check->request, 200, answer_json(check));
	if (large) {
		check_free(&check);
		heap_trim();
	}
}
