// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <errno.h>
#include <json-c/json.h>
#include <malloc.h>
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

static const struct policy_source api = {
	.now_us = TEST_NOW_US,
	.boottime_ns = TEST_BOOTTIME_NS,
};

/* ---- golden files: set UPDATE_GOLDEN to write them anew */

static void compare_golden(const char *name, const char *text)
{
	CLEANUP(cleanup_free) char *expected = NULL;

	if (getenv("UPDATE_GOLDEN")) {
		CLEANUP(cleanup_file) FILE *file = fopen(name, "we");

		ck_assert_ptr_nonnull(file);
		ck_assert_int_ge(fputs(text, file), 0);
		return;
	}
	expected = read_source_file(name);
	ck_assert_str_eq(text, expected);
}

START_TEST(every_form_is_printed_canonically)
{
	CLEANUP(cleanup_free) char *input = read_source_file("tests/golden/policies.in.json");
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	CLEANUP(policy_list_clear) struct policy_list list = { 0 };
	CLEANUP(cleanup_free) char *said = NULL;
	size_t size;
	FILE *stream;

	ck_assert_int_eq(json_read(input, strlen(input), JSON_COMMENTS, &json, &problems), 0);
	ck_assert_int_eq(policy_parse_list(json, &api, &list, &problems), 0);
	ck_assert_uint_eq(problems.count, 0);
	stream = open_memstream(&said, &size);
	ck_assert_ptr_nonnull(stream);
	for (size_t i = 0; i < list.count; i++) {
		CLEANUP(cleanup_free) char *text = policy_text(list.policy[i]);

		fprintf(stream, "%s%s%s\n", i ? " " : "[", text, i + 1 < list.count ? "," : "]");
	}
	ck_assert_int_eq(fclose(stream), 0);
	compare_golden("tests/golden/policies.out.json", said);
}
END_TEST

START_TEST(every_error_is_told_at_its_place)
{
	CLEANUP(cleanup_free) char *input = read_source_file("tests/golden/policies.bad.json");
	CLEANUP(cleanup_free) char *said = problems_of(input);

	compare_golden("tests/golden/policies.bad.txt", said);
}
END_TEST

/* ---- random policies */

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
	put("%s%s%s", i ? "," : count > 1 ? "[" : "", element, i + 1 == count && count > 1 ?
	    "]" : "");
}

static void put_address(bool v6, bool excluded, char *ret, size_t size)
{
	unsigned int bits = (unsigned int)chance(25) + 8;
	unsigned int host = (unsigned int)random() & 0xffffff;
	const char *mark = excluded ? "!" : "";

	if (v6 && chance(3))
		snprintf(ret, size, "'%s2001:db8:%x::/48'", mark, host & 0xffff);
	else if (v6)
		snprintf(ret, size, "'%s2001:db8::%x-2001:db8::%x:1'", mark, host & 0xffff,
			 (host & 0xff) + 1);
	else if (chance(2))
		snprintf(ret, size, "'%s%u.%u.%u.0/%u'", mark, host & 255, host >> 8 & 255,
			 host >> 16 & 255 & ~(bits < 24 ? 0xffu : 0u), bits < 24 ? 32 : bits & 24);
	else
		snprintf(ret, size, "'%s10.%u.0.0-10.%u.0.255'", mark, host & 127,
			 128 + (host >> 8 & 127));
}

