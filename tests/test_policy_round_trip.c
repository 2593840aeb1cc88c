// SPDX-License-Identifier: Apache-2.0
/*
 * The parser and the printer of policies are each other's inverse: tried on
 * random policies, always the same ones.
 */
#include <check.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "json.h"
#include "json_cleanup.h"
#include "policy.h"
#include "policy_field.h"
#include "policy_json.h"
#include "policy_text.h"
#include "problem.h"

static char random_text[2048];

static int chance(int of)
{
	return (int)(random() % of);
}

static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void put(const char *format, ...)
{
	size_t length = strlen(random_text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(random_text + length, sizeof(random_text) - length, format, arguments);
	va_end(arguments);
}

/* One member of a list of @count, between commas and brackets. */
static void put_between(int i, int count, const char *element)
{
	put("%s%s%s", i ? "," : "[", element, i + 1 == count ? "]" : "");
}

static void print_v4(char *ret, size_t size)
{
	int a = 1 + chance(255), b = chance(256), c = chance(256), form = chance(4);

	if (form == 0)
		snprintf(ret, size, "%d.%d.%d.7", a, b, c);
	else if (form == 1)
		snprintf(ret, size, "%d.%d.%d.0/24", a, b, c);
	else if (form == 2)
		snprintf(ret, size, "%d.0.0.0/8", a);
	else
		snprintf(ret, size, "10.%d.0.9-10.%d.%d.1", b / 2, 128 + b / 2, c);
}

static void print_v6(char *ret, size_t size)
{
	int a = 1 + chance(255), b = chance(65536), form = chance(4);

	if (form == 0)
		snprintf(ret, size, "2001:db8:%x::%x", a, b);
	else if (form == 1)
		snprintf(ret, size, "2001:db8:%x::/48", b);
	else if (form == 2)
		snprintf(ret, size, "%x00::/8", a);
	else
		snprintf(ret, size, "2001:db8::%x-2001:db8:%x::", b, a);
}

static void put_addresses(bool v6)
{
	int count = 1 + chance(4);

	put("'ip':");
	for (int i = 0; i < count; i++) {
		char text[80], quoted[96];

		if (v6)
			print_v6(text, sizeof(text));
		else
			print_v4(text, sizeof(text));
		snprintf(quoted, sizeof(quoted), "'%s%s'", chance(5) ? "" : "!", text);
		put_between(i, count, quoted);
	}
}

static void put_ports(void)
{
	int count = 1 + chance(3);

	put("'port':");
	for (int i = 0; i < count; i++) {
		int low = 1 + chance(60000);
		char text[32];

		if (chance(2))
			snprintf(text, sizeof(text), "%d", low);
		else
			snprintf(text, sizeof(text), "'%d-%d'", low, low + chance(5000));
		put_between(i, count, text);
	}
}

static void put_side(const char *name, bool v6, bool ports)
{
	bool ip = chance(2), port = ports && chance(2);

	put(",'%s':{", name);
	if (ip)
		put_addresses(v6);
	if (port) {
		put("%s", ip ? "," : "");
		put_ports();
	}
	put("}");
}

static void put_limit(void)
{
	bool bytes = chance(2);

	if (bytes)
		put(",'rate_limit_bytes_per_second':'%dkB/s'", 1 + chance(1000));
	if (!bytes || chance(2))
		put(",'rate_limit_packets_per_second':%d", 1 + chance(1000));
	if (bytes && chance(2))
		put(",'burst_bytes':'%dKiB'", 1 + chance(100));
	if (chance(2))
		put(",'conform':'continue'");
}

static void put_extras(void)
{
	static const char *const extras[] = {
		",'vlan':[1,'5-9','none']",
		",'dscp':['ef','af11',1]",
		",'length':'64-1500'",
		",'ttl':{'min':1,'max':64}",
		",'fragment':true",
		",'log':true",
		",'description':'\\u00e4\\\\/ x'",
		",'enabled':false",
		",'labels':{'b':'1','a':'2'}",
		",'interface':['eth0','wg-1']",
		",'direction':'both'",
		",'priority':0",
		",'expires_at':'2031-01-01T00:00:00.000001Z'",
	};

	for (size_t i = 0; i < ARRAY_SIZE(extras); i++)
		if (!chance(4))
			put("%s", extras[i]);
}

static void make_random(int number)
{
	static const char *const protocols[] = { "tcp", "udp", "any", "icmp", "icmpv6", "gre" };
	static const char *const actions[] = { "ALLOW", "BLOCK", "LOG_ONLY", "RATE_LIMIT" };
	int protocol = chance(ARRAY_SIZE(protocols)), action = chance(ARRAY_SIZE(actions));
	bool v6 = protocol == 4 || (protocol != 3 && chance(2));

	random_text[0] = '\0';
	put("{'id':'r%d','action':'%s','protocol':'%s'", number, actions[action],
	    protocols[protocol]);
	put_side("src", v6, protocol < 3);
	put_side("dst", v6, protocol < 3);
	if (protocol == 0 && chance(2))
		put(",'tcp_flags':'!rst,syn'");
	if ((protocol == 3 || protocol == 4) && chance(2))
		put(",'icmp_type':%d,'icmp_code':%d", chance(256), chance(256));
	if (action == 3)
		put_limit();
	put_extras();
	put("}");
}

/* Exclusions may take everything; such a text is refused, which is right. */
static bool is_refused(const char *text)
{
	CLEANUP(cleanup_free) char *said = problems_of(text);

	ck_assert_msg(!*said || strstr(said, "the exclusions leave no address"), "%s: %s", text,
		      said);
	return *said;
}

START_TEST(what_is_printed_parses_and_prints_identically)
{
	int valid = 0;

	srandom(20);
	for (int i = 0; i < 4000; i++) {
		CLEANUP(policy_put) struct policy *first = NULL, *second = NULL;
		CLEANUP(cleanup_free) char *once = NULL, *twice = NULL;
		char a[16], b[16];

		make_random(i);
		if (is_refused(random_text))
			continue;
		valid++;
		first = policy_from(random_text);
		once = policy_text(first);
		second = policy_from(once);
		twice = policy_text(second);
		ck_assert_str_eq(once, twice);
		ck_assert_msg(policy_equal(first, second), "%s", once);
		policy_content_id(first, a);
		policy_content_id(second, b);
		ck_assert_str_eq(a, b);
	}
	ck_assert_int_gt(valid, 3000);
}
END_TEST

/* ---- odd values in every member */

static const char *const odd_values[] = {
	"null",
	"true",
	"false",
	"0",
	"-1",
	"1",
	"255",
	"256",
	"65535",
	"65536",
	"4294967296",
	"9223372036854775807",
	"18446744073709551616",
	"1e400",
	"0.5",
	"\"\"",
	"\"any\"",
	"\"0\"",
	"\"1\"",
	"\"-\"",
	"\"1-2\"",
	"\"2-1\"",
	"\"!\"",
	"\"/\"",
	"\",\"",
	"\"none\"",
	"\"tcp\"",
	"\"ef\"",
	"\"syn,!ack\"",
	"\"!syn,\"",
	"\"10.0.0.0/8\"",
	"\"!::/0\"",
	"\"::-::\"",
	"\"1.2.3.4-255.255.255.255\"",
	"\"10MB/s\"",
	"\"1.5k\"",
	"\"9999999999999999999\"",
	"\"2030-01-01T00:00:00Z\"",
	"\"\u00e4\\u007f\"",
	"[]",
	"[[]]",
	"[null]",
	"[0]",
	"[1,1]",
	"[\"any\",\"!10.0.0.0/8\"]",
	"[\"::1\",\"10.0.0.1\",\"!10.0.0.1\"]",
	"{}",
	"{\"min\":1}",
	"{\"ip\":\"10.0.0.1\",\"port\":1,\"protocol\":\"udp\"}",
	"{\"a\":\"b\"}",
	"{\"a\":{}}",
};

/* Whatever is accepted prints and reads back; whatever is not has a reason. */
static bool survives(struct json_object *json)
{
	static const struct policy_source source = { .now_us = TEST_NOW_US };
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(policy_put) struct policy *first = NULL, *second = NULL;
	CLEANUP(cleanup_free) char *once = NULL, *twice = NULL;
	int r = policy_parse(json, NULL, &source, &first, &problems);

	ck_assert_int_eq(r, problems.errors ? -EINVAL : 0);
	if (r < 0)
		return false;
	once = policy_text(first);
	second = policy_from(once);
	twice = policy_text(second);
	ck_assert_str_eq(once, twice);
	ck_assert(policy_equal(first, second));
	return true;
}

static struct json_object *read_value(const char *text)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct json_object *json = NULL;

	ck_assert_int_eq(json_read(text, strlen(text), JSON_COMMENTS, &json, &problems), 0);
	return json;
}

