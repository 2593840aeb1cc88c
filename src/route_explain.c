/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /explain.
 *
 * Packets are asked about in the loop, where nothing changes meanwhile; how
 * many may be asked about at once bounds how long others wait.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <json-c/json.h>
#include <string.h>

#include "cleanup.h"
#include "daemon.h"
#include "explain.h"
#include "explain_against.h"
#include "http_json.h"
#include "http_request.h"
#include "json.h"
#include "json_cleanup.h"
#include "problem.h"

#define PACKETS_MAX 256
#define BODY_MAX (4 * 1024 * 1024) /* as many of the longest frames, and some policies */

static int read_body(struct http_request *request, struct json_object **ret);
static int read_questions(struct http_request *request, struct json_object *json,
			  struct explain_questions *ret);
static void answer(struct http_request *request, const struct explain_questions *questions);

void route_explain(struct http_request *request)
{
	CLEANUP(explain_questions_clear) struct explain_questions questions = { 0 };
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	struct json_object *policies;

	if (read_body(request, &json) || read_questions(request, json, &questions))
		return;
	if (json_object_object_get_ex(json, "policies", &policies))
		explain_against(request, json_object_get(policies), &questions);
	else
		answer(request, &questions);
}

static void free_buffer(struct evbuffer **buffer)
{
	if (*buffer)
		evbuffer_free(*buffer);
}

/* Answers if it fails, as do the others. */
static int read_body(struct http_request *request, struct json_object **ret)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(free_buffer) struct evbuffer *body = NULL;
	int error = http_take_body(request, &body);
	size_t size;
	const char *text;

	if (error)
		return error;
	size = evbuffer_get_length(body);
	if (size > BODY_MAX) {
		http_refuse(request, 413, "%zu bytes, at most %d here", size, BODY_MAX);
		return -EFBIG;
	}
	text = (const char *)evbuffer_pullup(body, -1);
	error = text ? json_read(text, size, 0, ret, &problems) : -ENOMEM;
	if (error == -EBADMSG)
		http_refuse_all(request, 400, &problems, NULL);
	else if (error)
		http_refuse(request, 503, "%s", strerror(-error));
	return error;
}

static bool has_only(struct json_object *json)
{
	json_object_object_foreach(json, name, value) {
		if (strcmp(name, "packets") != 0 && strcmp(name, "policies") != 0)
			return false;
		if (!value)
			return false;
	}
	return true;
}

static int read_questions(struct http_request *request, struct json_object *json,
			  struct explain_questions *ret)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct json_object *packets = NULL;
	size_t count;
	int error;

	if (!json_object_is_type(json, json_type_object) || !has_only(json) ||
	    !json_object_object_get_ex(json, "packets", &packets) ||
	    !json_object_is_type(packets, json_type_array)) {
		http_refuse(request, 422,
			    "the body must be {\"packets\": [{...}, ...]}, with \"policies\" if "
			    "others than those in force are asked, see pepctl-api(7)");
		return -EINVAL;
	}
	count = json_object_array_length(packets);
	if (count > PACKETS_MAX) {
		http_refuse(request, 413, "%zu packets, at most %d at once", count, PACKETS_MAX);
		return -EFBIG;
	}
	error = explain_read(request->daemon->attachments, packets, ret, &problems);
	if (error == -EINVAL)
		http_refuse_all(request, 422, &problems, NULL);
	else if (error)
		http_refuse(request, 503, "%s", strerror(-error));
	return error;
}

static void answer(struct http_request *request, const struct explain_questions *questions)
{
	const struct explain_state state = { .datapath = request->daemon->datapath };
	struct json_object *answers = NULL;
	int error = explain(&state, questions, &answers);

	if (error)
		http_refuse(request, 503, "the dry run failed: %s", strerror(-error));
	else
		http_answer(request, 200, explain_answer(answers));
}
