/* SPDX-License-Identifier: Apache-2.0 */
/* pepctl add and modify. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_input.h"
#include "client_json.h"
#include "client_request.h"
#include "client_text.h"
#include "client_write.h"
#include "http_json.h"

static int keep_new_ones(struct client *client, struct json_object *policies,
			 struct json_object *added);
static int send_added(struct client *client, struct json_object *added);
static int make_change(struct client *client, struct json_object *before,
		       struct json_object **ret_body, bool *ret_patch);
static int send_change(struct client *client, struct json_object *body, bool patch,
		       struct json_object **ret);
static int tell_modified(struct client *client, struct json_object *before,
			 struct json_object *answer);

int client_add(struct client *client)
{
	CLEANUP(cleanup_json) struct json_object *policies = NULL;
	CLEANUP(cleanup_json) struct json_object *added = json_object_new_array();
	int status;

	if (!added)
		return client_fail(client, "out of memory");
	status = client_input_policies(client, &policies);
	if (!status)
		status = keep_new_ones(client, policies, added);
	return status ? status : send_added(client, added);
}

int client_modify(struct client *client)
{
	CLEANUP(cleanup_json) struct json_object *before = NULL, *body = NULL, *answer = NULL;
	bool patch = false;
	int status;

	status = client_definition(client, client->argument[0], false, &before);
	if (!status)
		status = make_change(client, before, &body, &patch);
	if (!status)
		status = send_change(client, body, patch, &answer);
	return status ? status : tell_modified(client, before, answer);
}

/* With its origin, NULL when it is not there. */
static int find_policy(struct client *client, const char *id, struct json_object **ret)
{
	CLEANUP(cleanup_free) char *target = client_policy_target(id, "");
	const struct client_request request = {
		.method = "GET",
		.target = target,
		.may_be_absent = true,
	};

	return target ? client_ask(client, &request, ret) : client_fail(client, "out of memory");
}

static int refuse_other(struct client *client, struct json_object *there)
{
	const char *id = client_text(there, "id"), *origin = client_text(there, "origin");

	client_fail(client, "there is a policy %s already, with another content", id);
	fprintf(client->err, "  look: pepctl show %s\n", id);
	if (!*origin || !strcmp(origin, "api"))
		fputs("  change it with pepctl modify or pepctl apply\n", client->err);
	else
		fprintf(client->err,
			"  it is of the origin %s: change it there, then pepctl reload\n", origin);
	return CLIENT_REFUSED;
}

/* Those of @policies that are not there yet; one that is there and says something else ends it. */
static int keep_new_ones(struct client *client, struct json_object *policies,
			 struct json_object *added)
{
	for (size_t i = 0; i < client_length(policies); i++) {
		CLEANUP(cleanup_json) struct json_object *there = NULL;
		struct json_object *policy = json_object_array_get_idx(policies, i);
		const char *id = client_text(policy, "id");
		int status = find_policy(client, id, &there);

		if (status)
			return status;
		if (there && !client_same_policy(there, policy))
			return refuse_other(client, there);
		if (there && !client->value[OPTION_JSON])
			fprintf(client->out, "%s is there already\n", id);
		if (!there && json_append(added, json_object_get(policy)))
			return client_fail(client, "out of memory");
	}
	return CLIENT_DONE;
}

static int tell_nothing(struct client *client)
{
	if (client->value[OPTION_JSON])
		fputs("{\"status\": \"success\", \"changed\": false}\n", client->out);
	return CLIENT_DONE;
}

/* One policy by itself, so that the daemon sees to it that it is new; several all or none. */
static int post_added(struct client *client, struct json_object *added, struct json_object **ret)
{
	struct json_object *first = json_object_array_get_idx(added, 0);
	CLEANUP(cleanup_free) char *target = client_policy_target(client_text(first, "id"), "");
	const struct client_request one = {
		.method = "PUT",
		.target = target,
		.body = first,
		.must_be_new = true,
	};
	const struct client_request several = {
		.method = "POST",
		.target = "/policies",
		.body = added,
	};

	if (!target)
		return client_fail(client, "out of memory");
	return client_ask(client, client_length(added) == 1 ? &one : &several, ret);
}

