/* SPDX-License-Identifier: Apache-2.0 */
#include "client_input.h"

#include <json-c/json.h>
#include <string.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_file.h"
#include "client_json.h"
#include "http_json.h"
#include "json.h"
#include "policy.h"
#include "policy_json.h"
#include "problem.h"
#include "words.h"

static int read_input(struct client *client, struct json_object **ret);
static int as_array(struct client *client, struct json_object *input, struct json_object **ret);
static int give_id(struct client *client, struct json_object *definition, size_t index, bool alone);
static int refuse(struct client *client, const char *name, int result,
		  const struct problems *problems);

bool client_is_json(const char *text)
{
	text += strspn(text, " \t\r\n");
	return *text == '{' || *text == '[';
}

int client_input_json(struct client *client, const char *text, struct json_object **ret)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	int result = json_read(text, strlen(text), 0, ret, &problems);

	return result ? refuse(client, "pepctl", result, &problems) : CLIENT_DONE;
}

static int read_words(struct client *client, unsigned int first, bool packet,
		      struct json_object **ret)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	int result = words_parse((const char *const *)client->argument + first,
				 (int)(client->argument_count - first), packet, ret, &problems);

	if (!result)
		return CLIENT_DONE;
	refuse(client, "pepctl", result, &problems);
	return CLIENT_USAGE;
}

int client_input_words(struct client *client, unsigned int first, struct json_object **ret)
{
	return read_words(client, first, false, ret);
}

int client_input_packet(struct client *client, struct json_object **ret)
{
	return read_words(client, 0, true, ret);
}

int client_input_policies(struct client *client, struct json_object **ret)
{
	CLEANUP(cleanup_json) struct json_object *input = NULL, *array = NULL;
	bool alone;
	int status;

	status = read_input(client, &input);
	if (!status)
		status = as_array(client, input, &array);
	if (status)
		return status;
	alone = array != input && !client_member(input, "policies");
	for (size_t i = 0; i < client_length(array) && !status; i++)
		status = give_id(client, json_object_array_get_idx(array, i), i, alone);
	if (!status)
		*ret = TAKE_PTR(array);
	return status;
}

bool client_same_policy(struct json_object *a, struct json_object *b)
{
	CLEANUP(problems_clear) struct problems ignored = { 0 };
	CLEANUP(policy_put) struct policy *x = NULL, *y = NULL;
	struct policy_source source = client_source(false);

	return !policy_parse(a, NULL, &source, &x, &ignored) &&
	       !policy_parse(b, NULL, &source, &y, &ignored) && policy_equal(x, y);
}

bool client_renews_policy(struct json_object *there, struct json_object *policy)
{
	CLEANUP(problems_clear) struct problems ignored = { 0 };
	CLEANUP(policy_put) struct policy *x = NULL, *y = NULL;
	struct policy_source source = client_source(false);
	char id[16];

	if (policy_parse(there, NULL, &source, &x, &ignored) ||
	    policy_parse(policy, NULL, &source, &y, &ignored))
		return false;
	policy_content_id(y, id);
	y->expires_at = x->expires_at;
	return !strcmp(id, y->id) && policy_equal(x, y);
}

static int read_input(struct client *client, struct json_object **ret)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	const char *path = client->value[OPTION_FILE];
	const char *first = client->argument_count ? client->argument[0] : "";
	int result;

	if (path && client->argument_count)
		return client_usage(client, "--file and \"%s\" exclude each other", first);
	if (!path && !client->argument_count)
		return client_usage(client, "add needs %s", client->command->arguments);
	if (!path && strcmp(first, "-") != 0 && !client_is_json(first))
		return client_input_words(client, 0, ret);
	if (client->argument_count > 1)
		return client_usage(client, "\"%s\" after JSON: one argument in quotes, please",
				    client->argument[1]);
	if (!path && client_is_json(first))
		return client_input_json(client, first, ret);
	path = path ? path : "-";
	result = client_file_read(path, 0, ret, &problems);
	return result ? refuse(client, path, result, &problems) : CLIENT_DONE;
}

/* One, an array or {"policies": [...]} as an array. */
static int as_array(struct client *client, struct json_object *input, struct json_object **ret)
{
	struct json_object *policies = client_member(input, "policies");
	CLEANUP(cleanup_json) struct json_object *array = NULL;

	if (json_object_is_type(policies, json_type_array) ||
	    json_object_is_type(input, json_type_array)) {
		*ret = json_object_get(policies ? policies : input);
		return CLIENT_DONE;
	}
	array = json_object_new_array();
	if (!array || json_append(array, json_object_get(input)))
		return client_fail(client, "out of memory");
	*ret = TAKE_PTR(array);
	return CLIENT_DONE;
}

/* Parses a definition to see whether it is valid and, where it has none, what its id is. */
static int give_id(struct client *client, struct json_object *definition, size_t index, bool alone)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(policy_put) struct policy *policy = NULL;
	struct policy_source source = client_source(false);
	bool has_id = client_member(definition, "id");
	char id[16], prefix[32];
	int result;

	result = policy_parse(definition, has_id ? NULL : "unnamed", &source, &policy, &problems);
	if (result) {
		snprintf(prefix, sizeof(prefix), "/%zu", index);
		if (!alone)
			problems_prefix(&problems, 0, prefix);
		return refuse(client, "pepctl", result, &problems);
	}
	if (has_id)
		return CLIENT_DONE;
	policy_content_id(policy, id);
	if (json_add_text(definition, "id", id))
		return client_fail(client, "out of memory");
	return CLIENT_DONE;
}

static int refuse(struct client *client, const char *name, int result,
		  const struct problems *problems)
{
	client_print_problems(client->err, name, problems);
	if (!problems->count)
		fprintf(client->err, "%s: %s\n", name, strerror(-result));
	return CLIENT_REFUSED;
}
