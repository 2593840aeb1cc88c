/* SPDX-License-Identifier: Apache-2.0 */
/* pepctl audit: who changed what, and who was refused. */
#include <json-c/json.h>
#include <stdlib.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_describe.h"
#include "client_json.h"
#include "client_request.h"
#include "client_text.h"

static void print_record(struct client *client, struct json_object *record);
static void print_caller(FILE *out, struct json_object *record);
static void print_outcome(FILE *out, struct json_object *record);
static void print_change(FILE *out, struct json_object *change);

int client_audit(struct client *client)
{
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	const char *limit = client->value[OPTION_LIMIT];
	CLEANUP(cleanup_free) char *encoded = client_encode(limit ? limit : "100");
	CLEANUP(cleanup_free) char *target = NULL;
	struct json_object *records;
	int status;

	if (!encoded || asprintf(&target, "/audit?limit=%s", encoded) < 0) {
		target = NULL;
		return client_fail(client, "out of memory");
	}
	status = client_get(client, target, &answer);
	if (status)
		return status;
	records = client_member(answer, "records");
	for (size_t i = 0; i < client_length(records); i++) {
		struct json_object *record = json_object_array_get_idx(records, i);

		if (client->value[OPTION_JSON])
			client_json_print_line(client->out, record);
		else
			print_record(client, record);
	}
	if (!client_length(records) && !client->value[OPTION_JSON])
		fprintf(client->out, "the audit log is empty\n");
	return CLIENT_DONE;
}

static void print_record(struct client *client, struct json_object *record)
{
	const char *result = client_text(record, "result"), *method = client_text(record, "method");
	struct json_object *changes = client_member(record, "changes");
	enum text_color color = *result == 'd' ? COLOR_GOOD : COLOR_BAD;
	FILE *out = client->out;

	text_print(out, client_text(record, "time"));
	fprintf(out, " %s", text_color(color, client->color));
	text_print(out, result);
	fprintf(out, "%s ", text_color(COLOR_NONE, client->color));
	text_print(out, method);
	fputs(*method ? " " : "", out);
	text_print(out, client_text(record, *method ? "path" : "what"));
	print_caller(out, record);
	print_outcome(out, record);
	fputc('\n', out);
	for (size_t i = 0; i < client_length(changes); i++)
		print_change(out, json_object_array_get_idx(changes, i));
	if (client_number(record, "changes_left_out"))
		fprintf(out, "  and %s more\n", client_text(record, "changes_left_out"));
	if (client_number(record, "refusals_left_out"))
		fprintf(out, "  (before it %s refusals are left out: too many at once)\n",
			client_text(record, "refusals_left_out"));
}

/* " by uid 0, pid 7", " by token ci from 192.0.2.1:4711" */
static void print_caller(FILE *out, struct json_object *record)
{
	fputs(" by ", out);
	if (client_member(record, "uid")) {
		fprintf(out, "uid %s, pid %s", client_text(record, "uid"),
			client_text(record, "pid"));
		return;
	}
	text_print(out, client_text(record, "caller"));
	fputs(client_member(record, "name") ? " " : "", out);
	text_print(out, client_text(record, "name"));
	fputs(*client_text(record, "address") ? " from " : "", out);
	text_print(out, client_text(record, "address"));
}

static void print_outcome(FILE *out, struct json_object *record)
{
	struct json_object *errors = client_member(record, "errors");

	if (client_member(record, "status"))
		fprintf(out, ": %s ", client_text(record, "status"));
	else if (client_length(errors))
		fputs(": ", out);
	text_print(out, client_text(record, "error"));
	if (client_length(errors)) {
		fputs(*client_text(record, "error") ? ": " : "", out);
		text_print(out, json_object_get_string(json_object_array_get_idx(errors, 0)));
	}
}

static void print_change(FILE *out, struct json_object *change)
{
	struct json_object *before = client_member(change, "before");
	struct json_object *after = client_member(change, "after");
	CLEANUP(cleanup_free) char *was = before ? client_describe(before) : NULL;
	CLEANUP(cleanup_free) char *is = after ? client_describe(after) : NULL;

	fprintf(out, "  %s ", !before ? "+" : !after ? "-" : "~");
	text_print(out, client_text(change, "id"));
	fputs(": ", out);
	text_print(out, was ? was : is ? is : "");
	if (was && is) {
		fputs(" -> ", out);
		text_print(out, is);
	}
	fputc('\n', out);
}
