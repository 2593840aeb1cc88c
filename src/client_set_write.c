/* SPDX-License-Identifier: Apache-2.0 */
/* pepctl set put, add and delete. */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_file.h"
#include "client_input.h"
#include "client_json.h"
#include "client_request.h"
#include "client_set.h"
#include "client_text.h"
#include "client_write.h"
#include "http_json.h"
#include "reason.h"
#include "units.h"

#define FIRST_ENTRY 2 /* argument; before it the subcommand and the name */
#define UNDO_ENTRIES 10 /* of a set that an undo can still say on a line */

/* A write: what is asked, and what is said of it afterwards. */
struct set_write {
	struct client_request request;
	const char *done; /* "added" ... */
	const char *what;
	const char *undo; /* NULL: there is none that fits on a line */
};

static int tell(struct client *client, const struct set_write *write, struct json_object *answer);
static int change_entries(struct client *client, const char *key, unsigned int count,
			  uint64_t ttl_seconds);
static int delete_set(struct client *client);

/* How many entries it has now; none also where there is no such set. */
static int count_entries(struct client *client, uint64_t *ret)
{
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	int status = client_get(client, "/sets", &answer);
	struct json_object *sets = client_member(answer, "sets");

	*ret = 0;
	for (size_t i = 0; i < client_length(sets); i++) {
		struct json_object *set = json_object_array_get_idx(sets, i);

		if (!strcmp(client_text(set, "name"), client->argument[1]))
			*ret = client_number(set, "entry_count");
	}
	return status;
}

/* The command that brings back what the set is now: *ret is NULL for a large one, or none. */
static int undo_whole(struct client *client, const char *target, char **ret)
{
	CLEANUP(cleanup_json) struct json_object *set = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	struct json_object *entries;
	uint64_t count;
	size_t size;
	FILE *stream;
	int status = count_entries(client, &count);

	if (status || !count || count > UNDO_ENTRIES)
		return status;
	status = client_get(client, target, &set);
	if (status)
		return status;
	entries = client_member(set, "entries");
	stream = open_memstream(&text, &size);
	if (!stream)
		return client_fail(client, "out of memory");
	fputs("printf '%s\\n'", stream);
	for (size_t i = 0; i < client_length(entries); i++) {
		struct json_object *entry = json_object_array_get_idx(entries, i);
		const char *end = client_text(entry, "expires_at");

		if (json_object_is_type(entry, json_type_string))
			fprintf(stream, " %s", json_object_get_string(entry));
		else
			fprintf(stream, " '%s expires=%s'", client_text(entry, "address"), end);
	}
	fprintf(stream, " | pepctl set put %s -", client->argument[1]);
	if (fclose(stream))
		return client_fail(client, "out of memory");
	*ret = TAKE_PTR(text);
	return CLIENT_DONE;
}

/* The file as it is, without a terminator: JSON begins with a brace. */
static int read_file(struct client *client, char **ret, size_t *ret_bytes)
{
	const char *path = client->argument[FIRST_ENTRY];
	int result = client_file_text(path, ret, ret_bytes);

	if (result)
		return client_fail(client, "%s: %s", path, strerror(-result));
	if (!*ret_bytes)
		return client_fail(client, "%s is empty: for an empty set write {\"entries\": []}",
				   path);
	return CLIENT_DONE;
}

int client_set_put(struct client *client)
{
	const char *name = client->argument[1];
	CLEANUP(cleanup_free) char *text = NULL, *target = client_set_target(client);
	CLEANUP(cleanup_free) char *undo = NULL, *what = NULL, *terminated = NULL;
	CLEANUP(cleanup_json) struct json_object *body = NULL, *answer = NULL;
	struct set_write write = { .request = { .method = "PUT", .target = target },
				   .done = "replaced" };
	uint64_t entries;
	int status;

	status = target ? read_file(client, &text, &write.request.text_bytes)
			: client_fail(client, "out of memory");
	if (status)
		return status;
	terminated = text ? strndup(text, write.request.text_bytes) : NULL;
	if (!terminated)
		return client_fail(client, "out of memory");
	status = undo_whole(client, target, &undo);
	if (status)
		return status;
	write.request.text = text;
	if (client_is_json(terminated)) {
		status = client_input_json(client, terminated, &body);
		write.request.text = NULL;
		write.request.body = body;
	}
	if (!status)
		status = client_ask(client, &write.request, &answer);
	if (status)
		return status;
	if (client_number(answer, "created")) {
		write.done = "added";
		free(undo);
		if (asprintf(&undo, "pepctl set delete %s", name) < 0)
			undo = NULL;
	}
	entries = client_number(answer, "entry_count");
	if (asprintf(&what, "the set %s with %" PRIu64 " entr%s", name, entries,
		     entries == 1 ? "y" : "ies") < 0)
		what = NULL;
	write.undo = undo;
	write.what = what ? what : name;
	return tell(client, &write, answer);
}

