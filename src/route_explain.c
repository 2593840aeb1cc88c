/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /explain.
 *
 * Dry runs share one trace, so they are all the loop's; how many may be asked
 * for at once bounds how long others wait.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <json-c/json.h>
#include <string.h>

#include "cleanup.h"
#include "daemon.h"
#include "explain.h"
#include "http_json.h"
#include "http_request.h"
#include "json.h"
#include "json_cleanup.h"
#include "problem.h"

#define PACKETS_MAX 256
#define BODY_MAX (4 * 1024 * 1024) /* as many of the longest frames */

static int read_body(struct http_request *request, struct json_object **ret);
static int read_packets(struct http_request *request, struct json_object *json,
			struct json_object **ret);
static int explain_all(struct http_request *request, struct json_object *packets,
		       struct json_object *answers);

void route_explain(struct http_request *request)
{
	CLEANUP(cleanup_json) struct json_object *answers = json_object_new_array();
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	CLEANUP(cleanup_json) struct json_object *answer = json_object_new_object();
	struct json_object *packets;

	if (read_body(request, &json) || read_packets(request, json, &packets))
		return;
	if (!answers || !answer) {
		http_refuse(request, 503, "out of memory");
		return;
	}
	if (explain_all(request, packets, answers))
		return;
	http_answer(request, 200,
		    json_add(answer, "packets", TAKE_PTR(answers)) ? NULL : TAKE_PTR(answer));
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
		http_refuse(request, 413, "at most %d packets at once", PACKETS_MAX);
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

static int read_packets(struct http_request *request, struct json_object *json,
			struct json_object **ret)
{
	size_t count;

	if (json_object_is_type(json, json_type_object) && json_object_object_length(json) == 1 &&
	    json_object_object_get_ex(json, "packets", ret) &&
	    json_object_is_type(*ret, json_type_array)) {
		count = json_object_array_length(*ret);
		if (count <= PACKETS_MAX)
			return 0;
		http_refuse(request, 413, "%zu packets, at most %d at once", count, PACKETS_MAX);
	} else {
		http_refuse(request, 422,
			    "the body must be {\"packets\": [{...}, ...]}, see pepctl-api(7)");
	}
	return -EINVAL;
}

static int explain_one(const struct daemon *daemon, struct json_object *packet, const char *pointer,
		       struct json_object *answers, struct problems *problems)
{
	struct json_object *answer = NULL;
	struct explain_place place;
	struct probe probe;
	int error = probe_read(packet, pointer, &probe, problems);

	if (!error)
		error = explain_find_place(daemon->attachments, &probe, pointer, &place, problems);
	if (!error)
		error = explain(daemon->datapath, &probe, &place, &answer);
	return error ? error : json_append(answers, answer);
}

/* All that are wrong are told; then none is answered. */
static int explain_all(struct http_request *request, struct json_object *packets,
		       struct json_object *answers)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	char pointer[32];
	int error = 0;

	for (size_t i = 0; i < json_object_array_length(packets) && (!error || problems.errors);
	     i++) {
		snprintf(pointer, sizeof(pointer), "/packets/%zu", i);
		error = explain_one(request->daemon, json_object_array_get_idx(packets, i), pointer,
				    answers, &problems);
	}
	if (problems.errors) {
		http_refuse_all(request, 422, &problems, NULL);
		return -EINVAL;
	}
	if (error)
		http_refuse(request, 503, "the dry run failed: %s", strerror(-error));
	return error;
}
