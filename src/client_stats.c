/* SPDX-License-Identifier: Apache-2.0 */
/* pepctl stats and interfaces: counters and attachments as tables. */
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_json.h"
#include "client_request.h"
#include "client_text.h"

static void add_reasons(struct text_table *table, const char *interface, const char *direction,
			struct json_object *verdicts);
static int print_traffic(struct client *client, struct json_object *stats);
static int print_interfaces(struct client *client, struct json_object *interfaces);
static void print_failures(FILE *out, struct json_object *interface);
static void print_foreign(FILE *out, struct json_object *interface);

int client_stats(struct client *client)
{
	CLEANUP(cleanup_json) struct json_object *stats = NULL;
	FILE *out = client->out;
	char bytes[TEXT_SHORT];
	int status;

	status = client_get(client, "/stats", &stats);
	if (status)
		return status;
	if (client->value[OPTION_JSON]) {
		client_json_print(out, stats);
		return CLIENT_DONE;
	}
	fprintf(out, "%" PRIu64 " packets (%s): %" PRIu64 " passed, %" PRIu64 " dropped\n",
		client_number(stats, "packets_processed"),
		text_bytes(client_number(stats, "bytes_processed"), bytes),
		client_number(stats, "verdicts.pass.packets"),
		client_number(stats, "verdicts.drop.packets"));
	fprintf(out, "flow cache: %" PRIu64 " hits, %" PRIu64 " misses\n",
		client_number(stats, "flow_cache.hits"), client_number(stats, "flow_cache.misses"));
	fprintf(out, "events: %" PRIu64 " lost, %" PRIu64 " suppressed\n",
		client_number(stats, "events.lost"), client_number(stats, "events.suppressed"));
	return print_traffic(client, stats);
}

int client_interfaces(struct client *client)
{
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	int status = client_get(client, "/interfaces", &answer);

	if (status)
		return status;
	if (!client->value[OPTION_JSON])
		return print_interfaces(client, client_member(answer, "interfaces"));
	client_json_print(client->out, answer);
	return CLIENT_DONE;
}

static int print_traffic(struct client *client, struct json_object *stats)
{
	static const char *const titles[] = { "INTERFACE", "DIRECTION", "VERDICT",
					      "REASON",	   ">PACKETS",	">BYTES" };
	static const char *const directions[] = { "ingress", "egress" };
	struct json_object *interfaces = client_member(stats, "interfaces");
	CLEANUP(text_table_clear)
	struct text_table table = {
		.titles = titles,
		.columns = ARRAY_SIZE(titles),
	};

	for (size_t i = 0; i < client_length(interfaces); i++) {
		struct json_object *interface = json_object_array_get_idx(interfaces, i);

		for (size_t j = 0; j < ARRAY_SIZE(directions); j++)
			add_reasons(&table, client_text(interface, "name"), directions[j],
				    client_member(interface, directions[j]));
	}
	if (!table.cells)
		return CLIENT_DONE;
	fputc('\n', client->out);
	return text_table_print(&table, client->out) ? client_fail(client, "out of memory")
						     : CLIENT_DONE;
}

/* A row for each reason that was ever met. */
static void add_reasons(struct text_table *table, const char *interface, const char *direction,
			struct json_object *verdicts)
{
	if (!verdicts)
		return;
	json_object_object_foreach(verdicts, verdict, sum) {
		struct json_object *reasons = client_member(sum, "reasons");

		if (!json_object_is_type(reasons, json_type_object))
			continue;
		json_object_object_foreach(reasons, reason, tally) {
			char bytes[TEXT_SHORT];

			if (!client_number(tally, "packets"))
				continue;
			text_table_add(table, "%s", interface);
			text_table_add(table, "%s", direction);
			text_table_add(table, "%s", verdict);
			text_table_add(table, "%s", reason);
			text_table_add(table, "%" PRIu64, client_number(tally, "packets"));
			text_table_add(table, "%s",
				       text_bytes(client_number(tally, "bytes"), bytes));
		}
	}
}

static uint64_t verdict_packets(struct json_object *interface, const char *verdict)
{
	struct json_object *counters = client_member(interface, "counters");
	char path[32];
	uint64_t packets;

	snprintf(path, sizeof(path), "ingress.%s.packets", verdict);
	packets = client_number(counters, path);
	snprintf(path, sizeof(path), "egress.%s.packets", verdict);
	return packets + client_number(counters, path);
}

static int print_interfaces(struct client *client, struct json_object *interfaces)
{
	static const char *const titles[] = { "NAME",	"MODE", "MECHANISM", "EGRESS",
					      "DRIVER", ">MTU", ">PASSED",   ">DROPPED" };
	CLEANUP(text_table_clear)
	struct text_table table = {
		.titles = titles,
		.columns = ARRAY_SIZE(titles),
	};
	size_t count = client_length(interfaces);

	if (!count) {
		fputs("no interfaces are configured\n", client->out);
		return CLIENT_DONE;
	}
	for (size_t i = 0; i < count; i++) {
		struct json_object *interface = json_object_array_get_idx(interfaces, i);
		const char *mode = client_text(interface, "mode");
		bool egress = json_object_get_boolean(client_member(interface, "egress"));

		text_table_add(&table, "%s", client_text(interface, "name"));
		text_table_add(&table, "%s", *mode ? mode : "-");
		text_table_add(&table, "%s", *mode ? client_text(interface, "mechanism") : "-");
		text_table_add(&table, "%s", egress ? "yes" : "no");
		text_table_add(&table, "%s", client_text(interface, "driver"));
		text_table_add(&table, "%s", client_text(interface, "mtu"));
		text_table_add(&table, "%" PRIu64, verdict_packets(interface, "pass"));
		text_table_add(&table, "%" PRIu64, verdict_packets(interface, "drop"));
	}
	if (text_table_print(&table, client->out))
		return client_fail(client, "out of memory");
	for (size_t i = 0; i < count; i++) {
		struct json_object *interface = json_object_array_get_idx(interfaces, i);

		print_failures(client->out, interface);
		print_foreign(client->out, interface);
	}
	return CLIENT_DONE;
}

/* Why it is not attached, or not as one would like. */
static void print_failures(FILE *out, struct json_object *interface)
{
	struct json_object *attempts = client_member(interface, "attempts");
	const char *name = client_text(interface, "name");
	const char *refused = client_text(interface, "refused");

	if (*refused) {
		fprintf(out, "%s: not attached: ", name);
		text_print(out, refused);
		fputc('\n', out);
	}
	for (size_t i = 0; i < client_length(attempts); i++) {
		struct json_object *attempt = json_object_array_get_idx(attempts, i);

		if (!client_number(attempt, "errno"))
			continue;
		fprintf(out, "%s: %s %s failed: %s", name, client_text(attempt, "mode"),
			client_text(attempt, "hook"), client_text(attempt, "error"));
		if (*client_text(attempt, "detail"))
			fputs(": ", out);
		text_print(out, client_text(attempt, "detail"));
		fputc('\n', out);
	}
}

/* Programs that are not ours and see the same packets. */
static void print_foreign(FILE *out, struct json_object *interface)
{
	struct json_object *programs = client_member(interface, "foreign");

	for (size_t i = 0; i < client_length(programs); i++) {
		struct json_object *program = json_object_array_get_idx(programs, i);

		fprintf(out, "%s: program %s \"", client_text(interface, "name"),
			client_text(program, "program_id"));
		text_print(out, client_text(program, "name"));
		fprintf(out, "\" at %s, %s\n", client_text(program, "hook"),
			client_text(program, "position"));
	}
}
