// SPDX-License-Identifier: Apache-2.0
#include "words.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "json_cleanup.h"
#include "json_pointer.h"
#include "number.h"
#include "problem.h"
#include "reason.h"
#include "suggest.h"
#include "units.h"

#define RATES_MAX 2

/* The words and what they have become so far. */
struct sentence {
	const char *const *words;
	int count, next; /* words[next - 1] is the one being read */
	struct json_object *json; /* owned */
	struct problems *problems;
	const char *side; /* "src" or "dst", what "port" is of; NULL: no address yet */
	bool rate_is_bytes[RATES_MAX];
	int rates;
};

struct word {
	const char *name;
	/* Puts the word's meaning into sentence->json. Returns 0, -EINVAL (noted), -ENOMEM. */
	int (*read)(struct sentence *sentence, const struct word *word, const char *argument);
	const char *group; /* of the member; NULL: the top */
	const char *member;
	const char *argument; /* what must follow, for messages; NULL: nothing */
	const char *constant; /* the value, for words without an argument */
};

static int read_action(struct sentence *sentence);
static int read_word(struct sentence *sentence);

static int read_constant(struct sentence *sentence, const struct word *word, const char *argument);
static int read_flag(struct sentence *sentence, const struct word *word, const char *argument);
static int read_text(struct sentence *sentence, const struct word *word, const char *argument);
static int read_list(struct sentence *sentence, const struct word *word, const char *argument);
static int read_side(struct sentence *sentence, const struct word *word, const char *argument);
static int read_port(struct sentence *sentence, const struct word *word, const char *argument);
static int read_priority(struct sentence *sentence, const struct word *word, const char *argument);
static int read_label(struct sentence *sentence, const struct word *word, const char *argument);
static int read_duration(struct sentence *sentence, const struct word *word, const char *argument);
static int read_rates(struct sentence *sentence, const struct word *word, const char *argument);
static int read_bursts(struct sentence *sentence, const struct word *word, const char *argument);

#define ADDRESSES                                                                                  \
	"addresses: any, 192.0.2.1, 192.0.2.0/24, low-high, !192.0.2.9, @set, or a list a,b"

/* The first word of a policy, or the second behind its id. */
static const struct word actions[] = {
	{ "allow", read_constant, NULL, "action", NULL, "ALLOW" },
	{ "block", read_constant, NULL, "action", NULL, "BLOCK" },
	{ "limit", read_rates, NULL, "action",
	  "a rate: 10MB/s, 100Mbit/s, 1000/s, or both kinds "
	  "as 10MB/s,1000/s",
	  "RATE_LIMIT" },
	{ "log", read_constant, NULL, "action", NULL, "LOG_ONLY" },
	{ "reject", read_constant, NULL, "action", NULL, "REJECT" },
};

static const struct word words_known[] = {
	{ "in", read_constant, NULL, "direction", NULL, "ingress" },
	{ "out", read_constant, NULL, "direction", NULL, "egress" },
	{ "both", read_constant, NULL, "direction", NULL, "both" },
	{ "proto", read_text, NULL, "protocol", "a protocol: tcp, udp, icmp, 47", NULL },
	{ "from", read_side, "src", "ip", ADDRESSES, NULL },
	{ "to", read_side, "dst", "ip", ADDRESSES, NULL },
	{ "port", read_port, NULL, "port", "ports: 80, 8000-8100, or a list 80,443", NULL },
	{ "icmp-type", read_text, NULL, "icmp_type", "a type: echo-request, 8", NULL },
	{ "icmp-code", read_text, NULL, "icmp_code", "a code: 0 to 255", NULL },
	{ "dev", read_list, NULL, "interface", "interfaces: eth0, or a list eth0,eth1", NULL },
	{ "vlan", read_list, NULL, "vlan", "VLAN ids: 10, 10-20, none, or a list", NULL },
	{ "dscp", read_list, NULL, "dscp", "DSCP classes: ef, af11, 46, or a list", NULL },
	{ "flags", read_text, NULL, "tcp_flags", "TCP flags: syn,!ack", NULL },
	{ "length", read_text, NULL, "length", "a length in bytes or a range: 64-128", NULL },
	{ "ttl", read_text, NULL, "ttl", "a TTL or a range: 0-5", NULL },
	{ "fragment", read_flag, NULL, "fragment", NULL, "true" },
	{ "unfragmented", read_flag, NULL, "fragment", NULL, NULL },
	{ "priority", read_priority, NULL, "priority", "a number from 0 to 65535", NULL },
	{ "burst", read_bursts, NULL, "burst", "an amount for each rate: 64KiB, 1000", NULL },
	{ "conform", read_text, NULL, "conform", "pass or continue", NULL },
	{ "for", read_duration, NULL, "ttl_seconds", "a duration: 90s, 5m, 1h30m, 2d", NULL },
	{ "until", read_text, NULL, "expires_at", "a time in UTC: 2026-01-31T23:59:59Z", NULL },
	{ "log", read_flag, NULL, "log", NULL, "true" },
	{ "disabled", read_flag, NULL, "enabled", NULL, NULL },
	{ "label", read_label, NULL, "labels", "a label: key=value", NULL },
	{ "comment", read_text, NULL, "description", "a text (quoted, if it has spaces)", NULL },
};

