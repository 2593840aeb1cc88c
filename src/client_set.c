/* SPDX-License-Identifier: Apache-2.0 */
/* pepctl set: list and show; what writes is in client_set_write.c. */
#include "client_set.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_json.h"
#include "client_request.h"
#include "client_text.h"

static int list(struct client *client);
static int show(struct client *client);

static const struct {
	const char *name, *arguments;
	unsigned int least, most; /* arguments behind the name */
	int (*run)(struct client *client);
} subcommands[] = {
	{ "list", "", 0, 0, list },
	{ "show", "NAME", 1, 1, show },
	{ "put", "NAME FILE", 2, 2, client_set_put },
	{ "add", "NAME ENTRY...", 2, CLIENT_ANY_NUMBER - 1, client_set_add },
	{ "delete", "NAME [ENTRY...]", 1, CLIENT_ANY_NUMBER - 1, client_set_delete },
};

int client_set(struct client *client)
{
	const char *name = client->argument[0];
	unsigned int count = client->argument_count - 1;

	for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++) {
		if (strcmp(subcommands[i].name, name) != 0)
			continue;
		if (count < subcommands[i].least || count > subcommands[i].most)
			return client_usage(client, "it is: pepctl set %s %s", name,
					    subcommands[i].arguments);
		return subcommands[i].run(client);
	}
	return client_usage(client, "\"%s\" is not list, show, put, add or delete", name);
}

char *client_set_target(const struct client *client)
{
	CLEANUP(cleanup_free) char *encoded = client_encode(client->argument[1]);
	char *target;

	if (!encoded || asprintf(&target, "/sets/%s", encoded) < 0)
		return NULL;
	return target;
}

/* "a, b", "-" when nobody does. */
static char *users_of(struct json_object *set)
{
	struct json_object *users = client_member(set, "used_by");
	CLEANUP(cleanup_free) char *text = NULL;
	FILE *stream;
	size_t size;

	stream = open_memstream(&text, &size);
	if (!stream)
		return NULL;
	for (size_t i = 0; i < client_length(users); i++)
		fprintf(stream, "%s%s", i ? ", " : "",
			json_object_get_string(json_object_array_get_idx(users, i)));
	if (!client_length(users))
		fputc('-', stream);
	return fclose(stream) ? NULL : TAKE_PTR(text);
}

static int list(struct client *client)
{
	static const char *const titles[] = { "NAME", "ORIGIN", ">ENTRIES", "CHANGED", "USED BY" };
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	CLEANUP(text_table_clear)
	struct text_table table = { .titles = titles, .columns = ARRAY_SIZE(titles) };
	struct json_object *sets;
	int64_t now_s = time(NULL);
	int status = client_get(client, "/sets", &answer);

	if (status)
		return status;
	if (client->value[OPTION_JSON]) {
		client_json_print(client->out, answer);
		return CLIENT_DONE;
	}
	sets = client_member(answer, "sets");
	if (!client_length(sets)) {
		fprintf(client->out, "no sets of addresses\n");
		return CLIENT_DONE;
	}
	for (size_t i = 0; i < client_length(sets); i++) {
		struct json_object *set = json_object_array_get_idx(sets, i);
		CLEANUP(cleanup_free) char *users = users_of(set);
		char changed[TEXT_SHORT];

		text_table_add(&table, "%s", client_text(set, "name"));
		text_table_add(&table, "%s", client_text(set, "origin"));
		text_table_add(&table, "%s", client_text(set, "entry_count"));
		text_table_add(&table, "%s",
			       text_ago(client_text(set, "updated_at"), now_s, changed));
		text_table_add(&table, "%s", users ? users : "");
	}
	return text_table_print(&table, client->out) ? client_fail(client, "out of memory")
						     : CLIENT_DONE;
}

/* As put takes it back. */
static void print_entries(FILE *out, struct json_object *entries)
{
	for (size_t i = 0; i < client_length(entries); i++) {
		struct json_object *entry = json_object_array_get_idx(entries, i);

		if (json_object_is_type(entry, json_type_string)) {
			text_print(out, json_object_get_string(entry));
		} else {
			text_print(out, client_text(entry, "address"));
			fputs(" expires=", out);
			text_print(out, client_text(entry, "expires_at"));
		}
		fputc('\n', out);
	}
}

static int show(struct client *client)
{
	CLEANUP(cleanup_free) char *target = client_set_target(client);
	CLEANUP(cleanup_json) struct json_object *set = NULL;
	CLEANUP(cleanup_free) char *users = NULL;
	int status;

	status = target ? client_get(client, target, &set) : client_fail(client, "out of memory");
	if (status)
		return status;
	if (client->value[OPTION_JSON]) {
		client_json_print(client->out, set);
		return CLIENT_DONE;
	}
	users = users_of(set);
	fprintf(client->out, "# %s: origin %s, %s entries, used by ", client_text(set, "name"),
		client_text(set, "origin"), client_text(set, "entry_count"));
	text_print(client->out, users ? users : "");
	fputc('\n', client->out);
	print_entries(client->out, client_member(set, "entries"));
	return CLIENT_DONE;
}
