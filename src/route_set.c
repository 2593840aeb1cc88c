/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUT, PATCH and DELETE /sets/{name}.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "address_set.h"
#include "address_set_text.h"
#include "address_sets.h"
#include "change_answer.h"
#include "cleanup.h"
#include "daemon.h"
#include "daemon_sets.h"
#include "http_access.h"
#include "http_json.h"
#include "http_request.h"
#include "http_server.h"
#include "json.h"
#include "json_cleanup.h"
#include "policy_write.h"
#include "problem.h"
#include "set_view.h"

static int read_request(struct http_request *request, struct set_change *change);
static int read_body(struct http_request *request, struct address_set **ret,
		     struct problems *problems);
static void write_set(struct http_request *request, const struct set_change *change,
		      const struct address_edit *edit, struct problems *problems);
static struct json_object *answer_json(const struct change_answer *answer,
				       const struct set_change *change,
				       const struct address_edit *edit);

static struct address_set_source source_of(const struct http_request *request)
{
	return (struct address_set_source){ .name = request->id, .now_us = http_now_us() };
}

void route_put_set(struct http_request *request)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(address_set_put) struct address_set *set = NULL;
	struct set_change change = { 0 };
	int error;

	if (read_request(request, &change))
		return;
	error = read_body(request, &set, &problems);
	if (error == -EBADMSG) /* answered */
		return;
	if (error) {
		policy_write_invalid(request, error, &problems);
		return;
	}
	change.put = set;
	write_set(request, &change, NULL, &problems);
}

void route_patch_set(struct http_request *request)
{
	const struct address_set_source source = source_of(request);
	const struct address_set *base = address_sets_find(request->daemon->sets, request->id);
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(address_set_put) struct address_set *add = NULL, *remove = NULL, *set = NULL;
	CLEANUP(cleanup_json) struct json_object *body = NULL;
	struct set_change change = { 0 };
	struct address_edit edit = { 0 };
	int error;

	if (!base) {
		http_refuse(request, 404, "there is no set of addresses '%.150s'", request->id);
		return;
	}
	if (read_request(request, &change) || http_body(request, &body))
		return;
	error = address_set_parse_patch(&source, body, &add, &remove, &problems);
	if (!error)
		error = address_set_edit(base, remove, add, &set, &edit);
	if (error) {
		policy_write_invalid(request, error, &problems);
		return;
	}
	if (edit.absent)
		problem_warn(&problems, "/remove",
			     "%zu of the entries to be removed are not in the set as they are "
			     "written",
			     edit.absent);
	change.put = set;
	write_set(request, &change, &edit, &problems);
}

void route_delete_set(struct http_request *request)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct set_change change = { 0 };

	if (!address_sets_find(request->daemon->sets, request->id)) {
		http_refuse(request, 404, "there is no set of addresses '%.150s'", request->id);
		return;
	}
	if (!read_request(request, &change))
		write_set(request, &change, NULL, &problems);
}

/* What all have in common; answers when it is wrong. */
static int read_request(struct http_request *request, struct set_change *change)
{
	const struct address_set *existing = address_sets_find(request->daemon->sets, request->id);
	char etag[SET_ETAG_SIZE];

	if (!address_set_name_valid(request->id)) {
		http_refuse(request, 422,
			    "'%.100s' is no name of a set: 1 to %d letters, digits and '._-', the "
			    "first a letter or digit",
			    request->id, ADDRESS_SET_NAME_MAX);
		return -EINVAL;
	}
	change->name = request->id;
	if (existing)
		set_etag(existing, etag);
	if (http_flag(request, "dry_run", &change->dry_run))
		return -EINVAL;
	return policy_write_condition(request, existing ? etag : NULL);
}

/* By what it is said to be; curl says neither, and then a "{" begins JSON. */
static bool is_json(const struct http_request *request, const char *text, size_t size)
{
	const char *type = http_header(request, "Content-Type");
	size_t i = 0;

	if (http_type_is(type, "text/plain"))
		return false;
	if (http_type_is(type, "application/json"))
		return true;
	while (i < size &&
	       (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n'))
		i++;
	return i < size && text[i] == '{';
}

/* Returns 0, -EINVAL or -ENOMEM, or -EBADMSG after it has answered. */
static int read_body(struct http_request *request, struct address_set **ret,
		     struct problems *problems)
{
	const struct address_set_source source = source_of(request);
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	const char *text;
	size_t size;

	if (http_body_text(request, &text, &size))
		return -EBADMSG;
	if (!is_json(request, text, size))
		return address_set_parse_text(&source, text, size, ret, problems);
	if (http_body(request, &json))
		return -EBADMSG;
	return address_set_parse_json(&source, json, ret, problems);
}

static void write_set(struct http_request *request, const struct set_change *change,
		      const struct address_edit *edit, struct problems *problems)
{
	CLEANUP(cleanup_free) char *location = NULL;
	struct change_result result = { 0 };
	int error = daemon_change_set(request->daemon, change, &result, problems);
	const struct change_answer answer = { &result, problems, change->dry_run };
	const struct address_set *now = address_sets_find(request->daemon->sets, change->name);
	char etag[SET_ETAG_SIZE];

	if (error) {
		change_refused(request, error, problems);
		return;
	}
	change_log(request, &answer);
	if (now) {
		set_etag(now, etag);
		http_set_header(request, "ETag", etag);
	}
	if (result.created && !change->dry_run && asprintf(&location, "/sets/%s", change->name) < 0)
		location = NULL;
	if (location)
		http_set_header(request, "Location", location);
	http_answer(request, location ? 201 : 200, answer_json(&answer, change, edit));
}

/* As any change's, with what it means for the entries. */
static struct json_object *answer_json(const struct change_answer *answer,
				       const struct set_change *change,
				       const struct address_edit *edit)
{
	CLEANUP(cleanup_json) struct json_object *json = change_json(answer);

	if (!json ||
	    json_add_number(json, "entry_count",
			    change->put ? address_set_count(change->put) : 0) ||
	    (edit && (json_add_number(json, "entries_added", edit->added) ||
		      json_add_number(json, "entries_changed", edit->changed) ||
		      json_add_number(json, "entries_removed", edit->removed))))
		return NULL;
	return TAKE_PTR(json);
}