static int send_added(struct client *client, struct json_object *added)
{
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	CLEANUP(cleanup_json) struct json_object *commands = json_object_new_array();
	int status;

	if (!client_length(added))
		return tell_nothing(client);
	status = post_added(client, added, &answer);
	if (status)
		return status;
	for (size_t i = 0; i < client_length(added); i++) {
		const char *id = client_text(json_object_array_get_idx(added, i), "id");
		CLEANUP(cleanup_free) char *word = text_shell_word(id), *undo = NULL;

		if (!word || asprintf(&undo, "pepctl delete %s", word) < 0)
			undo = NULL;
		if (!undo || !commands || json_append(commands, json_object_new_string(undo)))
			return client_fail(client, "out of memory");
		client_print_done(client, "added", id, undo);
	}
	client_print_warnings(client, answer);
	return client_print_answer(client, answer, commands);
}

/* Words are a whole policy; what they cannot say stays as it is. */
static int keep_unsaid(struct json_object *before, struct json_object *definition)
{
	static const char *const members[] = { "description", "labels" };

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		struct json_object *value = client_member(before, members[i]);

		if (value && !client_member(definition, members[i]) &&
		    json_add(definition, members[i], json_object_get(value)))
			return -1;
	}
	return json_add(definition, "id", json_object_get(client_member(before, "id")));
}

static int make_change(struct client *client, struct json_object *before,
		       struct json_object **ret_body, bool *ret_patch)
{
	int status;

	*ret_patch = client_is_json(client->argument[1]);
	if (*ret_patch && client->argument_count > 2)
		return client_usage(client, "\"%s\" after JSON: one argument in quotes, please",
				    client->argument[2]);
	if (*ret_patch)
		return client_input_json(client, client->argument[1], ret_body);
	status = client_input_words(client, 1, ret_body);
	if (status)
		return status;
	if (client_member(*ret_body, "id"))
		return client_usage(client, "an id cannot be changed: \"%s\" is not expected here",
				    client->argument[1]);
	return keep_unsaid(before, *ret_body) ? client_fail(client, "out of memory") : CLIENT_DONE;
}

static int send_change(struct client *client, struct json_object *body, bool patch,
		       struct json_object **ret)
{
	CLEANUP(cleanup_free) char *target = client_policy_target(client->argument[0], "");
	const struct client_request request = {
		.method = patch ? "PATCH" : "PUT",
		.target = target,
		.body = body,
		.patch = patch,
	};

	return target ? client_ask(client, &request, ret) : client_fail(client, "out of memory");
}

/* The undo is the way back from what the daemon now has. */
static int tell_modified(struct client *client, struct json_object *before,
			 struct json_object *answer)
{
	CLEANUP(cleanup_json) struct json_object *commands = json_object_new_array();
	CLEANUP(cleanup_json) struct json_object *after = NULL;
	CLEANUP(cleanup_free) char *undo = NULL;
	bool changed = json_object_get_boolean(client_member(answer, "changed"));
	const char *id = client->argument[0];
	int status;

	if (changed && !client->value[OPTION_DRY_RUN]) {
		status = client_definition(client, id, false, &after);
		if (status)
			return status;
		undo = client_undo_modify(id, before, after);
		if (!undo || !commands || json_append(commands, json_object_new_string(undo)))
			return client_fail(client, "out of memory");
	}
	if (changed)
		client_print_done(client, "modified", id, undo);
	else if (!client->value[OPTION_JSON])
		fprintf(client->out, "nothing to change in %s\n", id);
	client_print_warnings(client, answer);
	return client_print_answer(client, answer, commands);
}
