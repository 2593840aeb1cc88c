// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit.h"
#include "cleanup.h"
#include "http_json.h"
#include "policyset.h"
#include "stubs.h"

#define NS_PER_SECOND UINT64_C(1000000000)

static char directory[] = "/tmp/pepctl-audit-XXXXXX";
static char path[64], moved[64];
static struct audit *audit;

static void begin(void)
{
	memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/audit", directory);
	snprintf(moved, sizeof(moved), "%s/moved", directory);
	audit = audit_new();
	ck_assert_ptr_nonnull(audit);
}

static void end(void)
{
	audit_free(&audit);
	unlink(path);
	unlink(moved);
	ck_assert_int_eq(rmdir(directory), 0);
}

static void write_one(const char *text)
{
	struct json_object *record = json_object_new_object();

	ck_assert_int_eq(json_add_text(record, "text", text), 0);
	audit_write(audit, path, record);
}

/* The caller frees it. */
static char *content(const char *file)
{
	FILE *stream = fopen(file, "r");
	char *text = NULL;
	size_t size = 0;

	ck_assert_ptr_nonnull(stream);
	ck_assert_int_ge(getdelim(&text, &size, '\0', stream), 0);
	fclose(stream);
	return text;
}

START_TEST(a_record_is_a_line_behind_those_before)
{
	CLEANUP(cleanup_free) char *text = NULL;
	struct stat status;

	write_one("one\ntwo");
	audit_free(&audit);
	audit = audit_new();
	write_one("three");
	text = content(path);
	ck_assert_ptr_nonnull(strstr(text, "\"text\":\"one\\ntwo\"}\n{\"time\":\"2"));
	ck_assert_ptr_nonnull(strstr(text, "\"text\":\"three\"}\n"));
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0640);
	ck_assert_int_eq(audit_error(audit), 0);
}
END_TEST

START_TEST(a_file_that_was_moved_is_made_anew_when_asked)
{
	CLEANUP(cleanup_free) char *old = NULL, *new = NULL;

	write_one("one");
	ck_assert_int_eq(rename(path, moved), 0);
	write_one("two");
	audit_reopen(audit);
	write_one("three");
	old = content(moved);
	new = content(path);
	ck_assert_ptr_nonnull(strstr(old, "two"));
	ck_assert_ptr_nonnull(strstr(new, "three"));
	ck_assert_ptr_null(strstr(new, "two"));
}
END_TEST

START_TEST(a_failure_is_known_until_it_is_over)
{
	struct json_object *record = json_object_new_object();

	audit_write(audit, "/dev/full", record);
	ck_assert_int_eq(audit_error(audit), ENOSPC);
	audit_write(audit, path, NULL);
	ck_assert_int_eq(audit_error(audit), ENOMEM);
	write_one("again");
	ck_assert_int_eq(audit_error(audit), 0);
}
END_TEST

START_TEST(refusals_are_so_many_a_second)
{
	CLEANUP(cleanup_free) char *text = NULL;
	uint64_t now_ns = 1000 * NS_PER_SECOND;
	int admitted = 0;

	for (int i = 0; i < 1000; i++)
		admitted += audit_admits(audit, now_ns);
	ck_assert_int_eq(admitted, 50);
	write_one("x");
	text = content(path);
	ck_assert_ptr_nonnull(strstr(text, "\"refusals_left_out\":950"));
	for (int i = 0; i < 100; i++) {
		now_ns += NS_PER_SECOND / 10;
		admitted += audit_admits(audit, now_ns);
	}
	ck_assert_int_eq(admitted, 100); /* five a second for ten seconds */
}
END_TEST

static struct json_object *printed(struct audit_diff *diff)
{
	struct json_object *record = json_object_new_object();

	ck_assert_int_eq(audit_diff_print(diff, record), 0);
	audit_diff_clear(diff);
	return record;
}

START_TEST(sets_are_compared)
{
	struct policyset *before = set_of("[{\"id\":\"a\",\"action\":\"BLOCK\"},"
					  "{\"id\":\"b\",\"action\":\"BLOCK\"},"
					  "{\"id\":\"d\",\"action\":\"BLOCK\"}]",
					  false);
	struct policyset *after = set_of("[{\"id\":\"b\",\"action\":\"ALLOW\"},"
					 "{\"id\":\"c\",\"action\":\"BLOCK\"},"
					 "{\"id\":\"d\",\"action\":\"BLOCK\"}]",
					 false);
	struct audit_diff diff = { 0 };
	struct json_object *record;
	const char *text;

	audit_diff_sets(&diff, before, after);
	ck_assert_uint_eq(diff.count, 3);
	policyset_put(&before);
	policyset_put(&after);
	record = printed(&diff);
	text = json_object_to_json_string_ext(record, JSON_C_TO_STRING_PLAIN);
	ck_assert_ptr_nonnull(strstr(text, "{\"id\":\"a\",\"before\":{\"id\":\"a\""));
	ck_assert_ptr_nonnull(strstr(text, "\"after\":null},{\"id\":\"b\",\"before\":{"));
	ck_assert_ptr_nonnull(strstr(text, "{\"id\":\"c\",\"before\":null,\"after\":{"));
	ck_assert_ptr_null(strstr(text, "\"d\""));
	json_object_put(record);
}
END_TEST

START_TEST(of_many_changes_a_hundred_are_told)
{
	struct policy *policy = policy_of("{\"id\":\"a\",\"action\":\"BLOCK\"}", false);
	struct audit_diff diff = { 0 };
	struct json_object *record, *list, *left_out;

	for (int i = 0; i < 1234; i++)
		audit_diff_note(&diff, NULL, policy);
	record = printed(&diff);
	ck_assert(json_object_object_get_ex(record, "changes", &list));
	ck_assert(json_object_object_get_ex(record, "changes_left_out", &left_out));
	ck_assert_uint_eq(json_object_array_length(list), 100);
	ck_assert_int_eq(json_object_get_int(left_out), 1134);
	json_object_put(record);
	policy_put(&policy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("audit");
	TCase *tcase = tcase_create("audit");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, a_record_is_a_line_behind_those_before);
	tcase_add_test(tcase, a_file_that_was_moved_is_made_anew_when_asked);
	tcase_add_test(tcase, a_failure_is_known_until_it_is_over);
	tcase_add_test(tcase, refusals_are_so_many_a_second);
	tcase_add_test(tcase, sets_are_compared);
	tcase_add_test(tcase, of_many_changes_a_hundred_are_told);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