static void put_addresses(bool v6)
{
	int count = 1 + chance(4);

	put("'ip':");
	for (int i = 0; i < count; i++) {
		char text[96];

		do {
			put_address(v6, i && !chance(4), text, sizeof(text));
			/* Only prefixes without host bits; a mistake here fails the parse. */
		} while (strstr(text, ".0/24") == NULL && strstr(text, "/") && !v6 &&
			 !strstr(text, "/32"));
		put_between(i, count, text);
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
		",'vlan':[1,'5-9','none']", ",'dscp':['ef','af11',1]", ",'length':'64-1500'",
		",'ttl':{'min':1,'max':64}", ",'fragment':true", ",'log':true",
		",'description':'\\u00e4\\\\/ x'", ",'enabled':false", ",'labels':{'b':'1','a':'2'}",
		",'interface':['eth0','wg-1']", ",'direction':'both'", ",'priority':0",
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

/* ---- the source, the id */

static int parse(const char *text, const char *id, const struct policy_source *source,
		 struct policy **ret, struct problems *problems)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;

	ck_assert_int_eq(json_read(text, strlen(text), 0, &json, problems), 0);
	return policy_parse(json, id, source, ret, problems);
}

static const struct {
	struct policy_source source;
	const char *text;
	int result;
	const char *pointer; /* of the first problem; NULL: none */
} sources[] = {
	{ { .file = true }, "{\"id\":\"a\",\"action\":\"BLOCK\",\"ttl_seconds\":5}", -EINVAL,
	  "/ttl_seconds" },
	{ { .file = true, .now_us = TEST_NOW_US },
	  "{\"id\":\"a\",\"action\":\"BLOCK\",\"expires_at\":5}", 0, "/expires_at" },
	{ { .failsafe = true }, "{\"id\":\"a\"}", 0, NULL },
	{ { .failsafe = true }, "{\"id\":\"a\",\"action\":\"ALLOW\"}", 0, NULL },
	{ { .failsafe = true }, "{\"id\":\"a\",\"action\":\"BLOCK\"}", -EINVAL, "/action" },
	{ { .failsafe = true }, "{\"id\":\"a\",\"expires_at\":\"2030-01-01T00:00:00Z\"}", -EINVAL,
	  "/expires_at" },
	{ { .failsafe = true }, "{\"id\":\"a\",\"rate_limit_bytes_per_second\":1}", -EINVAL,
	  "/rate_limit_bytes_per_second" },
};

START_TEST(the_source_decides_what_may_be_said)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(policy_put) struct policy *policy = NULL;

	ck_assert_int_eq(parse(sources[_i].text, NULL, &sources[_i].source, &policy, &problems),
			 sources[_i].result);
	ck_assert_int_eq(problems.count > 0, sources[_i].pointer != NULL);
	if (sources[_i].pointer)
		ck_assert_str_eq(problems.list[0].pointer, sources[_i].pointer);
	if (policy)
		ck_assert_int_eq(policy->origin, sources[_i].source.failsafe ? ORIGIN_FAILSAFE :
				 ORIGIN_FILE);
}
END_TEST

START_TEST(an_id_may_be_known_to_the_caller)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(policy_put) struct policy *policy = NULL, *same = NULL, *other = NULL;

	ck_assert_int_eq(parse("{\"action\":\"BLOCK\"}", "x", &api, &policy, &problems), 0);
	ck_assert_str_eq(policy->id, "x");
	ck_assert_int_eq(policy->created_at, TEST_NOW_US);
	ck_assert_int_eq(parse("{\"id\":\"x\",\"action\":\"BLOCK\"}", "x", &api, &same, &problems),
			 0);
	ck_assert_uint_eq(problems.count, 0);
	ck_assert_int_eq(parse("{\"id\":\"y\",\"action\":\"BLOCK\"}", "x", &api, &other, &problems),
			 -EINVAL);
	ck_assert_str_eq(problems.list[0].pointer, "/id");
	problems_clear(&problems);
	ck_assert_int_eq(parse("{\"action\":\"BLOCK\"}", "not an id", &api, &other, &problems),
			 -EINVAL);
	ck_assert_str_eq(problems.list[0].pointer, "/id");
	ck_assert_ptr_null(other);
}
END_TEST

START_TEST(a_ttl_is_a_deadline_on_both_clocks)
{
	CLEANUP(policy_put) struct policy *policy =
		policy_from("{'id':'a','action':'BLOCK','ttl_seconds':2}");

	ck_assert_int_eq(policy->expires_at, TEST_NOW_US + 2000000);
	ck_assert_uint_eq(policy->ttl_deadline_ns, TEST_BOOTTIME_NS + 2000000000);
}
END_TEST

