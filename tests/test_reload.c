/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration and files are read again, all or nothing. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commits.h"
#include "daemon.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"
#include "stubs.h"

static char directory[] = "/tmp/pepctl-reload-XXXXXX";
static char config_path[64], policies_path[64];
static struct daemon under_test;
static struct problems problems;
static struct change_result result;

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

/* @more: members behind "policies_file" in "policy", @sections: behind that. */
static void write_config(const char *more, const char *sections)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"log\":{\"target\":\"stderr\",\"level\":\"critical\"},"
		 "\"policy\":{\"policies_file\":\"%s\"%s}%s}",
		 policies_path, more, sections);
	write_file(config_path, text);
}

static bool forced;

static void setup(void)
{
	stubs_reset();
	forced = false;
	memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(config_path, sizeof(config_path), "%s/config.json", directory);
	snprintf(policies_path, sizeof(policies_path), "%s/policies.json", directory);
	write_config("", "");
	write_file(policies_path, "[{\"id\":\"file\",\"action\":\"BLOCK\"}]");

	under_test = (struct daemon){ .config_path = config_path, .last_reload_ok = true };
	under_test.http = (struct http *)&under_test; /* the stub does not look at it */
	ck_assert_int_eq(settings_load(config_path, &under_test.settings, &problems), 0);
	ck_assert_int_eq(commits_open(&under_test, false, &under_test.commits), 0);
	under_test.set = set_of("[{\"id\":\"api\",\"action\":\"BLOCK\"}]", false);
}

static void teardown(void)
{
	unlink(config_path);
	unlink(policies_path);
	rmdir(directory);
	commits_close(&under_test.commits);
	policyset_put(&under_test.set);
	settings_free(&under_test.settings);
	free(under_test.degraded);
	problems_clear(&problems);
}

static void note_result(void *context, int error, const struct change_result *reloaded,
			const struct problems *found)
{
	*(int *)context = error;
	if (!error)
		result = *reloaded;
	for (size_t i = 0; i < found->count; i++) {
		const struct problem *problem = &found->list[i];

		if (problem->warning)
			problem_warn(&problems, problem->pointer, "%s", problem->detail);
		else
			problem_add(&problems, problem->pointer, "%s", problem->detail);
	}
}

static int reload(void)
{
	int r = 1;

	problems_clear(&problems);
	stubs.calls[0] = '\0';
	result = (struct change_result){ 0 };
	daemon_reload(&under_test, forced, note_result, &r);
	return r;
}

/* Nothing is different from before, and the reason is known. */
static void assert_failed(int r, const char *word)
{
	ck_assert_int_lt(r, 0);
	ck_assert(!under_test.last_reload_ok);
	ck_assert_uint_ge(problems.errors, 1);
	ck_assert_msg(strstr(problems.list[0].detail, word) ||
			      strstr(problems.list[0].pointer, word),
		      "%s: %s", problems.list[0].pointer, problems.list[0].detail);
	ck_assert_uint_eq(stubs.generation, 1);
	ck_assert_int_eq(stubs.open_changes, 0);
	ck_assert_uint_eq(under_test.set->count, 1);
	ck_assert_uint_eq(stubs.last_good, 0);
}

START_TEST(files_come_into_force)
{
	ck_assert_int_eq(reload(), 0);
	ck_assert_str_eq(stubs.calls, "prepare listen commit keep ");
	ck_assert_uint_eq(result.created, 1);
	ck_assert_uint_eq(result.unchanged, 1);
	ck_assert_uint_eq(result.policy_count, 2);
	ck_assert_uint_eq(result.generation, 2);
	ck_assert_int_eq(policyset_find(under_test.set, "file")->origin, ORIGIN_FILE);
	ck_assert_int_gt(policyset_find(under_test.set, "file")->created_at, 0);
	ck_assert_int_eq(policyset_find(under_test.set, "api")->origin, ORIGIN_API);
	ck_assert_uint_eq(stubs.last_good, 1);
	ck_assert(under_test.last_reload_ok);
	ck_assert_int_gt(under_test.last_reload_us, 0);
}
END_TEST

START_TEST(what_is_the_same_stays_the_same)
{
	const struct policy *policy;

	ck_assert_int_eq(reload(), 0);
	policy = policyset_find(under_test.set, "file");
	ck_assert_int_eq(reload(), 0);
	ck_assert(!result.changed);
	ck_assert_uint_eq(result.generation, 2);
	ck_assert_str_eq(stubs.calls, "listen keep ");
	write_file(policies_path, "[{\"id\":\"file\",\"action\":\"BLOCK\"},"
				  "{\"id\":\"more\",\"action\":\"ALLOW\"}]");
	ck_assert_int_eq(reload(), 0);
	ck_assert_ptr_eq(policyset_find(under_test.set, "file"), policy);
}
END_TEST

