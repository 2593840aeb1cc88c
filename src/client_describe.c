/* SPDX-License-Identifier: Apache-2.0 */
#include "client_describe.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "client_json.h"
#include "client_text.h"

/* Members in the order of the sentence. */
static const struct {
	const char *path;
	const char *words; /* in front of the value */
	const char *absent; /* said instead when it is absent; NULL: nothing */
} phrases[] = {
	{ "action", "", NULL },
	{ "direction", "", "in" },
	{ "interface", "dev ", NULL },
	{ "protocol", "proto ", NULL },
	{ "src.ip", "from ", "from any" },
	{ "src.port", "port ", NULL },
	{ "dst.ip", "to ", "to any" },
	{ "dst.port", "port ", NULL },
	{ "icmp_type", "icmp-type ", NULL },
	{ "icmp_code", "icmp-code ", NULL },
	{ "tcp_flags", "flags ", NULL },
	{ "vlan", "vlan ", NULL },
	{ "dscp", "dscp ", NULL },
	{ "length", "length ", NULL },
	{ "ttl", "ttl ", NULL },
	{ "fragment", "fragment ", NULL },
	{ "rate_limit_bytes_per_second", "bytes/s ", NULL },
	{ "rate_limit_packets_per_second", "packets/s ", NULL },
	{ "burst_bytes", "burst-bytes ", NULL },
	{ "burst_packets", "burst-packets ", NULL },
	{ "conform", "conform ", NULL },
	{ "priority", "priority ", NULL },
	{ "expires_at", "until ", NULL },
};

/* Words that the values of "action" and "direction" are said with. */
static const struct {
	const char *value, *word;
} spoken[] = {
	{ "ALLOW", "allow" },	{ "BLOCK", "block" },	{ "REJECT", "reject" },
	{ "RATE_LIMIT", "limit" }, { "LOG_ONLY", "log" }, { "ingress", "in" },
	{ "egress", "out" },	{ "both", "in+out" },
};

static void print_phrase(FILE *out, size_t index, struct json_object *value);

char *client_describe(struct json_object *policy)
{
	CLEANUP(cleanup_free) char *text = NULL;
	struct json_object *enabled = client_member(policy, "enabled");
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(phrases); i++) {
		struct json_object *value = client_member(policy, phrases[i].path);

		if (!value && !phrases[i].absent)
			continue;
		fputs(i ? " " : "", out);
		if (value)
			print_phrase(out, i, value);
		else
			fputs(phrases[i].absent, out);
	}
	if (json_object_get_boolean(client_member(policy, "log")))
		fputs(" log", out);
	if (enabled && !json_object_get_boolean(enabled))
		fputs(" (disabled)", out);
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

static void print_phrase(FILE *out, size_t index, struct json_object *value)
{
	const char *text = json_object_get_string(value);

	fputs(phrases[index].words, out);
	for (size_t i = 0; i < ARRAY_SIZE(spoken) && !*phrases[index].words; i++) {
		if (!strcasecmp(spoken[i].value, text)) {
			fputs(spoken[i].word, out);
			return;
		}
	}
	client_print_value(out, value);
}
