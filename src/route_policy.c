/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUT, PATCH and DELETE /policies/{id}: one policy.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>

#include "cleanup.h"
#include "daemon.h"
#include "http_request.h"
#include "json_cleanup.h"
#include "merge_patch.h"
#include "policy.h"
#include "policy_view.h"
#include "policy_write.h"
#include "policyset.h"
#include "problem.h"

static void put_json(struct http_request *request, struct json_object *json, bool dry_run);
static int find_policy(struct http_request *request, struct policy **ret);
static struct json_object *patched(const struct policy *policy, struct json_object *patch);

void route_put_policy(struct http_request *request)
{
	const struct policy *existing = policyset_find(request->daemon->set, request->id);
	CLEANUP(cleanup_json) struct json_object *body = NULL;
	char etag[POLICY_ETAG_SIZE];
	bool dry_run = false;

	if (existing)
		policy_etag(existing, etag);
	if (http_flag(request, "dry_run", &dry_run) ||
	    policy_write_condition(request, existing ? etag : NULL) || http_body(request, &body))
		return;
	put_json(request, body, dry_run);
}

void route_patch_policy(struct http_request *request)
{
	CLEANUP(cleanup_json) struct json_object *body = NULL;
	CLEANUP(cleanup_json) struct json_object *result = NULL;
	struct policy *existing;
	bool dry_run = false;

	if (http_flag(request, "dry_run", &dry_run) || find_policy(request, &existing) ||
	    http_body(request, &body))
		return;
	if (!json_object_is_type(body, json_type_object)) {
		http_refuse(request, 422, "a merge patch of a policy is an object");
		return;
	}
	result = patched(existing, body);
	if (result)
		put_json(request, result, dry_run);
	else
		http_refuse(request, 503, "out of memory");
}

void route_delete_policy(struct http_request *request)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	const char *ids[] = { request->id };
	struct change change = { .remove = ids, .remove_count = ARRAY_SIZE(ids) };
	struct policy *existing;

	if (http_flag(request, "dry_run", &change.dry_run) || find_policy(request, &existing))
		return;
	policy_write(request, &change, &problems, NULL);
}

static void put_json(struct http_request *request, struct json_object *json, bool dry_run)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct policy_source source = policy_write_source(request);
	CLEANUP(cleanup_free) char *location = NULL;
	CLEANUP(policy_put) struct policy *policy = NULL;
	struct change change = { .put = &policy, .put_count = 1, .dry_run = dry_run };
	int error = policy_parse(json, request->id, &source, &policy, &problems);

	if (error) {
		policy_write_invalid(request, error, &problems);
		return;
	}
	if (asprintf(&location, "/policies/%s", request->id) < 0) {
		location = NULL;
		http_refuse(request, 503, "out of memory");
		return;
	}
	policy_write(request, &change, &problems, location);
}

/* Answers when there is none, or If-Match says another one. */
static int find_policy(struct http_request *request, struct policy **ret)
{
	char etag[POLICY_ETAG_SIZE];

	*ret = policyset_find(request->daemon->set, request->id);
	if (!*ret) {
		http_refuse(request, 404, "there is no policy '%.150s'", request->id);
		return -ENOENT;
	}
	policy_etag(*ret, etag);
	return policy_write_condition(request, etag);
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
