/* SPDX-License-Identifier: Apache-2.0 */
/* pepctl apply, flush and reload: changes of many policies at once. */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client_backup.h"
#include "client_command.h"
#include "client_file.h"
#include "client_json.h"
#include "client_request.h"
#include "client_text.h"
#include "client_write.h"
#include "http_json.h"
#include "problem.h"

#define UNDO_IDS 8 /* more are not named one by one */

static int read_body(struct client *client, struct json_object **ret);
static struct json_object *policies_of(struct json_object *body);
static int tell(struct client *client, const char *what, struct json_object *answer,
		const char *undo);
static char *undo_of(struct client *client, struct json_object *before, struct json_object *body,
		     struct json_object *answer);

int client_apply(struct client *client)
{
	CLEANUP(cleanup_json) struct json_object *body = NULL, *before = NULL, *answer = NULL;
	CLEANUP(cleanup_free) char *undo = NULL;
	struct client_request request = {
		.method = client->value[OPTION_REPLACE] ? "PUT" : "POST",
		.target = "/policies",
	};
	int status;

	status = read_body(client, &body);
	if (!status)
		status = client_backup_read(client, &before);
	request.body = body;
	if (!status)
		status = client_ask(client, &request, &answer);
	if (status)
		return status;
	undo = undo_of(client, before, body, answer);
	return tell(client, client->argument[0], answer, undo);
}

int client_flush(struct client *client)
{
	CLEANUP(cleanup_json) struct json_object *body = json_tokener_parse("{\"policies\":[]}");
	CLEANUP(cleanup_json) struct json_object *before = NULL, *answer = NULL;
	CLEANUP(cleanup_free) char *undo = NULL;
	const struct client_request request = {
		.method = "PUT",
		.target = "/policies",
		.body = body,
	};
	int status;

	if (!body)
		return client_fail(client, "out of memory");
	status = client_backup_read(client, &before);
	if (!status)
		status = client_ask(client, &request, &answer);
	if (status)
		return status;
	undo = undo_of(client, before, body, answer);
	return tell(client, "all policies of the API", answer, undo);
}

int client_reload(struct client *client)
{
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	const struct client_request request = { .method = "POST", .target = "/reload" };
	int status = client_ask(client, &request, &answer);

	if (status)
		return status;
	return tell(client, "configuration and policy files", answer, NULL);
}

static int read_body(struct client *client, struct json_object **ret)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	const char *path = client->argument[0];
	int result = client_file_read(path, 0, ret, &problems);

	if (!result)
		return CLIENT_DONE;
	client_print_problems(client->err, path, &problems);
	if (!problems.count)
		client_fail(client, "%s: %s", path, strerror(-result));
	return CLIENT_REFUSED;
}

/* The policies of a body that may be one, an array, or an object with an array; borrowed. */
static struct json_object *policies_of(struct json_object *body)
{
	struct json_object *policies = client_member(body, "policies");

	return policies ? policies : body;
}

/* The ids as the keys of an object, to be looked up; NULL: no memory. */
static struct json_object *ids_of(struct json_object *policies)
{
	CLEANUP(cleanup_json) struct json_object *ids = json_object_new_object();

	for (size_t i = 0; ids && i < client_length(policies); i++) {
		struct json_object *policy = json_object_array_get_idx(policies, i);

		if (json_add_bool(ids, client_text(policy, "id"), true))
			return NULL;
	}
	return TAKE_PTR(ids);
}

/* `pepctl delete` of what is in @body and was not in @before. */
static char *undo_created(struct json_object *before, struct json_object *body)
{
	CLEANUP(cleanup_free) char *command = NULL;
	CLEANUP(cleanup_json) struct json_object *ids = ids_of(client_member(before, "policies"));
	struct json_object *policies = policies_of(body);
	bool one = json_object_is_type(policies, json_type_object);
	size_t size = 0, count = one ? 1 : client_length(policies);
	FILE *stream = ids ? open_memstream(&command, &size) : NULL;

	if (!stream)
		return NULL;
	fputs("pepctl delete", stream);
	for (size_t i = 0; i < count; i++) {
		struct json_object *policy = one ? policies
						 : json_object_array_get_idx(policies, i);
		const char *id = client_text(policy, "id");
		CLEANUP(cleanup_free) char *word = text_shell_word(id);

		if (!json_object_object_get_ex(ids, id, NULL))
			fprintf(stream, " %s", word ? word : "");
	}
	return fclose(stream) ? NULL : TAKE_PTR(command);
}

static char *undo_of(struct client *client, struct json_object *before, struct json_object *body,
		     struct json_object *answer)
{
	if (client->value[OPTION_DRY_RUN] ||
	    !json_object_get_boolean(client_member(answer, "changed")))
		return NULL;
	if (!client_number(answer, "updated") && !client_number(answer, "deleted") &&
	    client_number(answer, "created") <= UNDO_IDS)
		return undo_created(before, body);
	if (!client_length(client_member(before, "policies")))
		return strdup("pepctl flush");
	return client_backup_keep(client, before);
}

static void print_counts(FILE *out, struct json_object *answer)
{
	static const char *const members[] = { "created", "updated", "unchanged", "deleted" };

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		fprintf(out, "%s%" PRIu64 " %s", i ? ", " : "", client_number(answer, members[i]),
			members[i]);
	fprintf(out, "; %" PRIu64 " in force", client_number(answer, "policy_count"));
	if (client_number(answer, "others"))
		fprintf(out, ", %" PRIu64 " of another origin", client_number(answer, "others"));
}

static int tell(struct client *client, const char *what, struct json_object *answer,
		const char *undo)
{
	static const struct {
		const char *command, *done;
	} words[] = { { "apply", "applied" }, { "flush", "flushed" }, { "reload", "reloaded" } };
	CLEANUP(cleanup_json) struct json_object *commands = json_object_new_array();
	const char *done = "";
	FILE *out = client->out;

	client_print_warnings(client, answer);
	if (!commands || (undo && json_append(commands, json_object_new_string(undo))))
		return client_fail(client, "out of memory");
	if (client->value[OPTION_JSON])
		return client_print_answer(client, answer, commands);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i].command, client->command->name))
			done = words[i].done;
	fprintf(out, "%s ", client->value[OPTION_DRY_RUN] ? "dry run:" : done);
	text_print(out, what);
	fputs(": ", out);
	print_counts(out, answer);
	client_print_undo(client, undo);
	fputc('\n', out);
	return CLIENT_DONE;
}
