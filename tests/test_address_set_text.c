// SPDX-License-Identifier: Apache-2.0
#include "address_set_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "address_set.h"
#include "cleanup.h"
#include "json.h"
#include "json_cleanup.h"
#include "policy_text.h"
#include "problem.h"
#include "set_text.h"

static const struct address_set_source api = { .name = "n", .now_us = SET_NOW_US };
static const struct address_set_source file = { "n", "/x/n.txt", SET_NOW_US };

static const struct {
	const char *text, *printed;
} texts[] = {
	{ "# nothing\n\n  \t\r\n", "" },
	{ "10.0.0.1\r\n 10.0.0.2 # two\n10.0.0.3#three\n\t10.0.0.4", "10.0.0.1 10.0.0.2 10.0.0.3 "
								     "10.0.0.4 " },
	{ "10.0.0.1 ttl=1\n", "10.0.0.1 expires=2027-01-15T08:00:01Z " },
	{ "10.0.0.1 expires=2027-01-15T08:00:00.5Z # half\n",
	  "10.0.0.1 expires=2027-01-15T08:00:00.500000Z " },
	{ "10.0.0.1 expires=2027-01-15T08:00:00Z\n10.0.0.2\n", "10.0.0.2 " },
};

START_TEST(text_is_read)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(address_set_put) struct address_set *set = NULL;

	ck_assert_int_eq(address_set_parse_text(&api, texts[_i].text, strlen(texts[_i].text), &set,
						&problems),
			 0);
	ck_assert_str_eq(set_text(set), texts[_i].printed);
	ck_assert_uint_eq(problems.errors, 0);
}
END_TEST

static const struct {
	const char *text, *says;
} bad_lines[] = {
	{ "10.0.0.300", "line 1: \"10.0.0.300\" is not an IPv4 address" },
	{ "10.0.0.1\n\n10.0.0.1/8", "line 3: \"10.0.0.1/8\" has host bits set" },
	{ "any", "stands for any address" },
	{ "!10.0.0.1", "is an exclusion" },
	{ "@other", "names a set" },
	{ "10.0.0.1 ttl=0", "a number of seconds from 1" },
	{ "10.0.0.1 ttl=-1", "a number of seconds from 1" },
	{ "10.0.0.1 ttl=99999999999999999999", "a number of seconds from 1" },
	{ "10.0.0.1 expires=tomorrow", "\"tomorrow\"" },
	{ "10.0.0.1 10.0.0.2", "\"10.0.0.2\" is neither ttl=SECONDS nor" },
	{ "10.0.0.1 ttl=5 again", "there is more behind \"10.0.0.1\"" },
	{ "10.0.0.1,10.0.0.2", "is not an" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaa",
	  "is no address" },
};

START_TEST(bad_lines_are_named)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct address_set *set = NULL;

	ck_assert_int_eq(address_set_parse_text(&api, bad_lines[_i].text,
						strlen(bad_lines[_i].text), &set, &problems),
			 -EINVAL);
	ck_assert_ptr_null(set);
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_msg(strstr(problems.list[0].detail, bad_lines[_i].says) != NULL, "%s",
		      problems.list[0].detail);
}
END_TEST

START_TEST(a_zero_byte_is_no_address)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct address_set *set = NULL;

	ck_assert_int_eq(address_set_parse_text(&api, "10.0.0.1\0", 9, &set, &problems), -EINVAL);
}
END_TEST

START_TEST(a_file_is_named_with_the_line)
{
	static const char text[] = "10.0.0.1\n10.0.0.2 ttl=5\nx\n";
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct address_set *set = NULL;

	ck_assert_int_eq(address_set_parse_text(&file, text, strlen(text), &set, &problems),
			 -EINVAL);
	ck_assert_uint_eq(problems.errors, 2);
	ck_assert_str_eq(problems.list[0].pointer, "/x/n.txt:2");
	ck_assert_ptr_nonnull(strstr(problems.list[0].detail, "each reload"));
	ck_assert_str_eq(problems.list[1].pointer, "/x/n.txt:3");
}
END_TEST

START_TEST(many_bad_lines_are_counted)
{
	enum { LINES = 5 * ADDRESS_SET_PROBLEMS_MAX };
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct address_set *set = NULL;
	char text[2 * LINES];

	for (size_t i = 0; i < LINES; i++)
		memcpy(text + 2 * i, "x\n", 2);
	ck_assert_int_eq(address_set_parse_text(&api, text, sizeof(text), &set, &problems),
			 -EINVAL);
	ck_assert_uint_eq(problems.errors, ADDRESS_SET_PROBLEMS_MAX + 1);
	ck_assert_str_eq(problems.list[ADDRESS_SET_PROBLEMS_MAX].detail,
			 "400 more entries are wrong");
}
END_TEST

static struct json_object *json_of(const char *text)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct json_object *json = NULL;

	ck_assert_int_eq(json_read(text, strlen(text), 0, &json, &problems), 0);
	return json;
}