/* Puts the value at @index of a list into the member that @field names. */
static void put_odd(struct json_object *policy, const struct policy_field *field, size_t index)
{
	const char *name = policy_group_name(field->group);
	struct json_object *group = policy;

	if (*name && !json_object_object_get_ex(policy, name, &group)) {
		group = json_object_new_object();
		json_object_object_add(policy, name, group);
	}
	json_object_object_add(group, field->name, read_value(odd_values[index]));
}

START_TEST(odd_values_are_refused_or_kept)
{
	CLEANUP(cleanup_free) char *text = read_source_file("tests/golden/policies.in.json");
	CLEANUP(cleanup_json) struct json_object *body = read_value(text);
	struct json_object *list = json_object_object_get(body, "policies");
	int kept = 0, refused = 0;

	for (size_t i = 0; i < json_object_array_length(list); i++)
		for (size_t f = 0; f < policy_field_count; f++)
			for (size_t v = 0; v < ARRAY_SIZE(odd_values); v++) {
				CLEANUP(cleanup_json) struct json_object *copy = NULL;

				ck_assert_int_eq(
					json_object_deep_copy(json_object_array_get_idx(list, i),
							      &copy, NULL),
					0);
				put_odd(copy, &policy_fields[f], v);
				if (survives(copy))
					kept++;
				else
					refused++;
			}
	ck_assert_int_gt(kept, 1000);
	ck_assert_int_gt(refused, 1000);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("policy_round_trip");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, odd_values_are_refused_or_kept);
	tcase_add_test(tcase, what_is_printed_parses_and_prints_identically);
	return run_case("policy_round_trip", tcase);
}
