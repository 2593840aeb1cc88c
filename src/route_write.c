/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST, PUT and DELETE /policies: several policies at once, all or nothing.
 */
#include <errno.h>
#include <stdlib.h>

#include "change.h"
#include "cleanup.h"
#include "group.h"
#include "http_change.h"
#include "http_request.h"
#include "policy_document.h"
#include "policy_view.h"

static int plan_put(struct http_change *change, struct group *group);
static int plan_replace(struct http_change *change, struct group *group);
static int plan_delete(struct http_change *change, struct group *group);
static int put_all(struct http_change *change, struct group *group, bool replace);
static int parse(struct http_change *change, const struct group *group, bool whole,
		 struct policy_list *ret);
static int collect_ids(struct http_change *change, const struct group *group, const char **ret,
		       size_t count);

void route_put_policies(struct http_request *request)
{
	static const struct http_change_kind kind = {
		.commit = { HTTP_CHANGE_COMMIT },
		.plan = plan_put,
		.body = true,
	};

	http_change_begin(request, &kind);
}

void route_replace_policies(struct http_request *request)
{
	static const struct http_change_kind kind = {
		.commit = { HTTP_CHANGE_COMMIT },
		.plan = plan_replace,
		.body = true,
		.alone = true,
	};

	http_change_begin(request, &kind);
}

/* Without an id nothing is deleted, and certainly not everything. */
void route_delete_policies(struct http_request *request)
{
	static const struct http_change_kind kind = {
		.commit = { HTTP_CHANGE_COMMIT },
		.plan = plan_delete,
	};

	if (http_parameter(request, "id", 0))
		http_change_begin(request, &kind);
	else
		http_refuse(
			request, 400,
			"which policy? DELETE /policies?id=ID or /policies/ID; to delete all of "
			"the API's, PUT an empty list");
}

/* The tag is of all there is, and known of what is in force: such a write goes alone. */
static int condition(struct http_change *change)
{
	char etag[POLICY_ETAG_SIZE];

	policies_etag(change->commit.daemon, etag);
	return http_change_condition(change, etag);
}

static int plan_put(struct http_change *change, struct group *group)
{
	return put_all(change, group, false);
}

static int plan_replace(struct http_change *change, struct group *group)
{
	return put_all(change, group, true);
}

static int put_all(struct http_change *change, struct group *group, bool replace)
{
	CLEANUP(policy_list_clear) struct policy_list list = { 0 };
	struct change wanted = { .replace_all = replace };
	int error = condition(change);

	if (!error)
		error = parse(change, group, replace, &list);
	if (error)
		return error;
	http_change_forget_body(change);
	wanted.put = list.policy;
	wanted.put_count = list.count;
	return change_plan(group, &wanted, &change->commit.result, &change->commit.problems);
}

/* What GET /policies?limit=N or `pepctl list --match` answered is not whole: putting it back would
 * delete the rest. */
static int parse(struct http_change *change, const struct group *group, bool whole,
		 struct policy_list *ret)
{
	const struct policy_source source = http_change_source(group);
	struct policy_document document = { .source = &source, .whole = whole };
	int error = http_change_body(change, &document.text, &document.size);

	if (error)
		return error;
	error = policy_document_parse(&document, ret, &change->commit.problems);
	if (error == -ERANGE)
		return http_change_refuse(
			change, 422,
			"this is one page of several, or a choice of what there is (it has "
			"next_cursor, or count is less than policy_count): the policies that are not "
			"on it would be deleted");
	return error ? http_change_invalid(change, error) : 0;
}

static int plan_delete(struct http_change *change, struct group *group)
{
	CLEANUP(cleanup_free) const char **ids = NULL;
	struct change wanted = { 0 };
	int error;

	while (http_parameter(change->request, "id", wanted.remove_count))
		wanted.remove_count++;
	ids = calloc(wanted.remove_count + 1, sizeof(*ids));
	if (!ids)
		return http_change_refuse(change, 503, "out of memory");
	error = collect_ids(change, group, ids, wanted.remove_count);
	if (!error)
		error = condition(change);
	if (error)
		return error;
	wanted.remove = ids;
	return change_plan(group, &wanted, &change->commit.result, &change->commit.problems);
}

static int collect_ids(struct http_change *change, const struct group *group, const char **ret,
		       size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ret[i] = http_parameter(change->request, "id", i);
		if (!group_find(group, ret[i]))
			return http_change_refuse(change, 404, "there is no policy '%.150s'",
						  ret[i]);
	}
	return 0;
}