START_TEST(a_new_default_is_a_new_state)
{
	ck_assert_int_eq(reload(), 0);
	write_config(",\"default_action\":\"BLOCK\"", "");
	ck_assert_int_eq(reload(), -EHOSTUNREACH);
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert(!under_test.settings->default_block);
	forced = true;
	ck_assert_int_eq(reload(), 0);
	ck_assert(!result.changed);
	ck_assert_uint_eq(result.generation, 3);
	ck_assert_uint_eq(stubs.flags, PEP_IMAGE_DEFAULT_BLOCK);
}
END_TEST

START_TEST(bad_files_change_nothing)
{
	write_file(policies_path, "[{\"id\":\"file\",\"action\":\"BLOK\"}]");
	assert_failed(reload(), "policies.json");
	ck_assert_str_eq(stubs.calls, "");
	write_file(policies_path, "[]");
	write_config("", ",\"network\":{\"mode\":\"fast\"}");
	assert_failed(reload(), "/network/mode");
	unlink(config_path);
	assert_failed(reload(), "config.json");
}
END_TEST

START_TEST(an_id_of_the_api_is_taken)
{
	write_file(policies_path, "[{\"id\":\"api\",\"action\":\"ALLOW\"}]");
	assert_failed(reload(), "\"api\"");
}
END_TEST

START_TEST(capacity_counts_both)
{
	write_config(",\"capacity\":1", "");
	assert_failed(reload(), "policy.capacity");
	ck_assert_uint_eq(under_test.settings->capacity, 10000);
}
END_TEST

START_TEST(what_cannot_be_compiled_changes_nothing)
{
	const struct settings *before = under_test.settings;

	stubs.prepare_error = -ENOSPC;
	assert_failed(reload(), "too many rules");
	ck_assert_ptr_eq(under_test.settings, before);
}
END_TEST

START_TEST(what_cannot_be_listened_on_changes_nothing)
{
	const struct settings *before = under_test.settings;

	stubs.reconfigure_error = -EADDRINUSE;
	assert_failed(reload(), "listen");
	/* The second time with the old ones. */
	ck_assert_str_eq(stubs.calls, "prepare listen listen abandon ");
	ck_assert_ptr_eq(under_test.settings, before);
}
END_TEST

START_TEST(a_log_that_cannot_be_opened_is_named)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"log\":{\"target\":\"file\",\"file\":\"/nonexistent/a/log\"},"
		 "\"policy\":{\"policies_file\":\"%s\"}}",
		 policies_path);
	write_file(config_path, text);
	assert_failed(reload(), "/log/file");
}
END_TEST

START_TEST(a_restart_is_asked_for)
{
	write_config(",\"state_dir\":\"/elsewhere\",\"capacity\":7", "");
	ck_assert_int_eq(reload(), 0);
	ck_assert_uint_eq(problems.count, 1);
	ck_assert(problems.list[0].warning);
	ck_assert_str_eq(problems.list[0].pointer, "/policy/state_dir");
	ck_assert_uint_eq(under_test.settings->capacity, 7);
	ck_assert_str_ne(under_test.settings->state_dir, "/elsewhere");
	/* As long as it has not happened. */
	ck_assert_int_eq(reload(), 0);
	ck_assert_uint_eq(problems.count, 1);
}
END_TEST

START_TEST(a_good_reload_ends_a_bad_start)
{
	under_test.degraded = strdup("bad start");
	write_config("", ",\"nonsense\":{}");
	ck_assert_int_lt(reload(), 0);
	ck_assert_ptr_nonnull(under_test.degraded);
	write_config("", "");
	ck_assert_int_eq(reload(), 0);
	ck_assert_ptr_null(under_test.degraded);
}
END_TEST

START_TEST(the_level_of_the_command_line_stays)
{
	under_test.log_level = "error";
	ck_assert_int_eq(reload(), 0);
	ck_assert_int_eq(under_test.settings->log_level, LOG_LEVEL_ERROR);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reload");
	TCase *tests = tcase_create("reload");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, files_come_into_force);
	tcase_add_test(tests, what_is_the_same_stays_the_same);
	tcase_add_test(tests, a_new_default_is_a_new_state);
	tcase_add_test(tests, bad_files_change_nothing);
	tcase_add_test(tests, an_id_of_the_api_is_taken);
	tcase_add_test(tests, capacity_counts_both);
	tcase_add_test(tests, what_cannot_be_compiled_changes_nothing);
	tcase_add_test(tests, what_cannot_be_listened_on_changes_nothing);
	tcase_add_test(tests, a_log_that_cannot_be_opened_is_named);
	tcase_add_test(tests, a_restart_is_asked_for);
	tcase_add_test(tests, a_good_reload_ends_a_bad_start);
	tcase_add_test(tests, the_level_of_the_command_line_stays);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