static const struct {
	const char *text, *pointer, *printed; /* a pointer: it is refused there */
} documents[] = {
	{ "{\"entries\":[]}", NULL, "" },
	{ "{\"entries\":[\"10.0.0.2\",{\"address\":\"10.0.0.1\",\"ttl_seconds\":1}],\"name\":\"n\","
	  "\"origin\":\"api\",\"used_by\":[\"p\"]}",
	  NULL, "10.0.0.1 expires=2027-01-15T08:00:01Z 10.0.0.2 " },
	{ "{\"entries\":[{\"address\":\"fe80::/10\",\"expires_at\":\"2027-01-15T08:00:01Z\"}]}",
	  NULL, "fe80::/10 expires=2027-01-15T08:00:01Z " },
	{ "[]", "", NULL },
	{ "{}", "", NULL },
	{ "{\"entries\":5}", "/entries", NULL },
	{ "{\"entries\":[],\"members\":[]}", "", NULL },
	{ "{\"entries\":[],\"name\":\"other\"}", "/name", NULL },
	{ "{\"entries\":[\"10.0.0.1\",5]}", "/entries/1", NULL },
	{ "{\"entries\":[{}]}", "/entries/0", NULL },
	{ "{\"entries\":[{\"address\":7}]}", "/entries/0", NULL },
	{ "{\"entries\":[{\"address\":\"10.0.0.1\",\"ttl\":7}]}", "/entries/0", NULL },
	{ "{\"entries\":[{\"address\":\"10.0.0.1\",\"ttl_seconds\":0}]}", "/entries/0", NULL },
	{ "{\"entries\":[{\"address\":\"10.0.0.1\",\"expires_at\":\"x\"}]}", "/entries/0", NULL },
};

START_TEST(json_is_read)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(address_set_put) struct address_set *set = NULL;
	CLEANUP(cleanup_json) struct json_object *json = json_of(documents[_i].text);
	int r = address_set_parse_json(&api, json, &set, &problems);

	ck_assert_int_eq(r, documents[_i].pointer ? -EINVAL : 0);
	if (!documents[_i].pointer) {
		ck_assert_str_eq(set_text(set), documents[_i].printed);
		return;
	}
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_str_eq(problems.list[0].pointer, documents[_i].pointer);
}
END_TEST

START_TEST(a_patch_is_read)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(address_set_put) struct address_set *add = NULL, *remove = NULL;
	CLEANUP(cleanup_json) struct json_object *good = json_of("{\"add\":[\"10.0.0.1\"]}");
	CLEANUP(cleanup_json)
	struct json_object *bad = json_of("{\"add\":[\"x\"],\"remove\":[\"y\"],\"entries\":[]}");

	ck_assert_int_eq(address_set_parse_patch(&api, bad, &add, &remove, &problems), -EINVAL);
	ck_assert_uint_eq(problems.errors, 3);
	problems_clear(&problems);
	ck_assert_int_eq(address_set_parse_patch(&api, good, &add, &remove, &problems), 0);
	ck_assert_str_eq(set_text(add), "10.0.0.1 ");
	ck_assert_str_eq(set_text(remove), "");
}
END_TEST

/* Not a measurement: that it is no matter of minutes. */
START_TEST(a_million_lines)
{
	enum { LINES = 1000000 };
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(address_set_put) struct address_set *set = NULL;
	CLEANUP(cleanup_free) char *text = malloc(LINES * 17);
	struct timespec began, ended;
	size_t size = 0;

	ck_assert_ptr_nonnull(text);
	for (unsigned int i = 0; i < LINES; i++) {
		unsigned int n = (i * 0x9e3779b1u) >> 4;

		size += (size_t)sprintf(text + size, "%u.%u.%u.%u\n", 1 + (n >> 24 & 127),
					n >> 16 & 255, n >> 8 & 255, n & 255);
	}
	clock_gettime(CLOCK_MONOTONIC, &began);
	ck_assert_int_eq(address_set_parse_text(&api, text, size, &set, &problems), 0);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	printf("%zu entries of %d lines in %ld ms\n", address_set_count(set), LINES,
	       (ended.tv_sec - began.tv_sec) * 1000 + (ended.tv_nsec - began.tv_nsec) / 1000000);
	ck_assert_uint_gt(address_set_count(set), LINES / 2);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("address_set_text");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, text_is_read, 0, ARRAY_SIZE(texts));
	tcase_add_loop_test(tcase, bad_lines_are_named, 0, ARRAY_SIZE(bad_lines));
	tcase_add_test(tcase, a_zero_byte_is_no_address);
	tcase_add_test(tcase, a_file_is_named_with_the_line);
	tcase_add_test(tcase, many_bad_lines_are_counted);
	tcase_add_loop_test(tcase, json_is_read, 0, ARRAY_SIZE(documents));
	tcase_add_test(tcase, a_patch_is_read);
	tcase_add_test(tcase, a_million_lines);
	return run_case("address_set_text", tcase);
}
