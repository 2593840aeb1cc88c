/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUT, PATCH and DELETE /policies/{id}: one policy.
 */
#include <errno.h>
#include <json-c/json.h>

#include "change.h"
#include "cleanup.h"
#include "group.h"
#include "http_change.h"
#include "http_request.h"
#include "json_cleanup.h"
#include "merge_patch.h"
#include "policy.h"
#include "policy_view.h"

static int plan_put(struct http_change *change, struct group *group);
static int plan_patch(struct http_change *change, struct group *group);
static int plan_delete(struct http_change *change, struct group *group);
static int put_json(struct http_change *change, struct group *group, struct json_object *json);
static int find_policy(struct http_change *change, const struct group *group, struct policy **ret);
static struct json_object *patched(const struct policy *policy, struct json_object *patch);

void route_put_policy(struct http_request *request)
{
	static const struct http_change_kind kind = {
		.commit = { HTTP_CHANGE_COMMIT },
		.plan = plan_put,
		.location = "/policies/",
		.body = true,
	};

	http_change_begin(request, &kind);
}

void route_patch_policy(struct http_request *request)
{
	static const struct http_change_kind kind = {
		.commit = { HTTP_CHANGE_COMMIT },
		.plan = plan_patch,
		.body = true,
	};

	http_change_begin(request, &kind);
}

void route_delete_policy(struct http_request *request)
{
	static const struct http_change_kind kind = {
		.commit = { HTTP_CHANGE_COMMIT },
		.plan = plan_delete,
	};

	http_change_begin(request, &kind);
}

static int plan_put(struct http_change *change, struct group *group)
{
	const struct policy *existing = group_find(group, change->request->id);
	CLEANUP(cleanup_json) struct json_object *body = NULL;
	char etag[POLICY_ETAG_SIZE];
	int error;

	if (existing)
		policy_etag(existing, etag);
	error = http_change_condition(change, existing ? etag : NULL);
	if (!error)
		error = http_change_json(change, &body);
	return error ? error : put_json(change, group, body);
}

static int plan_patch(struct http_change *change, struct group *group)
{
	CLEANUP(cleanup_json) struct json_object *body = NULL;
	CLEANUP(cleanup_json) struct json_object *result = NULL;
	struct policy *existing;
	int error = find_policy(change, group, &existing);

	if (!error)
		error = http_change_json(change, &body);
	if (error)
		return error;
	if (!json_object_is_type(body, json_type_object))
		return http_change_refuse(change, 422, "a merge patch of a policy is an object");
	result = patched(existing, body);
	if (!result)
		return http_change_refuse(change, 503, "out of memory");
	return put_json(change, group, result);
}

static int plan_delete(struct http_change *change, struct group *group)
{
	const char *ids[] = { change->request->id };
	const struct change wanted = { .remove = ids, .remove_count = ARRAY_SIZE(ids) };
	struct policy *existing;
	int error = find_policy(change, group, &existing);

	if (error)
		return error;
	return change_plan(group, &wanted, &change->commit.result, &change->commit.problems);
}

static int put_json(struct http_change *change, struct group *group, struct json_object *json)
{
	const struct policy_source source = http_change_source(group);
	const char *id = change->request->id;
	CLEANUP(policy_put) struct policy *policy = NULL;
	const struct change wanted = { .put = &policy, .put_count = 1 };
	int error = policy_parse(json, id, &source, &policy, &change->commit.problems);

	if (error)
		return http_change_invalid(change, error);
	error = change_plan(group, &wanted, &change->commit.result, &change->commit.problems);
	if (!error)
		policy_etag(group_find(group, id), change->etag);
	return error;
}

/* Refuses when there is none, or If-Match says another one. */
static int find_policy(struct http_change *change, const struct group *group, struct policy **ret)
{
	char etag[POLICY_ETAG_SIZE];

	*ret = group_find(group, change->request->id);
	if (!*ret)
		return http_change_refuse(change, 404, "there is no policy '%.150s'",
					  change->request->id);
	policy_etag(*ret, etag);
	return http_change_condition(change, etag);
}

/* A patch that says when it expires in one way replaces what was said in the
 * other. */
static struct json_object *patched(const struct policy *policy, struct json_object *patch)
{
	CLEANUP(cleanup_json) struct json_object *json = policy_to_json(policy);
	struct json_object *ttl = NULL;

	if (!json)
		return NULL;
	if (json_object_object_get_ex(patch, "ttl_seconds", &ttl) && ttl)
		json_object_object_del(json, "expires_at");
	return merge_patch(&json, patch) ? NULL : TAKE_PTR(json);
}
