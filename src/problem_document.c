/* SPDX-License-Identifier: Apache-2.0 */
#include "problem_document.h"

#include <errno.h>
#include <json-c/json.h>

#include "cleanup.h"
#include "http_json.h"
#include "json_cleanup.h"
#include "problem.h"

struct problem_kind {
	int status;
	const char *word;
	const char *title;
};

/* In the order of their numbers; the last one is for all that are not here. */
static const struct problem_kind kinds[] = {
	{ 400, "bad-request", "Bad Request" },
	{ 401, "unauthorized", "Unauthorized" },
	{ 403, "forbidden", "Forbidden" },
	{ 404, "not-found", "Not Found" },
	{ 405, "method-not-allowed", "Method Not Allowed" },
	{ 406, "not-acceptable", "Not Acceptable" },
	{ 409, "conflict", "Conflict" },
	{ 412, "precondition-failed", "Precondition Failed" },
	{ 413, "content-too-large", "Content Too Large" },
	{ 415, "unsupported-media-type", "Unsupported Media Type" },
	{ 417, "expectation-failed", "Expectation Failed" },
	{ 421, "misdirected-request", "Misdirected Request" },
	{ 422, "unprocessable-content", "Unprocessable Content" },
	{ 429, "too-many-requests", "Too Many Requests" },
	{ 501, "not-implemented", "Not Implemented" },
	{ 503, "service-unavailable", "Service Unavailable" },
	{ 505, "http-version", "HTTP Version Not Supported" },
	{ 507, "insufficient-storage", "Insufficient Storage" },
	{ 500, "internal-error", "Internal Server Error" },
};

static const struct problem_kind *find_kind(int status);
static int add_errors(struct json_object *document, const char *detail,
		      const struct problems *problems);
static struct json_object *problem_array(const struct problems *problems, bool warnings);

const char *problem_title(int status)
{
	return find_kind(status)->title;
}

const char *problem_word(int status)
{
	return find_kind(status)->word;
}

struct json_object *problem_document(int status, const char *detail,
				     const struct problems *problems)
{
	CLEANUP(cleanup_json) struct json_object *document = json_object_new_object();
	const struct problem_kind *kind = find_kind(status);

	if (!document || json_add_format(document, "type", "/problems/%s", kind->word) ||
	    json_add_text(document, "title", kind->title) ||
	    json_add_number(document, "status", (uint64_t)status) ||
	    json_add_text(document, "error", kind->word) || add_errors(document, detail, problems))
		return NULL;
	return TAKE_PTR(document);
}

struct json_object *problem_warnings(const struct problems *problems)
{
	return problem_array(problems, true);
}

static const struct problem_kind *find_kind(int status)
{
	const struct problem_kind *kind = kinds;

	while (kind->status != status && kind < kinds + ARRAY_SIZE(kinds) - 1)
		kind++;
	return kind;
}

static int add_errors(struct json_object *document, const char *detail,
		      const struct problems *problems)
{
	size_t errors = 0;
	const struct problem *last = NULL;

	for (size_t i = 0; problems && i < problems->count; i++) {
		if (problems->list[i].warning)
			continue;
		errors++;
		last = &problems->list[i];
	}
	if (errors == 1)
		detail = last->detail;
	if (detail && json_add_text(document, "detail", detail))
		return -ENOMEM;
	if (errors == 1)
		return json_add_text(document, "pointer", last->pointer);
	return errors ? json_add(document, "errors", problem_array(problems, false)) : 0;
}

static struct json_object *problem_array(const struct problems *problems, bool warnings)
{
	CLEANUP(cleanup_json) struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < problems->count; i++) {
		const struct problem *problem = &problems->list[i];
		struct json_object *entry;

		if (problem->warning != warnings)
			continue;
		entry = json_object_new_object();
		if (json_append(array, entry) ||
		    json_add_text(entry, "pointer", problem->pointer) ||
		    json_add_text(entry, "detail", problem->detail))
			return NULL;
	}
	return TAKE_PTR(array);
}
