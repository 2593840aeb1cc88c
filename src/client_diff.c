/* SPDX-License-Identifier: Apache-2.0 */
/* pepctl diff: two sets of policies, each in the parser's canonical form. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_describe.h"
#include "client_file.h"
#include "client_json.h"
#include "client_request.h"
#include "client_text.h"
#include "directories.h"
#include "http_json.h"
#include "policy_json.h"
#include "policyset.h"
#include "problem.h"

#define DIFF_TROUBLE 2 /* as diff(1) */

static int read_other(struct client *client, struct policyset **ret);
static int read_set(struct client *client, const char *path, struct policyset **ret);
static int make_set(struct policy_list *list, struct policyset **ret);
static int compare(const struct policyset *before, const struct policyset *after,
		   struct json_object **ret);
static void print_words(struct client *client, struct json_object *changes);

int client_diff(struct client *client)
{
	CLEANUP(policyset_put) struct policyset *first = NULL, *second = NULL;
	CLEANUP(cleanup_json) struct json_object *changes = NULL;
	bool two = client->argument_count == 2;
	int status;

	status = read_set(client, client->argument[0], &first);
	if (!status && two)
		status = read_set(client, client->argument[1], &second);
	else if (!status)
		status = read_other(client, &second);
	if (status)
		return status == CLIENT_REFUSED ? DIFF_TROUBLE : status;
	if (compare(two ? first : second, two ? second : first, &changes)) {
		client_fail(client, "out of memory");
		return DIFF_TROUBLE;
	}
	if (client->value[OPTION_JSON])
		client_json_print(client->out, changes);
	else
		print_words(client, changes);
	return client_length(changes) ? CLIENT_REFUSED : CLIENT_DONE;
}

/* What is in force, or without a daemon the administrator's file. */
static int read_other(struct client *client, struct policyset **ret)
{
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	CLEANUP(problems_clear) struct problems problems = { 0 };
	const char *origin = client->value[OPTION_ORIGIN];
	bool file = origin && !strcmp(origin, "file");
	const struct client_request request = {
		.method = "GET",
		.target = file ? "/policies?origin=file&fields=definition"
			       : "/policies?origin=api&fields=definition",
		.ask_only = !client->value[OPTION_URL] && !client->value[OPTION_SOCKET] && !origin,
	};
	struct policy_source source = client_source(false);
	struct policy_list list = { 0 };
	int status;

	if (origin && !file && strcmp(origin, "api") != 0)
		return client_usage(client, "--origin is file or api here, not \"%s\"", origin);
	status = client_ask(client, &request, &answer);
	if (request.ask_only && (status == CLIENT_NO_DAEMON || status == CLIENT_NOT_PERMITTED)) {
		fprintf(client->err, "%s: compared with " POLICIES_FILE "\n",
			status == CLIENT_NO_DAEMON ? "no daemon answers"
						   : "not permitted to ask the daemon");
		return read_set(client, POLICIES_FILE, ret);
	}
	if (status)
		return status;
	if (policy_parse_list(client_member(answer, "policies"), &source, &list, &problems)) {
		client_print_problems(client->err, "in force", &problems);
		return CLIENT_REFUSED;
	}
	return make_set(&list, ret) ? client_fail(client, "out of memory") : CLIENT_DONE;
}

static int read_set(struct client *client, const char *path, struct policyset **ret)
{
	struct policy_list list = { 0 };
	int status = client_file_policies(client, path, &list);

	if (status)
		return status;
	return make_set(&list, ret) ? client_fail(client, "out of memory") : CLIENT_DONE;
}

/* Empties the list. */
static int make_set(struct policy_list *list, struct policyset **ret)
{
	CLEANUP(policyset_put) struct policyset *empty = policyset_new();
	int result = -ENOMEM;

	if (empty)
		result = policyset_add(empty, list->policy, list->count, ret);
	policy_list_clear(list);
	return result;
}

/* Appends {"change": "added", "id": ..., "before": ..., "after": ...}. Returns 0 or -ENOMEM. */
static int add_change(struct json_object *changes, const char *id, const struct policy *before,
		      const struct policy *after)
{
	struct json_object *change = json_object_new_object();
	const char *kind = !before ? "added" : !after ? "removed" : "changed";

	if (json_append(changes, change) || json_add_text(change, "change", kind) ||
	    json_add_text(change, "id", id))
		return -ENOMEM;
	if (before && json_add(change, "before", policy_to_json(before)))
		return -ENOMEM;
	return after ? json_add(change, "after", policy_to_json(after)) : 0;
}

static const struct policy *policy_at(const struct policyset *set, size_t index)
{
	return set && index < set->count ? set->policy[index] : NULL;
}

/* Both are sorted by id. */
static int compare(const struct policyset *before, const struct policyset *after,
		   struct json_object **ret)
{
	CLEANUP(cleanup_json) struct json_object *changes = json_object_new_array();
	const struct policy *a = policy_at(before, 0), *b = policy_at(after, 0);
	int result = changes ? 0 : -ENOMEM;
	size_t i = 0, j = 0;

	while ((a || b) && !result) {
		int order = !a ? 1 : !b ? -1 : strcmp(a->id, b->id);

		if (order < 0)
			result = add_change(changes, a->id, a, NULL);
		else if (order > 0)
			result = add_change(changes, b->id, NULL, b);
		else if (!policy_equal(a, b))
			result = add_change(changes, a->id, a, b);
		if (order <= 0)
			a = policy_at(before, ++i);
		if (order >= 0)
			b = policy_at(after, ++j);
	}
	if (!result)
		*ret = TAKE_PTR(changes);
	return result;
}

static void print_line(struct client *client, const char *sign, enum text_color color,
		       const char *text)
{
	fprintf(client->out, "%s%s ", text_color(color, client->color), sign);
	text_print(client->out, text);
	fprintf(client->out, "%s\n", text_color(COLOR_NONE, client->color));
}

static void print_policy(struct client *client, const char *sign, enum text_color color,
			 struct json_object *policy)
{
	CLEANUP(cleanup_free) char *words = client_describe(policy), *line = NULL;

	if (asprintf(&line, "%s: %s", client_text(policy, "id"), words ? words : "") < 0)
		line = NULL;
	print_line(client, sign, color, line ? line : client_text(policy, "id"));
}

/* "    key: value" for what one of them has and the other has not, or otherwise. */
static void print_members(struct client *client, const char *sign, enum text_color color,
			  struct json_object *one, struct json_object *other)
{
	json_object_object_foreach(one, key, value) {
		CLEANUP(cleanup_free) char *line = NULL;

		if (json_object_equal(value, client_member(other, key)))
			continue;
		if (asprintf(&line, "   %s: %s", key,
			     json_object_to_json_string_ext(value,
							    JSON_C_TO_STRING_NOSLASHESCAPE)) < 0)
			line = NULL;
		print_line(client, sign, color, line ? line : key);
	}
}

static void print_words(struct client *client, struct json_object *changes)
{
	for (size_t i = 0; i < client_length(changes); i++) {
		struct json_object *change = json_object_array_get_idx(changes, i);
		struct json_object *before = client_member(change, "before");
		struct json_object *after = client_member(change, "after");

		if (!after) {
			print_policy(client, "-", COLOR_BAD, before);
		} else if (!before) {
			print_policy(client, "+", COLOR_GOOD, after);
		} else {
			print_line(client, "~", COLOR_CHANGED, client_text(change, "id"));
			print_members(client, "-", COLOR_BAD, before, after);
			print_members(client, "+", COLOR_GOOD, after, before);
		}
	}
}
