/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST, PUT and DELETE /policies: several policies at once, all or nothing.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>

#include "cleanup.h"
#include "daemon.h"
#include "http_request.h"
#include "json_cleanup.h"
#include "policy.h"
#include "policy_write.h"
#include "policyset.h"
#include "problem.h"

static void write_all(struct http_request *request, bool replace);
static bool is_page(struct json_object *body);
static int refuse_page(struct http_request *request, struct json_object *body);
static int collect_ids(struct http_request *request, const char ***ret, size_t *ret_count);

void route_put_policies(struct http_request *request)
{
	write_all(request, false);
}

void route_replace_policies(struct http_request *request)
{
	write_all(request, true);
}

void route_delete_policies(struct http_request *request)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(cleanup_free) const char **ids = NULL;
	struct change change = { 0 };

	if (http_flag(request, "dry_run", &change.dry_run) ||
	    collect_ids(request, &ids, &change.remove_count) || policy_write_condition_all(request))
		return;
	change.remove = ids;
	policy_write(request, &change, &problems, NULL);
}

static void write_all(struct http_request *request, bool replace)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(policy_list_clear) struct policy_list list = { 0 };
	struct policy_source source = policy_write_source(request);
	struct change change = { .replace_all = replace };
	struct json_object *body = NULL;
	int error;

	if (http_flag(request, "dry_run", &change.dry_run) || policy_write_condition_all(request) ||
	    http_body(request, &body))
		return;
	if (replace && refuse_page(request, body)) {
		json_object_put(body);
		return;
	}
	error = policy_parse_list(body, &source, &list, &problems);
	json_object_put(body);
	if (error) {
		policy_write_invalid(request, error, &problems);
		return;
	}
	change.put = list.policy;
	change.put_count = list.count;
	policy_write(request, &change, &problems, NULL);
}

/* Whether a listing says of itself that it has not all there is. */
static bool is_page(struct json_object *body)
{
	struct json_object *cursor = NULL, *count = NULL, *total = NULL;

	if (!json_object_is_type(body, json_type_object))
		return false;
	if (json_object_object_get_ex(body, "next_cursor", &cursor) && cursor)
		return true;
	return json_object_object_get_ex(body, "count", &count) &&
	       json_object_object_get_ex(body, "policy_count", &total) &&
	       json_object_is_type(count, json_type_int) &&
	       json_object_is_type(total, json_type_int) &&
	       json_object_get_int64(count) < json_object_get_int64(total);
}

/* What GET /policies?limit=N or `pepctl list --match` answered: putting it back would
 * delete the rest. */
static int refuse_page(struct http_request *request, struct json_object *body)
{
	if (!is_page(body))
		return 0;
	http_refuse(request, 422,
		    "this is one page of several, or a choice of what there is (it has "
		    "next_cursor, or count is less than policy_count): the policies that are not "
		    "on it would be deleted");
	return -EINVAL;
}

/* Without an id nothing is deleted, and certainly not everything. */
static int collect_ids(struct http_request *request, const char ***ret, size_t *ret_count)
{
	const char **ids = NULL;
	size_t count = 0;

	while (http_parameter(request, "id", count))
		count++;
	if (!count) {
		http_refuse(
			request, 400,
			"which policy? DELETE /policies?id=ID or /policies/ID; to delete all of "
			"the API's, PUT an empty list");
		return -EINVAL;
	}
	ids = calloc(count, sizeof(*ids));
	if (!ids) {
		http_refuse(request, 503, "out of memory");
		return -ENOMEM;
	}
	*ret = ids;
	*ret_count = count;
	for (size_t i = 0; i < count; i++) {
		ids[i] = http_parameter(request, "id", i);
		if (policyset_find(request->daemon->set, ids[i]))
			continue;
		http_refuse(request, 404, "there is no policy '%.150s'", ids[i]);
		return -ENOENT;
	}
	return 0;
}
