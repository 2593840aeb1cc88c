/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUT, PATCH and DELETE /sets/{name}.
 */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "address.h"
#include "address_set.h"
#include "address_set_text.h"
#include "address_sets.h"
#include "cleanup.h"
#include "daemon_sets.h"
#include "group.h"
#include "http_change.h"
#include "http_json.h"
#include "http_request.h"
#include "http_server.h"
#include "json_cleanup.h"
#include "set_view.h"

/* A write of a set on its way. */
struct set_write {
	struct http_change change;
	struct address_set *put; /* NULL: it is deleted */
	bool edited; /* by what is in edit */
	struct address_edit edit;
};

static int plan_put(struct http_change *change, struct group *group);
static int plan_patch(struct http_change *change, struct group *group);
static int plan_delete(struct http_change *change, struct group *group);
static int check(struct http_change *change, const struct group *group);
static int parse(struct http_change *change, struct address_set **ret);
static int edit(struct set_write *write, const struct address_set *base);
static int plan_change(struct set_write *write, struct group *group);

/* ---- what the three have in common */

static struct set_change set_change_of(const struct set_write *write)
{
	return (struct set_change){ .name = write->change.request->id, .put = write->put };
}

static int store(struct commit *commit, struct group *group)
{
	const struct set_change change = set_change_of((const struct set_write *)commit);

	(void)group;
	return set_change_store(commit->daemon, &change, commit->daemon->sets, &commit->problems);
}

static void unstore(struct commit *commit)
{
	const struct set_change change = set_change_of((const struct set_write *)commit);

	set_change_unstore(commit->daemon, &change, commit->daemon->sets);
}

/* As any change's, with what it means for the entries. */
static int answer(const struct http_change *change, struct json_object *json)
{
	const struct set_write *write = (const struct set_write *)change;

	if (json_add_number(json, "entry_count", write->put ? address_set_count(write->put) : 0) ||
	    (write->edited && (json_add_number(json, "entries_added", write->edit.added) ||
			       json_add_number(json, "entries_changed", write->edit.changed) ||
			       json_add_number(json, "entries_removed", write->edit.removed))))
		return -ENOMEM;
	return 0;
}

static void clear(struct http_change *change)
{
	address_set_put(&((struct set_write *)change)->put);
}

/* The members of a kind of write to a set. */
#define SET_WRITE                                                                                  \
	.commit = { HTTP_CHANGE_COMMIT, .store = store, .unstore = unstore }, .answer = answer,    \
	.clear = clear, .size = sizeof(struct set_write), .alone = true

void route_put_set(struct http_request *request)
{
	static const struct http_change_kind kind = {
		SET_WRITE,
		.plan = plan_put,
		.location = "/sets/",
		.body = true,
	};

	http_change_begin(request, &kind);
}

void route_patch_set(struct http_request *request)
{
	static const struct http_change_kind kind = { SET_WRITE, .plan = plan_patch, .body = true };

	http_change_begin(request, &kind);
}

void route_delete_set(struct http_request *request)
{
	static const struct http_change_kind kind = { SET_WRITE, .plan = plan_delete };

	http_change_begin(request, &kind);
}

/* ---- in the thread */

static struct address_set_source source_of(const struct http_change *change)
{
	return (struct address_set_source){ .name = change->request->id, .now_us = http_now_us() };
}

static int plan_put(struct http_change *change, struct group *group)
{
	struct set_write *write = (struct set_write *)change;
	int error = check(change, group);

	if (!error)
		error = parse(change, &write->put);
	if (error)
		return error;
	http_change_forget_body(change);
	return plan_change(write, group);
}

static int plan_patch(struct http_change *change, struct group *group)
{
	const struct address_set *base = address_sets_find(group->sets, change->request->id);
	struct set_write *write = (struct set_write *)change;
	int error;

	if (!base)
		return http_change_refuse(change, 404, "there is no set of addresses '%.150s'",
					  change->request->id);
	error = check(change, group);
	if (!error)
		error = edit(write, base);
	return error ? error : plan_change(write, group);
}

static int plan_delete(struct http_change *change, struct group *group)
{
	int error;

	if (!address_sets_find(group->sets, change->request->id))
		return http_change_refuse(change, 404, "there is no set of addresses '%.150s'",
					  change->request->id);
	error = check(change, group);
	return error ? error : plan_change((struct set_write *)change, group);
}

/* Name and conditions. */
static int check(struct http_change *change, const struct group *group)
{
	const char *name = change->request->id;
	const struct address_set *existing = address_sets_find(group->sets, name);
	char etag[SET_ETAG_SIZE];

	if (!address_set_name_valid(name))
		return http_change_refuse(
			change, 422,
			"'%.100s' is no name of a set: 1 to %d letters, digits and '._-', the "
			"first a letter or digit",
			name, ADDRESS_SET_NAME_MAX);
	if (existing)
		set_etag(existing, etag);
	return http_change_condition(change, existing ? etag : NULL);
}

/* By what it is said to be; curl says neither, and then a "{" begins JSON. */
static bool is_json(const struct http_change *change, const char *text, size_t size)
{
	size_t i = 0;

	if (change->text || change->json)
		return change->json;
	while (i < size &&
	       (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n'))
		i++;
	return i < size && text[i] == '{';
}

static int parse(struct http_change *change, struct address_set **ret)
{
	const struct address_set_source source = source_of(change);
	struct problems *problems = &change->commit.problems;
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	const char *text;
	size_t size;
	int error = http_change_body(change, &text, &size);

	if (error)
		return error;
	if (is_json(change, text, size)) {
		error = http_change_json(change, &json);
		if (error)
			return error;
		error = address_set_parse_json(&source, json, ret, problems);
	} else {
		error = address_set_parse_text(&source, text, size, ret, problems);
	}
	return error ? http_change_invalid(change, error) : 0;
}

static int edit(struct set_write *write, const struct address_set *base)
{
	struct http_change *change = &write->change;
	const struct address_set_source source = source_of(change);
	struct problems *problems = &change->commit.problems;
	CLEANUP(address_set_put) struct address_set *add = NULL, *remove = NULL;
	CLEANUP(cleanup_json) struct json_object *body = NULL;
	int error = http_change_json(change, &body);

	if (error)
		return error;
	error = address_set_parse_patch(&source, body, &add, &remove, problems);
	if (!error)
		error = address_set_edit(base, remove, add, &write->put, &write->edit);
	if (error)
		return http_change_invalid(change, error);
	write->edited = true;
	if (write->edit.absent)
		problem_warn(problems, "/remove",
			     "%zu of the entries to be removed are not in the set as they are "
			     "written",
			     write->edit.absent);
	return 0;
}

static int plan_change(struct set_write *write, struct group *group)
{
	const struct set_change change = set_change_of(write);
	struct commit *commit = &write->change.commit;
	int error = set_change_plan(group, &change, &commit->result, &commit->problems);
	const struct address_set *now = address_sets_find(group->sets, change.name);

	if (!error && now)
		set_etag(now, write->change.etag);
	return error;
}
