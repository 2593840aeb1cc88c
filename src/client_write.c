/* SPDX-License-Identifier: Apache-2.0 */
#include "client_write.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_json.h"
#include "client_request.h"
#include "client_text.h"
#include "http_json.h"

static char *with_json(const char *command, struct json_object *json);

int client_definition(struct client *client, const char *id, bool may_be_absent,
		      struct json_object **ret)
{
	CLEANUP(cleanup_free) char *target = client_policy_target(id, "?fields=definition");
	const struct client_request request = {
		.method = "GET",
		.target = target,
		.may_be_absent = may_be_absent,
	};

	if (!target)
		return client_fail(client, "out of memory");
	return client_ask(client, &request, ret);
}

char *client_undo_delete(struct json_object *definition)
{
	return with_json("pepctl add", definition);
}

char *client_undo_modify(const char *id, struct json_object *before, struct json_object *after)
{
	CLEANUP(cleanup_json) struct json_object *patch = client_merge_patch(after, before);

	return patch ? client_undo_patch(id, patch) : NULL;
}

char *client_undo_patch(const char *id, struct json_object *patch)
{
	CLEANUP(cleanup_free) char *word = text_shell_word(id);
	CLEANUP(cleanup_free) char *command = NULL;

	if (!word || asprintf(&command, "pepctl modify %s", word) < 0) {
		command = NULL;
		return NULL;
	}
	return with_json(command, patch);
}

struct json_object *client_merge_patch(struct json_object *from, struct json_object *to)
{
	CLEANUP(cleanup_json) struct json_object *patch = json_object_new_object();

	if (!patch)
		return NULL;
	json_object_object_foreach(from, gone, ignored) {
		(void)ignored;
		if (!json_object_object_get_ex(to, gone, NULL) && json_add_text(patch, gone, NULL))
			return NULL;
	}
	json_object_object_foreach(to, key, value) {
		struct json_object *old, *part;

		if (json_object_object_get_ex(from, key, &old) && json_object_equal(old, value))
			continue;
		part = json_object_get(value);
		if (json_object_is_type(old, json_type_object) &&
		    json_object_is_type(value, json_type_object)) {
			json_object_put(part);
			part = client_merge_patch(old, value);
		}
		if (json_add(patch, key, part))
			return NULL;
	}
	return TAKE_PTR(patch);
}

void client_print_done(struct client *client, const char *done, const char *what, const char *undo)
{
	FILE *out = client->out;

	if (client->value[OPTION_JSON])
		return;
	if (client->value[OPTION_DRY_RUN])
		fputs("dry run: ", out);
	else
		fprintf(out, "%s ", done);
	text_print(out, what);
	if (client->value[OPTION_DRY_RUN])
		fprintf(out, " would be %s", done);
	else
		client_print_undo(client, undo);
	fputc('\n', out);
}

/* The same daemon is meant, whatever the environment is when it is run. */
static char *undo_here(const struct client *client, const char *undo)
{
	static const char program[] = "pepctl";
	static const enum client_option_id options[] = { OPTION_SOCKET,	    OPTION_URL,
							 OPTION_TOKEN_FILE, OPTION_CACERT,
							 OPTION_CERT,	    OPTION_KEY };
	const char *behind = strstr(undo, program) + strlen(program);
	char *line = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&line, &size);

	if (!stream)
		return NULL;
	fwrite(undo, 1, (size_t)(behind - undo), stream);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const char *value = client->value[options[i]];
		CLEANUP(cleanup_free) char *word = value ? text_shell_word(value) : NULL;

		if (word)
			fprintf(stream, " --%s %s", client_options[options[i]].name, word);
	}
	fputs(behind, stream);
	if (fclose(stream)) {
		free(line);
		return NULL;
	}
	return line;
}

void client_print_undo(struct client *client, const char *undo)
{
	CLEANUP(cleanup_free) char *line = undo ? undo_here(client, undo) : NULL;

	if (line)
		fprintf(client->out, " (undo: %s)", line);
}

static int add_undo(const struct client *client, struct json_object *answer,
		    struct json_object *undo)
{
	struct json_object *lines = json_object_new_array();

	if (json_add(answer, "undo", lines))
		return -ENOMEM;
	for (size_t i = 0; i < client_length(undo); i++) {
		struct json_object *command = json_object_array_get_idx(undo, i);
		CLEANUP(cleanup_free)
		char *line = undo_here(client, json_object_get_string(command));

		if (!line || json_append(lines, json_object_new_string(line)))
			return -ENOMEM;
	}
	return 0;
}

int client_print_answer(struct client *client, struct json_object *answer, struct json_object *undo)
{
	bool has_undo = json_object_array_length(undo) && !client->value[OPTION_DRY_RUN];

	if (!client->value[OPTION_JSON])
		return CLIENT_DONE;
	if (has_undo && add_undo(client, answer, undo))
		return client_fail(client, "out of memory");
	client_json_print(client->out, answer);
	return CLIENT_DONE;
}

static char *with_json(const char *command, struct json_object *json)
{
	const char *text = json_object_to_json_string_ext(
		json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	CLEANUP(cleanup_free) char *word = text ? text_shell_word(text) : NULL;
	char *line;

	if (!word || asprintf(&line, "%s %s", command, word) < 0)
		return NULL;
	return line;
}
