/* SPDX-License-Identifier: Apache-2.0 */
/* pepctl status: one page that says whether it is well and what it does. */
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_json.h"
#include "client_request.h"
#include "client_text.h"
#include "http_json.h"
#include "units.h"

#define ROWS_MAX 5

static int print_status(struct client *client, struct json_object *health,
			struct json_object *stats);
static int count_origins(struct client *client, struct json_object **ret);
static void print_state(struct client *client, struct json_object *health);
static void print_reasons(FILE *out, struct json_object *reasons, const char *what);
static void print_interfaces(FILE *out, struct json_object *interfaces);
static void print_policies(FILE *out, struct json_object *health, struct json_object *origins);
static void print_listeners(FILE *out, struct json_object *listeners);
static void print_last_minute(FILE *out, struct json_object *rows, const char *title,
			      const char *name);

int client_status(struct client *client)
{
	CLEANUP(cleanup_json) struct json_object *health = NULL, *stats = NULL, *origins = NULL;
	const struct client_request request = {
		.method = "GET",
		.target = "/health",
		.may_be_unwell = true,
	};
	int status;

	status = client_ask(client, &request, &health);
	if (!status)
		status = client_get(client, "/stats", &stats);
	if (!status)
		status = count_origins(client, &origins);
	if (status)
		return status;
	if (json_add(health, "policies", TAKE_PTR(origins)))
		return client_fail(client, "out of memory");
	return print_status(client, health, stats);
}

/* {"file": n, "api": m}; one page of one policy says how many there are. */
static int count_origins(struct client *client, struct json_object **ret)
{
	static const struct {
		const char *name, *target;
	} origins[] = {
		{ "file", "/policies?origin=file&limit=1" },
		{ "api", "/policies?origin=api&limit=1" },
	};
	CLEANUP(cleanup_json) struct json_object *counts = json_object_new_object();

	for (size_t i = 0; counts && i < ARRAY_SIZE(origins); i++) {
		CLEANUP(cleanup_json) struct json_object *page = NULL;
		int status = client_get(client, origins[i].target, &page);

		if (status)
			return status;
		if (json_add_number(counts, origins[i].name, client_number(page, "policy_count")))
			return client_fail(client, "out of memory");
	}
	*ret = TAKE_PTR(counts);
	return *ret ? CLIENT_DONE : client_fail(client, "out of memory");
}

static int print_status(struct client *client, struct json_object *health,
			struct json_object *stats)
{
	struct json_object *minute = client_member(stats, "last_minute");
	FILE *out = client->out;
	char bytes[TEXT_SHORT];

	if (client->value[OPTION_JSON]) {
		if (json_add(health, "stats", json_object_get(stats)))
			return client_fail(client, "out of memory");
		client_json_print(out, health);
		return CLIENT_DONE;
	}
	print_state(client, health);
	print_interfaces(out, client_member(health, "interfaces"));
	print_policies(out, health, client_member(health, "policies"));
	fprintf(out,
		"traffic:    %" PRIu64 " packets (%s), %" PRIu64 " passed, %" PRIu64 " dropped\n",
		client_number(stats, "packets_processed"),
		text_bytes(client_number(stats, "bytes_processed"), bytes),
		client_number(stats, "verdicts.pass.packets"),
		client_number(stats, "verdicts.drop.packets"));
	print_listeners(out, client_member(health, "listeners"));
	print_last_minute(out, client_member(minute, "drop_reasons"),
			  "dropped in the last minute, by reason", "reason");
	print_last_minute(out, client_member(minute, "policies"), "policies of the last minute",
			  "id");
	return CLIENT_DONE;
}

static void print_state(struct client *client, struct json_object *health)
{
	const char *state = client_text(health, "status");
	bool well = !strcmp(state, "ok") || !strcmp(state, "idle");
	char uptime[UNITS_TEXT_MAX];
	FILE *out = client->out;

	duration_print(client_number(health, "uptime_seconds"), uptime);
	fprintf(out, "status:     %s%s%s\n",
		text_color(well ? COLOR_GOOD : COLOR_BAD, client->color), state,
		text_color(COLOR_NONE, client->color));
	print_reasons(out, client_member(health, "reasons"), "");
	print_reasons(out, client_member(health, "warnings"), "warning: ");
	fprintf(out, "version:    %s, up %s\n", client_text(health, "version"), uptime);
}

static void print_reasons(FILE *out, struct json_object *reasons, const char *what)
{
	for (size_t i = 0; i < client_length(reasons); i++) {
		struct json_object *reason = json_object_array_get_idx(reasons, i);
		const char *of = client_text(reason, "of");

		fprintf(out, "            %s", what);
		text_print(out, of);
		fputs(*of ? ": " : "", out);
		text_print(out, client_text(reason, "detail"));
		fputc('\n', out);
	}
}

static void print_interfaces(FILE *out, struct json_object *interfaces)
{
	fputs("interfaces:", out);
	for (size_t i = 0; i < client_length(interfaces); i++) {
		struct json_object *interface = json_object_array_get_idx(interfaces, i);
		const char *mode = client_text(interface, "mode");
		bool egress = json_object_get_boolean(client_member(interface, "egress"));

		fputs(i ? ", " : " ", out);
		text_print(out, client_text(interface, "name"));
		fprintf(out, " (%s%s)", *mode ? mode : "not attached", egress ? ", egress" : "");
	}
	fputs(client_length(interfaces) ? "\n" : " none\n", out);
}

static void print_policies(FILE *out, struct json_object *health, struct json_object *origins)
{
	fprintf(out, "policies:   %" PRIu64, client_number(health, "policy_count"));
	if (origins) {
		const char *joint = " (";

		json_object_object_foreach(origins, origin, count) {
			fprintf(out, "%s%" PRIu64 " %s", joint, json_object_get_uint64(count),
				origin);
			joint = ", ";
		}
		fputs(")", out);
	}
	fprintf(out, ", %" PRIu64 " rules, generation %" PRIu64 "\n",
		client_number(health, "rule_count"), client_number(health, "generation"));
	fprintf(out, "default:    %s%s\n", client_text(health, "default_action"),
		json_object_get_boolean(client_member(health, "failsafe")) ? ""
									   : ", without failsafe");
}

static void print_listeners(FILE *out, struct json_object *listeners)
{
	fputs("listeners:  ", out);
	for (size_t i = 0; i < client_length(listeners); i++) {
		struct json_object *listener = json_object_array_get_idx(listeners, i);
		const char *error = client_text(listener, "error");

		fputs(i ? ", " : "", out);
		text_print(out, client_text(listener, "address"));
		if (!json_object_get_boolean(client_member(listener, "up")))
			fprintf(out, " (down: %s)", error);
	}
	fputc('\n', out);
}

static void print_last_minute(FILE *out, struct json_object *rows, const char *title,
			      const char *name)
{
	size_t count = client_length(rows);

	fprintf(out, "%s:%s\n", title, count ? "" : " none");
	for (size_t i = 0; i < count && i < ROWS_MAX; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		fprintf(out, "  %10" PRIu64 "  ", client_number(row, "packets"));
		text_print(out, client_text(row, name));
		fputc('\n', out);
	}
}
