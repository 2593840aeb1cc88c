/* SPDX-License-Identifier: Apache-2.0 */
#include "client_describe.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "client_json.h"
#include "client_text.h"
#include "units.h"

static void print_action(FILE *out, struct json_object *policy);
static void print_direction(FILE *out, struct json_object *policy);
static void print_bursts(FILE *out, struct json_object *policy);
static void print_flags(FILE *out, struct json_object *policy);

/* The sentence: a member behind its word, or a function for what is not that simple. */
static const struct {
	const char *path, *word;
	const char *absent; /* said instead when it is absent; NULL: nothing */
	void (*print)(FILE *out, struct json_object *policy);
} phrases[] = {
	{ .print = print_action },
	{ .print = print_direction },
	{ "protocol", "proto", NULL, NULL },
	{ "src.ip", "from", "any", NULL },
	{ "src.port", "port", NULL, NULL },
	{ "dst.ip", "to", "any", NULL },
	{ "dst.port", "port", NULL, NULL },
	{ "interface", "dev", NULL, NULL },
	{ "icmp_type", "icmp-type", NULL, NULL },
	{ "icmp_code", "icmp-code", NULL, NULL },
	{ "vlan", "vlan", NULL, NULL },
	{ "dscp", "dscp", NULL, NULL },
	{ "tcp_flags", "flags", NULL, NULL },
	{ "length", "length", NULL, NULL },
	{ "ttl", "ttl", NULL, NULL },
	{ "priority", "priority", NULL, NULL },
	{ .print = print_bursts },
	{ "conform", "conform", NULL, NULL },
	{ "expires_at", "until", NULL, NULL },
	{ .print = print_flags },
};

struct spoken {
	const char *value, *word;
};

static const struct spoken actions[] = {
	{ "ALLOW", "allow" },	   { "BLOCK", "block" },  { "REJECT", "reject" },
	{ "RATE_LIMIT", "limit" }, { "LOG_ONLY", "log" }, { NULL, NULL },
};

static const struct spoken directions[] = {
	{ "", "in" },
	{ "ingress", "in" },
	{ "egress", "out" },
	{ NULL, NULL },
};

char *client_describe(struct json_object *policy)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(phrases); i++) {
		const char *word = phrases[i].word;
		struct json_object *value = word ? client_member(policy, phrases[i].path) : NULL;

		if (phrases[i].print) {
			phrases[i].print(out, policy);
		} else if (value) {
			fprintf(out, " %s ", word);
			client_print_value(out, value);
		} else if (phrases[i].absent) {
			fprintf(out, " %s %s", word, phrases[i].absent);
		}
	}
	return fclose(out) ? NULL : TAKE_PTR(text);
}

void client_print_value(FILE *out, struct json_object *value)
{
	if (!json_object_is_type(value, json_type_array)) {
		text_print(out, value ? json_object_get_string(value) : "-");
		return;
	}
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		fputs(i ? "," : "", out);
		client_print_value(out, json_object_array_get_idx(value, i));
	}
}

static const char *say(const struct spoken *words, const char *value)
{
	for (; words->value; words++)
		if (!strcasecmp(words->value, value))
			return words->word;
	return value;
}

/*
 * Rates and bursts are lists in the same order: first comes the kind that has
 * a burst, so that a burst alone is not taken for the other kind's.
 */
static void print_amounts(FILE *out, struct json_object *policy, bool rates)
{
	static const struct {
		const char *rate, *burst;
		enum units_kind kind;
	} limits[] = {
		{ "rate_limit_bytes_per_second", "burst_bytes", UNITS_BYTES },
		{ "rate_limit_packets_per_second", "burst_packets", UNITS_PACKETS },
	};
	bool swap = !client_member(policy, limits[0].burst) &&
		    client_member(policy, limits[1].burst);
	const char *joint = rates ? " " : " burst ";

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		size_t limit = swap ? 1 - i : i;
		uint64_t amount =
			client_number(policy, rates ? limits[limit].rate : limits[limit].burst);
		char text[UNITS_TEXT_MAX];

		if (!amount)
			continue;
		units_print(amount, limits[limit].kind, rates, text);
		fprintf(out, "%s%s", joint, text);
		joint = ",";
	}
}

static void print_action(FILE *out, struct json_object *policy)
{
	text_print(out, say(actions, client_text(policy, "action")));
	print_amounts(out, policy, true);
}

static void print_direction(FILE *out, struct json_object *policy)
{
	fputc(' ', out);
	text_print(out, say(directions, client_text(policy, "direction")));
}

static void print_bursts(FILE *out, struct json_object *policy)
{
	print_amounts(out, policy, false);
}

static void print_flags(FILE *out, struct json_object *policy)
{
	struct json_object *fragment = client_member(policy, "fragment");
	struct json_object *enabled = client_member(policy, "enabled");

	if (fragment)
		fputs(json_object_get_boolean(fragment) ? " fragment" : " unfragmented", out);
	if (json_object_get_boolean(client_member(policy, "log")))
		fputs(" log", out);
	if (enabled && !json_object_get_boolean(enabled))
		fputs(" disabled", out);
}
