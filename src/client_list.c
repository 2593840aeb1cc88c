/* SPDX-License-Identifier: Apache-2.0 */
/* pepctl list, show and export. */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_describe.h"
#include "client_json.h"
#include "client_match.h"
#include "client_request.h"
#include "client_text.h"
#include "http_json.h"

static int list_target(struct client *client, const char *fallback, const char *more, char **ret);
static int print_table(struct client *client, struct json_object *policies);
static void print_policy(FILE *out, struct json_object *policy);

static int read_limit(struct client *client, uint64_t *ret)
{
	const char *text = client->value[OPTION_LIMIT];
	char *end;

	*ret = UINT64_MAX;
	if (!text)
		return CLIENT_DONE;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (*end || errno || strspn(text, "0123456789") == 0 || !*ret)
		return client_usage(client, "\"%s\" is no number of policies for --limit", text);
	return CLIENT_DONE;
}

/* Takes out what is not asked for. Returns 0 or -ENOMEM. */
static int narrow(struct json_object *all, const char *match, uint64_t limit,
		  struct json_object **ret)
{
	CLEANUP(cleanup_json) struct json_object *kept = json_object_new_array();

	for (size_t i = 0; kept && i < client_length(all); i++) {
		struct json_object *policy = json_object_array_get_idx(all, i);

		if (client_length(kept) >= limit)
			break;
		if (client_match(policy, match) && json_append(kept, json_object_get(policy)))
			return -ENOMEM;
	}
	*ret = TAKE_PTR(kept);
	return *ret ? 0 : -ENOMEM;
}

int client_list(struct client *client)
{
	CLEANUP(cleanup_json) struct json_object *answer = NULL, *kept = NULL;
	CLEANUP(cleanup_free) char *target = NULL;
	uint64_t limit;
	int status;

	status = read_limit(client, &limit);
	if (!status)
		status = list_target(client, "all", "", &target);
	if (!status)
		status = client_get(client, target, &answer);
	if (status)
		return status;
	if (narrow(client_member(answer, "policies"), client->value[OPTION_MATCH], limit, &kept))
		return client_fail(client, "out of memory");
	if (!client->value[OPTION_JSON])
		return print_table(client, kept);
	/* By a count below policy_count `apply --replace` sees that it is not all. */
	if (json_add_number(answer, "count", client_length(kept)) ||
	    json_add(answer, "policies", TAKE_PTR(kept)))
		return client_fail(client, "out of memory");
	client_json_print(client->out, answer);
	return CLIENT_DONE;
}

int client_show(struct client *client)
{
	for (unsigned int i = 0; i < client->argument_count; i++) {
		CLEANUP(cleanup_json) struct json_object *policy = NULL;
		CLEANUP(cleanup_free) char *target = NULL;
		int status;

		target = client_policy_target(client->argument[i], "");
		status = target ? client_get(client, target, &policy)
				: client_fail(client, "out of memory");
		if (status)
			return status;
		if (client->value[OPTION_JSON])
			client_json_print(client->out, policy);
		else
			print_policy(client->out, policy);
	}
	return CLIENT_DONE;
}

int client_export(struct client *client)
{
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	CLEANUP(cleanup_json) struct json_object *document = json_object_new_object();
	CLEANUP(cleanup_free) char *target = NULL;
	struct json_object *policies;
	int status;

	status = list_target(client, "api", "fields=definition", &target);
	if (!status)
		status = client_get(client, target, &answer);
	if (status)
		return status;
	policies = client_member(answer, "policies");
	if (!document || json_add(document, "policies", json_object_get(policies)))
		return client_fail(client, "out of memory");
	client_json_print(client->out, document);
	return CLIENT_DONE;
}

/* "/policies" with what --origin asks for. */
static int list_target(struct client *client, const char *fallback, const char *more, char **ret)
{
	const char *origin = client->value[OPTION_ORIGIN];
	CLEANUP(cleanup_free) char *encoded = NULL;
	bool all;

	origin = origin ? origin : fallback;
	all = !strcmp(origin, "all");
	encoded = client_encode(origin);
	if (!encoded || asprintf(ret, "/policies%s%s%s%s%s", !all || *more ? "?" : "",
				 all ? "" : "origin=", all ? "" : encoded, !all && *more ? "&" : "",
				 more) < 0) {
		*ret = NULL;
		return client_fail(client, "out of memory");
	}
	return CLIENT_DONE;
}

static void add_row(struct text_table *table, struct json_object *policy, int64_t now_s)
{
	CLEANUP(cleanup_free) char *words = client_describe(policy);
	char bytes[TEXT_SHORT], hit[TEXT_SHORT];

	text_table_add(table, "%s", client_text(policy, "position"));
	text_table_add(table, "%s", client_text(policy, "id"));
	text_table_add(table, "%s", client_text(policy, "origin"));
	text_table_add(table, "%" PRIu64, client_number(policy, "counters.packets"));
	text_table_add(table, "%s", text_bytes(client_number(policy, "counters.bytes"), bytes));
	text_table_add(table, "%" PRIu64, client_number(policy, "counters.dropped_packets"));
	text_table_add(table, "%s", text_ago(client_text(policy, "last_hit_at"), now_s, hit));
	text_table_add(table, "%s", words ? words : "");
}

static void print_policy_warnings(FILE *out, struct json_object *policy)
{
	struct json_object *warnings = client_member(policy, "warnings");

	for (size_t i = 0; i < client_length(warnings); i++) {
		struct json_object *warning = json_object_array_get_idx(warnings, i);
		const char *detail = client_text(warning, "detail");

		fprintf(out, "warning: %s: ", client_text(policy, "id"));
		text_print(out, *detail ? detail : client_text(warning, ""));
		fputc('\n', out);
	}
}

static int print_table(struct client *client, struct json_object *policies)
{
	static const char *const titles[] = { ">POS",	"ID",	    "ORIGIN",	">PACKETS",
					      ">BYTES", ">DROPPED", "LAST HIT", "POLICY" };
	CLEANUP(text_table_clear)
	struct text_table table = {
		.titles = titles,
		.columns = ARRAY_SIZE(titles),
	};
	int64_t now_s = time(NULL);

	if (!client_length(policies)) {
		fprintf(client->out, "no policies\n");
		return CLIENT_DONE;
	}
	for (size_t i = 0; i < client_length(policies); i++)
		add_row(&table, json_object_array_get_idx(policies, i), now_s);
	if (text_table_print(&table, client->out))
		return client_fail(client, "out of memory");
	for (size_t i = 0; i < client_length(policies); i++)
		print_policy_warnings(client->out, json_object_array_get_idx(policies, i));
	return CLIENT_DONE;
}

/* A line for each member, those of objects with a dot. */
static void print_members(FILE *out, const char *prefix, struct json_object *object)
{
	json_object_object_foreach(object, key, value) {
		CLEANUP(cleanup_free) char *path = NULL;

		if (asprintf(&path, "%s%s%s", prefix, *prefix ? "." : "", key) < 0) {
			path = NULL;
			return;
		}
		if (json_object_is_type(value, json_type_object)) {
			print_members(out, path, value);
			continue;
		}
		fprintf(out, "  %-28s ", path);
		client_print_value(out, value);
		fputc('\n', out);
	}
}

static void print_policy(FILE *out, struct json_object *policy)
{
	CLEANUP(cleanup_free) char *words = client_describe(policy);

	fprintf(out, "%s: ", client_text(policy, "id"));
	text_print(out, words ? words : "");
	fputc('\n', out);
	print_members(out, "", policy);
}