START_TEST(a_content_id_is_that_of_the_content)
{
	CLEANUP(policy_put) struct policy *a = policy_from("{'id':'a','action':'BLOCK'}");
	CLEANUP(policy_put) struct policy *b =
		policy_from("{'id':'b','action':'BLOCK','ttl_seconds':9,'src':{'ip':'any'}}");
	CLEANUP(policy_put) struct policy *c = policy_from("{'id':'a','action':'ALLOW'}");
	char x[16], y[16], z[16];

	policy_content_id(a, x);
	policy_content_id(b, y);
	policy_content_id(c, z);
	ck_assert_str_eq(x, y);
	ck_assert_str_ne(x, z);
	ck_assert_uint_eq(strlen(x), 14);
	ck_assert_uint_eq(strspn(x + 2, "0123456789abcdef"), 12);
}
END_TEST

static const struct {
	const char *text;
	const char *problem; /* "": none */
} bodies[] = {
	{ "{'id':'a','action':'BLOCK'}", "" },
	{ "[]", "" },
	{ "[{'id':'a','action':'BLOCK'}]", "" },
	{ "{'policies':[],'count':0,'policy_count':0,'generation':5,'next_cursor':'x'}", "" },
	{ "{'policies':{}}", "/policies: is not an array of policies\n" },
	{ "{}", "/action: is missing" },
	{ "5", ": a policy is an object" },
	{ "null", ": a policy is an object" },
	{ "[{'id':'a','action':'BLOCK'},{'id':'a','action':'BLOCK'}]",
	  "/1/id: \"a\" is the id of /0, too\n" },
};

START_TEST(a_body_is_one_or_many)
{
	CLEANUP(cleanup_free) char *said = problems_of(bodies[_i].text);

	if (!*bodies[_i].problem)
		ck_assert_str_eq(said, "");
	else
		ck_assert_msg(strstr(said, bodies[_i].problem) != NULL, "%s", said);
}
END_TEST

/* Every row that is printed comes first of its member, so that messages name it. */
START_TEST(the_table_is_in_order)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < policy_field_count; i++) {
		const struct policy_field *field = &policy_fields[i];

		if (field->print)
			ck_assert_msg(!(seen & MEMBER_BIT(field->member)), "%s", field->name);
		seen |= MEMBER_BIT(field->member);
		ck_assert_ptr_nonnull(field->read);
	}
	ck_assert_uint_eq(seen, MEMBER_BIT(MEMBERS) - 1);
}
END_TEST

START_TEST(ten_thousand_policies_are_small)
{
	static const char text[] = "{'id':'policy-number-%d','action':'BLOCK','src':{'ip':"
				   "'10.%d.%d.0/24'},'dst':{'port':[80,443]},'protocol':'tcp'}";
	enum { COUNT = 1000 };
	struct policy *policies[COUNT];
	struct mallinfo2 before = mallinfo2(), after;
	char one[256];

	for (int i = 0; i < COUNT; i++) {
		snprintf(one, sizeof(one), text, i, i / 256, i % 256);
		policies[i] = policy_from(one);
	}
	after = mallinfo2();
	/* A sanitizer's allocator does not count. */
	ck_assert_uint_le(after.uordblks - before.uordblks, COUNT * 600);
	for (int i = 0; i < COUNT; i++)
		policy_put(&policies[i]);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("policy_json");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, every_form_is_printed_canonically);
	tcase_add_test(tcase, every_error_is_told_at_its_place);
	tcase_add_test(tcase, what_is_printed_parses_and_prints_identically);
	tcase_add_loop_test(tcase, the_source_decides_what_may_be_said, 0, ARRAY_SIZE(sources));
	tcase_add_test(tcase, an_id_may_be_known_to_the_caller);
	tcase_add_test(tcase, a_ttl_is_a_deadline_on_both_clocks);
	tcase_add_test(tcase, a_content_id_is_that_of_the_content);
	tcase_add_loop_test(tcase, a_body_is_one_or_many, 0, ARRAY_SIZE(bodies));
	tcase_add_test(tcase, the_table_is_in_order);
	tcase_add_test(tcase, ten_thousand_policies_are_small);
	return run_case("policy_json", tcase);
}