int words_parse(const char *const *words, int count, bool packet, struct json_object **ret,
		struct problems *problems)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();
	struct sentence sentence = {
		.words = words,
		.count = count,
		.json = json,
		.problems = problems,
	};
	int r;

	if (!json)
		return -ENOMEM;
	r = packet ? 0 : read_action(&sentence);
	while (!r && sentence.next < count)
		r = read_word(&sentence);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(json);
	return 0;
}

/* ---- finding */

static const struct word *find(const struct word *table, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcasecmp(table[i].name, name))
			return &table[i];
	return NULL;
}

static const char *find_near(const struct word *table, size_t count, const char *wrong)
{
	struct suggestion suggestion = { .wrong = wrong };

	for (size_t i = 0; i < count; i++)
		suggest(&suggestion, table[i].name);
	return suggestion.best;
}

/* Refuses the word being read. */
static int refuse(struct sentence *sentence, const char *wrong, const char *guess)
{
	const char *word = sentence->words[sentence->next - 1];

	problem_add(sentence->problems, "", "word %d, \"%.*s\", %s%s%s%s", sentence->next,
		    text_cut(word, 64), word, wrong, guess ? "; did you mean \"" : "",
		    guess ? guess : "", guess ? "\"?" : "");
	return -EINVAL;
}

/* Fetches the argument and lets the row's function read both. */
static int read_row(struct sentence *sentence, const struct word *word)
{
	const char *argument = NULL;
	bool missing;

	if (word->argument) {
		/* A known word is no argument, except where any text is one. */
		missing = sentence->next >= sentence->count ||
			  (word->read != read_text && find(words_known, ARRAY_SIZE(words_known),
							   sentence->words[sentence->next]));
		if (missing) {
			problem_add(sentence->problems, "",
				    "word %d, \"%s\", must be followed by "
				    "%s",
				    sentence->next, word->name, word->argument);
			return -EINVAL;
		}
		argument = sentence->words[sentence->next++];
	}
	return word->read(sentence, word, argument);
}

static int read_action(struct sentence *sentence)
{
	const struct word *action;
	struct json_object *id;

	if (!sentence->count) {
		problem_add(sentence->problems, "",
			    "a policy begins with allow, block, limit RATE "
			    "or log");
		return -EINVAL;
	}
	action = find(actions, ARRAY_SIZE(actions), sentence->words[sentence->next++]);
	if (action)
		return read_row(sentence, action);
	if (sentence->count > 1)
		action = find(actions, ARRAY_SIZE(actions), sentence->words[1]);
	if (!action)
		return refuse(sentence,
			      "is not an action (allow, block, limit RATE or log), nor "
			      "an id in front of one",
			      find_near(actions, ARRAY_SIZE(actions), sentence->words[0]));
	id = json_object_new_string(sentence->words[0]);
	if (!id || json_object_object_add(sentence->json, "id", id) < 0) {
		json_object_put(id);
		return -ENOMEM;
	}
	sentence->next++;
	return read_row(sentence, action);
}

static int read_word(struct sentence *sentence)
{
	const char *text = sentence->words[sentence->next++];
	const struct word *word = find(words_known, ARRAY_SIZE(words_known), text);

	if (word)
		return read_row(sentence, word);
	return refuse(sentence, "is none of the words",
		      find_near(words_known, ARRAY_SIZE(words_known), text));
}

/* ---- members */

/* Adds a member; takes @value over, also when it fails. */
static int put(struct sentence *sentence, const char *group, const char *member,
	       struct json_object *value)
{
	struct json_object *object = sentence->json;

