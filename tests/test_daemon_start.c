/* SPDX-License-Identifier: Apache-2.0 */
/* A start with bad files goes on with the next best state, and says so. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon.h"
#include "daemon_start.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"
#include "stubs.h"

static char directory[] = "/tmp/pepctl-start-XXXXXX";
static char config_path[64], policies_path[64];
static struct daemon under_test;
static struct daemon_start start;

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

/* @more: members of "policy" behind the usual ones. */
static void write_config(const char *more, const char *end)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"log\":{\"target\":\"stderr\",\"level\":\"critical\"},"
		 "\"policy\":{\"policies_file\":\"%s\",\"state_dir\":\"%s\"%s}%s",
		 policies_path, directory, more, end);
	write_file(config_path, text);
}

static void setup(void)
{
	stubs_reset();
	memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(config_path, sizeof(config_path), "%s/config.json", directory);
	snprintf(policies_path, sizeof(policies_path), "%s/policies.json", directory);
	write_config(",\"default_action\":\"BLOCK\"", "}");
	write_file(policies_path, "[{\"id\":\"file\",\"action\":\"BLOCK\"}]");
	stubs.stored = "[{\"id\":\"api\",\"action\":\"ALLOW\"}]";
	under_test = (struct daemon){ .config_path = config_path };
	under_test.set = policyset_new();
}

static void teardown(void)
{
	unlink(config_path);
	unlink(policies_path);
	rmdir(directory);
	daemon_start_clear(&start);
	start = (struct daemon_start){ 0 };
	policyset_put(&under_test.set);
	settings_free(&under_test.settings);
	free(under_test.degraded);
}

static void break_policies(void)
{
	write_file(policies_path, "[{\"id\":\"file\",\"action\":\"BLO");
}

static void give_last_good(void)
{
	stubs.good_config = "{\"policy\":{\"capacity\":77}}";
	stubs.good_policies = "[{\"id\":\"good\",\"action\":\"BLOCK\"}]";
}

static void assert_set(const char *first, const char *second)
{
	ck_assert_uint_eq(start.set->count, !!first + !!second);
	if (first)
		ck_assert_ptr_nonnull(policyset_find(start.set, first));
	if (second)
		ck_assert_ptr_nonnull(policyset_find(start.set, second));
}

START_TEST(good_files_are_taken)
{
	ck_assert_int_eq(daemon_start_read(&under_test, &start), 0);
	assert_set("api", "file");
	ck_assert_ptr_null(under_test.degraded);
	ck_assert(under_test.settings->default_block);
}
END_TEST

START_TEST(bad_policies_mean_the_last_good_state)
{
	break_policies();
	give_last_good();
	ck_assert_int_eq(daemon_start_read(&under_test, &start), 0);
	assert_set("api", "good");
	ck_assert_uint_eq(under_test.settings->capacity, 77);
	ck_assert(!under_test.settings->default_block);
	ck_assert_ptr_nonnull(strstr(under_test.degraded, "last good"));
	ck_assert_ptr_nonnull(strstr(under_test.degraded, "policies.json"));
}
END_TEST

START_TEST(a_bad_config_too)
{
	write_config(",\"capacity\":0", "}");
	give_last_good();
	ck_assert_int_eq(daemon_start_read(&under_test, &start), 0);
	assert_set("api", "good");
	ck_assert_ptr_nonnull(strstr(under_test.degraded, "/policy/capacity"));
}
END_TEST

START_TEST(an_id_of_both_origins_is_bad)
{
	stubs.stored = "[{\"id\":\"file\",\"action\":\"ALLOW\"}]";
	give_last_good();
	ck_assert_int_eq(daemon_start_read(&under_test, &start), 0);
	assert_set("file", "good");
	ck_assert_ptr_nonnull(strstr(under_test.degraded, "\"file\""));
}
END_TEST

START_TEST(without_a_last_good_state_it_is_open)
{
	break_policies();
	ck_assert_int_eq(daemon_start_read(&under_test, &start), 0);
	assert_set("api", NULL);
	ck_assert(!under_test.settings->default_block);
	ck_assert_ptr_nonnull(strstr(under_test.degraded, "default ALLOW"));
}
END_TEST

