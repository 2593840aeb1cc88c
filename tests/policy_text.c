// SPDX-License-Identifier: Apache-2.0
#include "policy_text.h"

#include <check.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "json.h"
#include "json_cleanup.h"
#include "policy.h"
#include "policy_json.h"
#include "problem.h"

static const struct policy_source source = {
	.now_us = TEST_NOW_US,
	.boottime_ns = TEST_BOOTTIME_NS,
};

/* Tests write ' for ", which their texts never need otherwise. */
static int read_quoted(const char *text, unsigned int flags, struct json_object **ret,
		       struct problems *problems)
{
	CLEANUP(cleanup_free) char *copy = strdup(text);

	ck_assert_ptr_nonnull(copy);
	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	return json_read(copy, strlen(copy), flags, ret, problems);
}

struct policy *policy_from(const char *text)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	struct policy *policy = NULL;
	int r = read_quoted(text, 0, &json, &problems);

	if (!r)
		r = policy_parse(json, NULL, &source, &policy, &problems);
	ck_assert_msg(r == 0, "%s: %s %s", text, problems.count ? problems.list[0].pointer : "",
		      problems.count ? problems.list[0].detail : "");
	return policy;
}

char *problems_of(const char *text)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	CLEANUP(policy_list_clear) struct policy_list list = { 0 };
	char *said = NULL;
	size_t size;
	FILE *stream = open_memstream(&said, &size);
	int r = read_quoted(text, JSON_COMMENTS, &json, &problems);

	ck_assert_ptr_nonnull(stream);
	if (!r)
		r = policy_parse_list(json, &source, &list, &problems);
	ck_assert_int_eq(r != 0, problems.errors > 0);
	for (size_t i = 0; i < problems.count; i++)
		fprintf(stream, "%s%s: %s\n", problems.list[i].warning ? "warning " : "",
			problems.list[i].pointer, problems.list[i].detail);
	ck_assert_int_eq(fclose(stream), 0);
	return said;
}

/* Without a tree the same is printed. */
static void check_print(const struct policy *policy, bool expiry, const char *expected)
{
	struct printbuf *printed = printbuf_new();

	ck_assert_ptr_nonnull(printed);
	ck_assert_int_eq(policy_print(policy, expiry, printed), 0);
	ck_assert_str_eq(printed->buf, expected);
	printbuf_free(printed);
}

char *policy_text(const struct policy *policy)
{
	CLEANUP(cleanup_json) struct json_object *json = policy_to_json(policy);
	char *text;

	ck_assert_ptr_nonnull(json);
	text = strdup(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
								   JSON_C_TO_STRING_NOSLASHESCAPE));
	ck_assert_ptr_nonnull(text);
	check_print(policy, true, text);
	json_object_object_del(json, "expires_at");
	check_print(policy, false,
		    json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
								 JSON_C_TO_STRING_NOSLASHESCAPE));
	return text;
}

char *read_source_file(const char *name)
{
	const char *directory = getenv("srcdir");
	char path[PATH_MAX];
	char *text = NULL;
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory ? directory : ".", name);
	file = fopen(path, "re");
	ck_assert_msg(file != NULL, "%s cannot be read", path);
	ck_assert_int_gt(getdelim(&text, &size, '\0', file), 0);
	fclose(file);
	return text;
}

int run_case(const char *name, TCase *tcase)
{
	Suite *suite = suite_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