	if (value && group && !json_object_object_get_ex(sentence->json, group, &object)) {
		object = json_object_new_object();
		if (!object || json_object_object_add(sentence->json, group, object) < 0) {
			json_object_put(object);
			object = NULL;
		}
	}
	if (object && json_object_object_get_ex(object, member, NULL)) {
		json_object_put(value);
		return refuse(sentence, "says again what was said before", NULL);
	}
	if (value && object && !json_object_object_add(object, member, value))
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

static int read_constant(struct sentence *sentence, const struct word *word, const char *argument)
{
	(void)argument;
	return put(sentence, word->group, word->member, json_object_new_string(word->constant));
}

static int read_flag(struct sentence *sentence, const struct word *word, const char *argument)
{
	(void)argument;
	return put(sentence, word->group, word->member,
		   json_object_new_boolean(word->constant != NULL));
}

static int read_text(struct sentence *sentence, const struct word *word, const char *argument)
{
	return put(sentence, word->group, word->member, json_object_new_string(argument));
}

/* "a,b" as an array, "a" as itself. Returns 0, -EINVAL (noted), -ENOMEM. */
static int split(struct sentence *sentence, const char *argument, struct json_object **ret)
{
	CLEANUP(cleanup_json) struct json_object *array = json_object_new_array();

	if (!array)
		return -ENOMEM;
	for (const char *rest = argument; rest;) {
		size_t length = strcspn(rest, ",");
		struct json_object *element;

		if (!length)
			return refuse(sentence, "is a list with an empty place", NULL);
		element = json_object_new_string_len(rest, (int)length);
		if (!element || json_object_array_add(array, element) < 0) {
			json_object_put(element);
			return -ENOMEM;
		}
		rest = rest[length] ? rest + length + 1 : NULL;
	}
	if (json_object_array_length(array) == 1)
		*ret = json_object_get(json_object_array_get_idx(array, 0));
	else
		*ret = TAKE_PTR(array);
	return 0;
}

static int put_list(struct sentence *sentence, const char *group, const char *member,
		    const char *argument)
{
	struct json_object *list;
	int r = split(sentence, argument, &list);

	return r < 0 ? r : put(sentence, group, member, list);
}

static int read_list(struct sentence *sentence, const struct word *word, const char *argument)
{
	return put_list(sentence, word->group, word->member, argument);
}

static int read_side(struct sentence *sentence, const struct word *word, const char *argument)
{
	sentence->side = word->group;
	return put_list(sentence, word->group, word->member, argument);
}

static int read_port(struct sentence *sentence, const struct word *word, const char *argument)
{
	if (!sentence->side) {
		sentence->next--;
		return refuse(sentence, "must stand behind from or to, as in \"to any port 80\"",
			      NULL);
	}
	return put_list(sentence, sentence->side, word->member, argument);
}

static int read_priority(struct sentence *sentence, const struct word *word, const char *argument)
{
	uint64_t number;

	if (number_parse(argument, UINT16_MAX, &number) < 0)
		return refuse(sentence, "is not a number from 0 to 65535", NULL);
	return put(sentence, word->group, word->member, json_object_new_int((int)number));
}

static int read_label(struct sentence *sentence, const struct word *word, const char *argument)
{
	const char *equals = strchr(argument, '=');
	CLEANUP(cleanup_free) char *key = NULL;

	if (!equals || equals == argument)
		return refuse(sentence, "is not a label: key=value", NULL);
	key = strndup(argument, (size_t)(equals - argument));
	if (!key)
		return -ENOMEM;
	return put(sentence, word->member, key, json_object_new_string(equals + 1));
}

static int read_duration(struct sentence *sentence, const struct word *word, const char *argument)
{
	struct reason reason;
	uint64_t seconds;

	if (duration_parse(argument, &seconds, &reason) < 0)
		return refuse(sentence, reason.text, NULL);
	return put(sentence, word->group, word->member, json_object_new_int64((int64_t)seconds));
}

/* ---- limits */

static const char *const rate_members[] = { "rate_limit_packets_per_second",
					    "rate_limit_bytes_per_second" };
static const char *const burst_members[] = { "burst_packets", "burst_bytes" };

/* Puts a list of amounts into the members that @names gives for packets and bytes. */
static int put_amounts(struct sentence *sentence, const char *argument, const char *const names[2],
		       bool are_rates)
{
	CLEANUP(cleanup_json) struct json_object *list = NULL;
	bool many;
	int r = split(sentence, argument, &list);
	int count;

	if (r < 0)
		return r;
	many = json_object_is_type(list, json_type_array);
	count = many ? (int)json_object_array_length(list) : 1;
	if (count > (are_rates ? RATES_MAX : sentence->rates))
		return refuse(sentence,
			      are_rates ? "is a list of more than two rates"
					: "gives more bursts than there are rates",
			      NULL);
	for (int i = 0; i < count && !r; i++) {
		struct json_object *amount = many ? json_object_array_get_idx(list, (size_t)i)
						  : list;
		bool bytes = units_are_bytes(json_object_get_string(amount)) ||
			     (!are_rates && sentence->rate_is_bytes[i]);

		if (are_rates)
			sentence->rate_is_bytes[sentence->rates++] = bytes;
		r = put(sentence, NULL, names[bytes], json_object_get(amount));
	}
	return r;
}

static int read_rates(struct sentence *sentence, const struct word *word, const char *argument)
{
	int r = put_amounts(sentence, argument, rate_members, true);

	return r < 0 ? r : read_constant(sentence, word, NULL);
}

static int read_bursts(struct sentence *sentence, const struct word *word, const char *argument)
{
	(void)word;
	return put_amounts(sentence, argument, burst_members, false);
}
