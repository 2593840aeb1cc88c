// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_session.h"

/* ---- check and diff */

static const struct {
	const char *text, *options;
	int status;
	const char *says;
} checks[] = {
	{ "[]", "", CLIENT_DONE, ": 0 valid policies\n" },
	{ "{}", "", CLIENT_DONE, ": a valid configuration" },
	{ "[{\"id\":\"a\",\"action\":\"ALLOW\"}]", "--strict", CLIENT_DONE, ": 1 valid policy\n" },
	{ "{\"log\":{\"level\":\"loud\"}}", "", CLIENT_REFUSED, ": /log/level: " },
	{ "[{\"id\":\"a\",\"action\":\"FROB\"},{\"id\":\"b\"}]", "", CLIENT_REFUSED,
	  ": /0/action: " },
	{ "[{\"id\":\"a\",\"action\":\"FROB\"},{\"id\":\"b\"}]", "", CLIENT_REFUSED,
	  ": 2 errors\n" },
	{ "not json", "", CLIENT_REFUSED, ": 1 error\n" },
	{ "[{\"id\":\"a\",\"id\":\"b\",\"action\":\"ALLOW\"},{}]", "", CLIENT_REFUSED,
	  ": /0/id: this key occurs twice in its object\n" },
	{ "[{\"id\":\"a\",\"id\":\"b\",\"action\":\"ALLOW\"},{}]", "", CLIENT_REFUSED,
	  ": /1/id: " },
	{ "[{\"id\":\"a\",\"id\":\"b\",\"action\":\"ALLOW\"}]", "", CLIENT_REFUSED, ": 1 error\n" },
	{ "{\"log\":{},\"log\":{\"level\":9}}", "", CLIENT_REFUSED, ": 2 errors\n" },
	{ "{\"policy\":{\"capacity\":99999999999999999999999}}", "", CLIENT_REFUSED,
	  "is 18446744073709551615 or more, must be" },
	{ "[{\"id\":\"a\",\"action\":\"ALLOW\",\"priority\":-99999999999999999999999}]", "",
	  CLIENT_REFUSED, "-9223372036854775808 or less" },
	{ "[{\"id\":\"a\",\"action\":\"ALLOW\",\"ttl_seconds\":5}]", "", CLIENT_REFUSED,
	  "nothing of this is an error for `pepctl apply`" },
	{ "[{\"id\":\"a\",\"action\":\"BLOCK\"},"
	  "{\"id\":\"b\",\"action\":\"ALLOW\",\"src\":{\"ip\":\"10.0.0.1\"}}]",
	  "", CLIENT_DONE, ": /1: warning: \"b\" (ALLOW) is evaluated before \"a\"" },
	{ "[{\"id\":\"a\",\"action\":\"BLOCK\"},"
	  "{\"id\":\"b\",\"action\":\"ALLOW\",\"src\":{\"ip\":\"10.0.0.1\"}}]",
	  "--strict", CLIENT_REFUSED, ", 1 warning\n" },
	{ "[]", "--json", CLIENT_DONE, "\"valid\": true" },
	{ "[5]", "--json", CLIENT_REFUSED, "\"pointer\": \"/0\"" },
};

START_TEST(check_a_file)
{
	char line[256];

	session_write_file(checks[_i].text);
	snprintf(line, sizeof(line), "check %s%s%s", session.file, *checks[_i].options ? " " : "",
		 checks[_i].options);
	ck_assert_msg(session_run(line) == checks[_i].status, "%s: %s%s", checks[_i].text,
		      session.out, session.err);
	ck_assert_msg(contains(session.out, checks[_i].says), "%s", session.out);
	ck_assert_str_eq(session.err, "");
}
END_TEST

START_TEST(check_what_is_not_there)
{
	ck_assert_int_eq(session_run("check /nonexistent/file.json"), CLIENT_REFUSED);
	ck_assert(contains(session.out, "/nonexistent/file.json: "));
}
END_TEST

#define IN_FORCE                                                                                   \
	ANSWER_JSON "{\"policies\":[{\"id\":\"goes\",\"action\":\"ALLOW\"},{\"id\":\"changes\","   \
		    "\"action\":\"BLOCK\",\"priority\":5,\"log\":true},{\"id\":\"stays\","         \
		    "\"action\":\"BLOCK\",\"src\":{\"ip\":\"10.0.0.0/8\"}}]}"

START_TEST(diff_with_the_daemon)
{
	const struct canned answer = { IN_FORCE, 0 };
	char line[256];

	session_write_file(
		"[{\"id\":\"comes\",\"action\":\"BLOCK\"},{\"id\":\"stays\",\"action\":\"block\","
		"\"src\":{\"ip\":\"10.0.0.0/8\"},\"dst\":{\"ip\":\"any\"}},"
		"{\"id\":\"changes\",\"action\":\"BLOCK\",\"priority\":6}]");
	snprintf(line, sizeof(line), "diff %s", session.file);
	ck_assert_int_eq(session_ask(line, &answer, 1), CLIENT_REFUSED);
	ck_assert_str_eq(session.out,
			 "~ changes\n-    priority: 5\n-    log: true\n+    priority: 6\n"
			 "+ comes: block in from any to any\n"
			 "- goes: allow in from any to any\n");
	ck_assert(contains(session.asked, "origin=api"));
}
END_TEST

START_TEST(diff_of_the_same)
{
	const struct canned answer = { IN_FORCE, 0 };
	char line[256];

	session_write_file(strchr(IN_FORCE, '{'));
	snprintf(line, sizeof(line), "diff %s", session.file);
	ck_assert_int_eq(session_ask(line, &answer, 1), CLIENT_DONE);
	ck_assert_str_eq(session.out, "");
	snprintf(line, sizeof(line), "diff %s %s", session.file, session.file);
	ck_assert_int_eq(session_run(line), CLIENT_DONE);
}
END_TEST

START_TEST(diff_in_trouble)
{
	char line[256];

	ck_assert_int_eq(session_run("diff /nonexistent/a /nonexistent/b"), 2);
	session_write_file("[]");
	snprintf(line, sizeof(line), "diff --socket /nonexistent/sock %s", session.file);
	ck_assert_int_eq(session_run(line), CLIENT_NO_DAEMON);
	snprintf(line, sizeof(line), "diff --origin moon %s", session.file);
	ck_assert_int_eq(session_run(line), CLIENT_USAGE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client_check");
	TCase *tests = tcase_create("check and diff");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, session_set_up, session_tear_down);
	tcase_add_loop_test(tests, check_a_file, 0, ARRAY_SIZE(checks));
	tcase_add_test(tests, check_what_is_not_there);
	tcase_add_test(tests, diff_with_the_daemon);
	tcase_add_test(tests, diff_of_the_same);
	tcase_add_test(tests, diff_in_trouble);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
