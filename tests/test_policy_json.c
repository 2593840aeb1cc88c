// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <errno.h>
#include <json-c/json.h>
#include <malloc.h>
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
	{ { .file = true },
	  "{\"id\":\"a\",\"action\":\"BLOCK\",\"ttl_seconds\":5}",
	  -EINVAL,
	  "/ttl_seconds" },
	{ { .file = true, .now_us = TEST_NOW_US },
	  "{\"id\":\"a\",\"action\":\"BLOCK\",\"expires_at\":5}",
	  0,
	  "/expires_at" },
	{ { .failsafe = true }, "{\"id\":\"a\"}", 0, NULL },
	{ { .failsafe = true }, "{\"id\":\"a\",\"action\":\"ALLOW\"}", 0, NULL },
	{ { .failsafe = true }, "{\"id\":\"a\",\"action\":\"BLOCK\"}", -EINVAL, "/action" },
	{ { .failsafe = true },
	  "{\"id\":\"a\",\"expires_at\":\"2030-01-01T00:00:00Z\"}",
	  -EINVAL,
	  "/expires_at" },
	{ { .failsafe = true },
	  "{\"id\":\"a\",\"rate_limit_bytes_per_second\":1}",
	  -EINVAL,
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
		ck_assert_int_eq(policy->origin,
				 sources[_i].source.failsafe ? ORIGIN_FAILSAFE : ORIGIN_FILE);
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
	CLEANUP(policy_put)
	struct policy *policy = policy_from("{'id':'a','action':'BLOCK','ttl_seconds':2}");

	ck_assert_int_eq(policy->expires_at, TEST_NOW_US + 2000000);
	ck_assert_uint_eq(policy->ttl_deadline_ns, TEST_BOOTTIME_NS + 2000000000);
}
END_TEST

START_TEST(a_content_id_is_that_of_the_content)
{
	CLEANUP(policy_put) struct policy *a = policy_from("{'id':'a','action':'BLOCK'}");
	CLEANUP(policy_put)
	struct policy *b =
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
	{ "[{'id':'a','action':'BLOCK'},{'id':'a','action':'EAT'}]",
	  "/1/id: \"a\" is the id of /0, too\n" },
	{ "[{'id':7,'action':'BLOCK'},{'id':7,'action':'BLOCK'},6]", "/0/id: " },
	{ "{'id':'a','action':'BLOCK','length':{'min':64,'foo':1}}",
	  "/length/foo: 1 has an unknown name: only \"min\" and \"max\"" },
	{ "{'id':'a','action':'RATE_LIMIT','rate_limit_bytes_per_second':2,'burst_bytes':172800}",
	  "" },
	{ "{'id':'a','action':'RATE_LIMIT','rate_limit_bytes_per_second':2,'burst_bytes':172801}",
	  "/burst_bytes: 172801 takes more than a day to refill at 2 per second" },
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
	tcase_add_loop_test(tcase, the_source_decides_what_may_be_said, 0, ARRAY_SIZE(sources));
	tcase_add_test(tcase, an_id_may_be_known_to_the_caller);
	tcase_add_test(tcase, a_ttl_is_a_deadline_on_both_clocks);
	tcase_add_test(tcase, a_content_id_is_that_of_the_content);
	tcase_add_loop_test(tcase, a_body_is_one_or_many, 0, ARRAY_SIZE(bodies));
	tcase_add_test(tcase, the_table_is_in_order);
	tcase_add_test(tcase, ten_thousand_policies_are_small);
	return run_case("policy_json", tcase);
}
