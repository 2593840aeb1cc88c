/* SPDX-License-Identifier: Apache-2.0 */
/* pepctl delete: by id, all or none. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_json.h"
#include "client_request.h"
#include "client_write.h"
#include "http_json.h"

static int find_definitions(struct client *client, struct json_object *definitions);
static char *target_of(struct client *client);
static int tell(struct client *client, struct json_object *definitions, struct json_object *answer);

int client_delete(struct client *client)
{
	CLEANUP(cleanup_json) struct json_object *definitions = json_object_new_array();
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	CLEANUP(cleanup_free) char *target = target_of(client);
	const struct client_request request = { .method = "DELETE", .target = target };
	int status;

	if (!definitions || !target)
		return client_fail(client, "out of memory");
	status = find_definitions(client, definitions);
	if (!status)
		status = client_ask(client, &request, &answer);
	if (status)
		return status;
	return tell(client, definitions, answer);
}

/* "/policies?id=A&id=B" */
static char *target_of(struct client *client)
{
	CLEANUP(cleanup_free) char *target = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&target, &size);

	if (!stream)
		return NULL;
	fputs("/policies", stream);
	for (unsigned int i = 0; i < client->argument_count; i++) {
		CLEANUP(cleanup_free) char *id = client_encode(client->argument[i]);

		fprintf(stream, "%cid=%s", i ? '&' : '?', id ? id : "");
	}
	return fclose(stream) ? NULL : TAKE_PTR(target);
}

/* For the undo, and so that nothing is deleted when one of them does not exist. */
static int find_definitions(struct client *client, struct json_object *definitions)
{
	for (unsigned int i = 0; i < client->argument_count; i++) {
		struct json_object *definition = NULL;
		int status;

		status = client_definition(client, client->argument[i], false, &definition);
		if (status)
			return status;
		if (json_append(definitions, definition))
			return client_fail(client, "out of memory");
	}
	return CLIENT_DONE;
}

static int tell(struct client *client, struct json_object *definitions, struct json_object *answer)
{
	CLEANUP(cleanup_json) struct json_object *commands = json_object_new_array();

	for (size_t i = 0; i < client_length(definitions); i++) {
		struct json_object *definition = json_object_array_get_idx(definitions, i);
		CLEANUP(cleanup_free) char *undo = client_undo_delete(definition);

		if (!undo || !commands || json_append(commands, json_object_new_string(undo)))
			return client_fail(client, "out of memory");
		client_print_done(client, "deleted", client_text(definition, "id"), undo);
	}
	client_print_warnings(client, answer);
	return client_print_answer(client, answer, commands);
}