int client_set_add(struct client *client)
{
	unsigned int count = client->argument_count - FIRST_ENTRY;
	char *const *last = &client->argument[client->argument_count - 1];
	struct reason reason;
	uint64_t seconds = 0;

	if (count > 2 && !strcmp(last[-1], "for")) {
		if (duration_parse(*last, &seconds, &reason) < 0)
			return client_usage(client, "\"%s\" %s", *last, reason.text);
		count -= 2;
	}
	return change_entries(client, "add", count, seconds);
}

int client_set_delete(struct client *client)
{
	if (client->argument_count == FIRST_ENTRY)
		return delete_set(client);
	return change_entries(client, "remove", client->argument_count - FIRST_ENTRY, 0);
}

static int delete_set(struct client *client)
{
	CLEANUP(cleanup_free) char *target = client_set_target(client), *undo = NULL;
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	struct set_write write = {
		.request = { .method = "DELETE", .target = target },
		.done = "deleted",
		.what = client->argument[1],
	};
	int status;

	status = target ? undo_whole(client, target, &undo) : client_fail(client, "out of memory");
	if (!status)
		status = client_ask(client, &write.request, &answer);
	write.undo = undo;
	return status ? status : tell(client, &write, answer);
}

static struct json_object *entry_json(const char *text, uint64_t ttl_seconds)
{
	CLEANUP(cleanup_json) struct json_object *entry = NULL;

	if (!ttl_seconds)
		return json_object_new_string(text);
	entry = json_object_new_object();
	if (!entry || json_add_text(entry, "address", text) ||
	    json_add_number(entry, "ttl_seconds", ttl_seconds))
		return NULL;
	return TAKE_PTR(entry);
}

/* {"add": [...]} of the first @count entries. */
static struct json_object *entries_json(const struct client *client, const char *key,
					unsigned int count, uint64_t ttl_seconds)
{
	CLEANUP(cleanup_json) struct json_object *body = json_object_new_object();
	struct json_object *list = json_object_new_array();

	if (!body) {
		json_object_put(list);
		return NULL;
	}
	if (json_add(body, key, list))
		return NULL;
	for (unsigned int i = 0; i < count; i++)
		if (json_append(list, entry_json(client->argument[FIRST_ENTRY + i], ttl_seconds)))
			return NULL;
	return TAKE_PTR(body);
}

/* The opposite, of exactly these entries. */
static char *undo_entries(const struct client *client, const char *subcommand, unsigned int count)
{
	CLEANUP(cleanup_free) char *text = NULL;
	FILE *stream;
	size_t size;

	stream = open_memstream(&text, &size);
	if (!stream)
		return NULL;
	fprintf(stream, "pepctl set %s %s", subcommand, client->argument[1]);
	for (unsigned int i = 0; i < count; i++) {
		CLEANUP(cleanup_free)
		char *word = text_shell_word(client->argument[FIRST_ENTRY + i]);

		fprintf(stream, " %s", word ? word : "");
	}
	return fclose(stream) ? NULL : TAKE_PTR(text);
}

static int change_entries(struct client *client, const char *key, unsigned int count,
			  uint64_t ttl_seconds)
{
	const bool add = !strcmp(key, "add");
	CLEANUP(cleanup_free) char *target = client_set_target(client), *undo = NULL, *what = NULL;
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	CLEANUP(cleanup_json)
	struct json_object *body = entries_json(client, key, count, ttl_seconds);
	struct set_write write = {
		.request = { .method = "PATCH", .target = target, .body = body, .patch = true },
		.done = add ? "added" : "deleted",
	};
	uint64_t done;
	int status;

	if (!target || !body)
		return client_fail(client, "out of memory");
	status = client_ask(client, &write.request, &answer);
	if (status)
		return status;
	done = client_number(answer, add ? "entries_added" : "entries_removed");
	/* What was there before as well would not come back by the opposite. */
	if (done == count)
		undo = undo_entries(client, add ? "delete" : "add", count);
	if (asprintf(&what, "%" PRIu64 " of %u entries %s %s",
		     add ? done + client_number(answer, "entries_changed") : done, count,
		     add ? "to" : "of", client->argument[1]) < 0)
		what = NULL;
	write.what = what ? what : client->argument[1];
	write.undo = undo;
	return tell(client, &write, answer);
}

static int tell(struct client *client, const struct set_write *write, struct json_object *answer)
{
	CLEANUP(cleanup_json) struct json_object *commands = json_object_new_array();

	if (!commands ||
	    (write->undo && json_append(commands, json_object_new_string(write->undo))))
		return client_fail(client, "out of memory");
	if (json_object_get_boolean(client_member(answer, "changed")))
		client_print_done(client, write->done, write->what, write->undo);
	else if (!client->value[OPTION_JSON])
		fprintf(client->out, "nothing to change in %s\n", client->argument[1]);
	client_print_warnings(client, answer);
	return client_print_answer(client, answer, commands);
}
