/* SPDX-License-Identifier: Apache-2.0 */
/* pepctl apply, flush and reload: changes of many policies at once. */
#include <errno.h>
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
#include "json_scan.h"
#include "json_walk.h"
#include "policy.h"
#include "problem.h"

#define UNDO_IDS 8 /* more are not named one by one */
#define ID_BYTES (POLICY_ID_MAX + 1)

/* The text of a body: of a million policies there is no tree. */
struct body {
	char *text;
	size_t size;
};

static int read_body(struct client *client, struct body *ret);
static int tell(struct client *client, const char *what, struct json_object *answer,
		const char *undo);
static char *undo_of(struct client *client, const struct client_backup *before,
		     const struct body *body, struct json_object *answer);

static void body_clear(struct body *body)
{
	free(body->text);
}

/* Sends it, and tells what came of it. */
static int send_body(struct client *client, const struct body *body, const char *method,
		     const char *what)
{
	CLEANUP(client_backup_clear) struct client_backup before = { 0 };
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	CLEANUP(cleanup_free) char *undo = NULL;
	const struct client_request request = {
		.method = method,
		.target = "/policies",
		.text = body->text,
		.text_bytes = body->size,
		.text_is_json = true,
	};
	int status;

	status = client_backup_read(client, &before);
	if (!status)
		status = client_ask(client, &request, &answer);
	if (status)
		return status;
	undo = undo_of(client, &before, body, answer);
	return tell(client, what, answer, undo);
}

int client_apply(struct client *client)
{
	CLEANUP(body_clear) struct body body = { 0 };
	int status = read_body(client, &body);

	if (status)
		return status;
	return send_body(client, &body, client->value[OPTION_REPLACE] ? "PUT" : "POST",
			 client->argument[0]);
}

int client_flush(struct client *client)
{
	static char none[] = "{\"policies\":[]}";
	const struct body body = { none, sizeof(none) - 1 };

	return send_body(client, &body, "PUT", "all policies of the API");
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

static int read_body(struct client *client, struct body *ret)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	const char *path = client->argument[0];
	int result = client_file_text(path, &ret->text, &ret->size);

	if (!result)
		result = json_blank_comments(ret->text, ret->size, &problems);
	if (!result)
		result = json_scan(ret->text, ret->size, &problems);
	if (!result) {
		ret->size = json_squeeze(ret->text, ret->size);
		return CLIENT_DONE;
	}
	client_print_problems(client->err, path, &problems);
	if (!problems.count)
		client_fail(client, "%s: %s", path, strerror(-result));
	return CLIENT_REFUSED;
}

/* ---- undo */

/* The ids that a text names, as they stand there, quotes included. */
struct id_list {
	struct json_part *id;
	size_t count, room;
};

static void id_list_clear(struct id_list *list)
{
	free(list->id);
}

static int id_list_add(struct id_list *list, const struct json_part *policy)
{
	struct json_part id;

	if (!json_part_member(policy, "id", &id) || !json_part_is(&id, '"'))
		return 0;
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		struct json_part *grown = reallocarray(list->id, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->id = grown;
		list->room = room;
	}
	list->id[list->count++] = id;
	return 0;
}

/* One policy, an array, or an object with an array. */
static int id_list_read(struct id_list *list, const char *text, size_t size)
{
	struct json_part whole = json_part(text, size), policies = whole;
	struct json_walk walk;
	int error = 0;

	json_part_member(&whole, "policies", &policies);
	if (!json_part_is(&policies, '['))
		return id_list_add(list, &policies);
	walk = json_walk(&policies);
	while (!error && json_walk_next(&walk))
		error = id_list_add(list, &walk.value);
	return error;
}

static int compare_ids(const void *a, const void *b)
{
	char x[ID_BYTES], y[ID_BYTES];

	json_part_text(a, x, sizeof(x));
	json_part_text(b, y, sizeof(y));
	return strcmp(x, y);
}

/* `pepctl delete` of what is in @body and was not in @before. */
static char *undo_created(const struct client_backup *before, const struct body *body)
{
	CLEANUP(cleanup_free) char *command = NULL;
	CLEANUP(id_list_clear) struct id_list old = { 0 }, now = { 0 };
	size_t size = 0;
	FILE *stream;

	if (id_list_read(&old, before->text, before->size) ||
	    id_list_read(&now, body->text, body->size))
		return NULL;
	stream = open_memstream(&command, &size);
	if (!stream)
		return NULL;
	fputs("pepctl delete", stream);
	if (old.count)
		qsort(old.id, old.count, sizeof(*old.id), compare_ids);
	for (size_t i = 0; i < now.count; i++) {
		CLEANUP(cleanup_free) char *word = NULL;
		char id[ID_BYTES];

		if (old.count &&
		    bsearch(&now.id[i], old.id, old.count, sizeof(*old.id), compare_ids))
			continue;
		json_part_text(&now.id[i], id, sizeof(id));
		word = text_shell_word(id);
		fprintf(stream, " %s", word ? word : "");
	}
	return fclose(stream) ? NULL : TAKE_PTR(command);
}

static char *undo_of(struct client *client, const struct client_backup *before,
		     const struct body *body, struct json_object *answer)
{
	if (client->value[OPTION_DRY_RUN] ||
	    !json_object_get_boolean(client_member(answer, "changed")))
		return NULL;
	if (!client_number(answer, "updated") && !client_number(answer, "deleted") &&
	    client_number(answer, "created") <= UNDO_IDS)
		return undo_created(before, body);
	if (client_backup_is_empty(before))
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
