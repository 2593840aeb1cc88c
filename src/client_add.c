/* SPDX-License-Identifier: Apache-2.0 */
/* pepctl add and modify. */
#include <errno.h>
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

/* What is to be sent, and for each how that is called and taken back. */
struct additions {
	struct json_object *policies, *done, *undo; /* arrays */
	bool renewed; /* one of them is there already */
};

static void additions_clear(struct additions *additions);
static int sort_policies(struct client *client, struct json_object *policies,
			 struct additions *additions);
static int send_added(struct client *client, struct additions *additions);
static int make_change(struct client *client, struct json_object *before,
		       struct json_object **ret_body, bool *ret_patch);
static int send_change(struct client *client, struct json_object *body, bool patch,
		       struct json_object **ret);
static int tell_modified(struct client *client, struct json_object *before,
			 struct json_object *answer);

int client_add(struct client *client)
{
	CLEANUP(cleanup_json) struct json_object *policies = NULL;
	CLEANUP(additions_clear)
	struct additions additions = {
		.policies = json_object_new_array(),
		.done = json_object_new_array(),
		.undo = json_object_new_array(),
	};
	int status;

	if (!additions.policies || !additions.done || !additions.undo)
		return client_fail(client, "out of memory");
	status = client_input_policies(client, &policies);
	if (!status)
		status = sort_policies(client, policies, &additions);
	return status ? status : send_added(client, &additions);
}

static void additions_clear(struct additions *additions)
{
	json_object_put(additions->policies);
	json_object_put(additions->done);
	json_object_put(additions->undo);
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

/* `pepctl delete`, or what sets the end of one that is there to what it was. */
static char *undo_of(struct json_object *policy, struct json_object *there)
{
	CLEANUP(cleanup_json) struct json_object *patch = NULL;
	const char *id = client_text(policy, "id");
	CLEANUP(cleanup_free) char *word = text_shell_word(id);
	struct json_object *end = client_member(there, "expires_at");
	char *undo;

	if (!word || (!there && asprintf(&undo, "pepctl delete %s", word) < 0))
		return NULL;
	if (!there)
		return undo;
	patch = json_object_new_object();
	if (!patch || (end ? json_add(patch, "expires_at", json_object_get(end))
			   : json_add_text(patch, "expires_at", NULL)))
		return NULL;
	return client_undo_patch(id, patch);
}

static int add_one(struct json_object *policy, struct json_object *there,
		   struct additions *additions)
{
	CLEANUP(cleanup_free) char *undo = undo_of(policy, there);

	additions->renewed = additions->renewed || there;
	if (!undo || json_append(additions->undo, json_object_new_string(undo)) ||
	    json_append(additions->done, json_object_new_string(there ? "renewed" : "added")))
		return -ENOMEM;
	return json_append(additions->policies, json_object_get(policy));
}

/* One that is there and says something else ends it. */
static int sort_policies(struct client *client, struct json_object *policies,
			 struct additions *additions)
{
	for (size_t i = 0; i < client_length(policies); i++) {
		CLEANUP(cleanup_json) struct json_object *there = NULL;
		struct json_object *policy = json_object_array_get_idx(policies, i);
		const char *id = client_text(policy, "id");
		int status = find_policy(client, id, &there);

		if (status)
			return status;
		if (there && client_same_policy(there, policy)) {
			if (!client->value[OPTION_JSON])
				fprintf(client->out, "%s is there already\n", id);
			continue;
		}
		if (there && (strcmp(client_text(there, "origin"), "api") != 0 ||
			      !client_renews_policy(there, policy)))
			return refuse_other(client, there);
		if (add_one(policy, there, additions))
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

/* A new one by itself, so that the daemon sees to it that it is new; several all or none. */
static int post_added(struct client *client, const struct additions *additions,
		      struct json_object **ret)
{
	struct json_object *first = json_object_array_get_idx(additions->policies, 0);
	CLEANUP(cleanup_free) char *target = client_policy_target(client_text(first, "id"), "");
	const struct client_request one = {
		.method = "PUT",
		.target = target,
		.body = first,
		.must_be_new = !additions->renewed,
	};
	const struct client_request several = {
		.method = "POST",
		.target = "/policies",
		.body = additions->policies,
	};
	bool alone = client_length(additions->policies) == 1;

	if (!target)
		return client_fail(client, "out of memory");
	return client_ask(client, alone ? &one : &several, ret);
}

static int send_added(struct client *client, struct additions *additions)
{
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	int status;

	if (!client_length(additions->policies))
		return tell_nothing(client);
	status = post_added(client, additions, &answer);
	if (status)
		return status;
	for (size_t i = 0; i < client_length(additions->policies); i++) {
		struct json_object *policy = json_object_array_get_idx(additions->policies, i);

		client_print_done(
			client,
			json_object_get_string(json_object_array_get_idx(additions->done, i)),
			client_text(policy, "id"),
			json_object_get_string(json_object_array_get_idx(additions->undo, i)));
	}
	client_print_warnings(client, answer);
	return client_print_answer(client, answer, additions->undo);
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