START_TEST(open_can_be_chosen)
{
	write_config(",\"default_action\":\"BLOCK\",\"on_bad_start\":\"open\"", "}");
	break_policies();
	give_last_good();
	ck_assert_int_eq(daemon_start_read(&under_test, &start), 0);
	assert_set("api", NULL);
	ck_assert(!under_test.settings->default_block);
}
END_TEST

START_TEST(closed_can_be_chosen)
{
	write_config(",\"on_bad_start\":\"block-but-failsafe\"", "}");
	break_policies();
	ck_assert_int_eq(daemon_start_read(&under_test, &start), 0);
	assert_set("api", NULL); /* kept, and not enforced */
	ck_assert(under_test.settings->block_all);
	ck_assert(under_test.settings->default_block);
	ck_assert_uint_gt(under_test.settings->failsafe->count, 0);
	ck_assert_ptr_nonnull(strstr(under_test.degraded, "blocked"));
}
END_TEST

START_TEST(closed_with_a_bad_config_needs_the_last_good_one)
{
	write_config(",\"on_bad_start\":\"block-but-failsafe\",\"capacity\":0", "}");
	ck_assert_int_eq(daemon_start_read(&under_test, &start), EX_CONFIG);
	settings_free(&under_test.settings);
	give_last_good();
	ck_assert_int_eq(daemon_start_read(&under_test, &start), 0);
	ck_assert(under_test.settings->default_block);
	ck_assert_uint_eq(under_test.settings->capacity, 77);
}
END_TEST

START_TEST(a_bad_config_without_a_last_good_one_is_the_end)
{
	write_config(",\"capacity\":0", "}");
	ck_assert_int_eq(daemon_start_read(&under_test, &start), EX_CONFIG);
	settings_free(&under_test.settings);
	/* Not even JSON: nobody knows which state directory is meant. */
	stubs.calls[0] = '\0';
	give_last_good();
	write_config("", "");
	ck_assert_int_eq(daemon_start_read(&under_test, &start), EX_CONFIG);
	ck_assert_str_eq(stubs.calls, "");
	settings_free(&under_test.settings);
	unlink(config_path);
	ck_assert_int_eq(daemon_start_read(&under_test, &start), EX_CONFIG);
	ck_assert_str_eq(stubs.calls, "");
}
END_TEST

START_TEST(what_cannot_be_enforced_falls_back_too)
{
	const struct problems problems = { .errors = 1 };

	give_last_good();
	ck_assert_int_eq(daemon_start_read(&under_test, &start), 0);
	ck_assert_int_eq(daemon_start_fall_back(&under_test, &start, &problems), 0);
	assert_set("api", "good");
	ck_assert_int_eq(daemon_start_fall_back(&under_test, &start, &problems), 0);
	assert_set("api", NULL);
	ck_assert_int_eq(daemon_start_fall_back(&under_test, &start, &problems), EX_CONFIG);
}
END_TEST

START_TEST(the_store_decides_the_status)
{
	stubs.open_error = -EBUSY;
	ck_assert_int_eq(daemon_start_read(&under_test, &start), EX_TEMPFAIL);
	settings_free(&under_test.settings);
	stubs.open_error = -EPROTO;
	ck_assert_int_eq(daemon_start_read(&under_test, &start), EX_CONFIG);
	settings_free(&under_test.settings);
	stubs.open_error = -EACCES;
	ck_assert_int_eq(daemon_start_read(&under_test, &start), EX_OSERR);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon_start");
	TCase *tests = tcase_create("daemon_start");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, good_files_are_taken);
	tcase_add_test(tests, bad_policies_mean_the_last_good_state);
	tcase_add_test(tests, a_bad_config_too);
	tcase_add_test(tests, an_id_of_both_origins_is_bad);
	tcase_add_test(tests, without_a_last_good_state_it_is_open);
	tcase_add_test(tests, open_can_be_chosen);
	tcase_add_test(tests, closed_can_be_chosen);
	tcase_add_test(tests, closed_with_a_bad_config_needs_the_last_good_one);
	tcase_add_test(tests, a_bad_config_without_a_last_good_one_is_the_end);
	tcase_add_test(tests, what_cannot_be_enforced_falls_back_too);
	tcase_add_test(tests, the_store_decides_the_status);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
