// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_session.h"

#define CHANGED(more)                                                                              \
	ANSWER_JSON "{\"status\":\"success\",\"changed\":true,\"created\":0,\"warnings\":[]," more \
		    "\"generation\":7}"
#define SAME ANSWER_JSON "{\"status\":\"success\",\"changed\":false,\"warnings\":[]}"

#define NO_SETS ANSWER_JSON "{\"sets\":[],\"count\":0}"
#define ONE_SET ANSWER_JSON "{\"sets\":[{\"name\":\"bad\",\"entry_count\":2}],\"count\":1}"
#define ITS_ENTRIES                                                                                \
	ANSWER_JSON "{\"name\":\"bad\",\"entries\":[\"10.0.0.1\",{\"address\":\"10.0.0.2\","       \
		    "\"expires_at\":\"2099-01-01T00:00:00Z\"}]}"
#define UNDO                                                                                       \
	"(undo: printf '%s\\n' 10.0.0.1 '10.0.0.2 expires=2099-01-01T00:00:00Z' | pepctl set put bad -)"

/* After it was asked what there is, which is nothing. */
static int ask_anew(const char *line, const char *answer)
{
	const struct canned answers[] = { { NO_SETS, 0 }, { answer, 0 } };

	return session_ask(line, answers, 2);
}

static int ask_with(const char *line, const char *answer)
{
	const struct canned answers[] = { { ONE_SET, 0 }, { ITS_ENTRIES, 0 }, { answer, 0 } };

	return session_ask(line, answers, 3);
}

static int ask(const char *line, const char *answer)
{
	const struct canned answers[] = { { answer, 0 } };

	return session_ask(line, answers, 1);
}

START_TEST(list)
{
	ck_assert_int_eq(ask("set list", ANSWER_JSON
			     "{\"sets\":[{\"name\":\"bad\",\"origin\":\"api\",\"entry_count\":7,"
			     "\"updated_at\":null,\"used_by\":[\"p\",\"q\"]}],\"count\":1}"),
			 CLIENT_DONE);
	ck_assert(contains(session.out, "bad   api           7  -        p, q"));
	ck_assert_int_eq(ask("set list", ANSWER_JSON "{\"sets\":[]}"), CLIENT_DONE);
	ck_assert_str_eq(session.out, "no sets of addresses\n");
}
END_TEST

START_TEST(show)
{
	static const char answer[] = ANSWER_JSON
		"{\"name\":\"bad\",\"origin\":\"api\",\"entry_count\":2,\"used_by\":[],"
		"\"entries\":[\"10.0.0.1\",{\"address\":\"10.0.0.2\",\"expires_at\":"
		"\"2099-01-01T00:00:00Z\"}]}";

	ck_assert_int_eq(ask("set show bad", answer), CLIENT_DONE);
	ck_assert_str_eq(session.out, "# bad: origin api, 2 entries, used by -\n10.0.0.1\n"
				      "10.0.0.2 expires=2099-01-01T00:00:00Z\n");
	ck_assert_int_eq(ask("set show bad --json", answer), CLIENT_DONE);
	ck_assert(contains(session.out, "\"entry_count\": 2"));
	ck_assert_int_eq(ask("set show none", NOT_THERE), CLIENT_REFUSED);
}
END_TEST

START_TEST(put)
{
	char line[128];

	session_write_file("10.0.0.1\n# two\n10.0.0.2\n");
	snprintf(line, sizeof(line), "set put bad %s", session.file);
	ck_assert_int_eq(ask_anew(line,
				  ANSWER_JSON "{\"changed\":true,\"created\":1,\"entry_count\":2,"
					      "\"warnings\":[]}"),
			 CLIENT_DONE);
	ck_assert_str_eq(session.out,
			 "added the set bad with 2 entries (undo: pepctl set delete bad)\n");
	ck_assert(contains(session.asked, "PUT /sets/bad HTTP/1.1"));
	ck_assert(contains(session.asked, "Content-Type: text/plain"));
	ck_assert(contains(session.asked, "10.0.0.1\n# two\n10.0.0.2\n"));
	ck_assert(contains(session.asked, "GET /sets HTTP/1.1"));
	session_write_file(" {\"entries\": [\"10.0.0.1\"]}");
	ck_assert_int_eq(ask_anew(line, CHANGED("\"entry_count\":1,")), CLIENT_DONE);
	ck_assert_str_eq(session.out, "replaced the set bad with 1 entry\n");
	ck_assert(contains(session.asked, "Content-Type: application/json"));
	ck_assert_int_eq(ask_with(line, CHANGED("\"entry_count\":1,")), CLIENT_DONE);
	ck_assert_str_eq(session.out, "replaced the set bad with 1 entry " UNDO "\n");
	ck_assert_int_eq(ask_anew(line, SAME), CLIENT_DONE);
	ck_assert_str_eq(session.out, "nothing to change in bad\n");
	session_write_file("");
	ck_assert_int_eq(session_run(line), CLIENT_REFUSED);
	ck_assert(contains(session.err, "is empty"));
	ck_assert_int_eq(session_run("set put bad /nonexistent"), CLIENT_REFUSED);
}
END_TEST

START_TEST(add_and_delete)
{
	ck_assert_int_eq(ask("set add bad 10.0.0.1 fe80::/64", CHANGED("\"entries_added\":2,")),
			 CLIENT_DONE);
	ck_assert_str_eq(session.out, "added 2 of 2 entries to bad (undo: pepctl set delete bad "
				      "10.0.0.1 fe80::/64)\n");
	ck_assert(contains(session.asked, "PATCH /sets/bad HTTP/1.1"));
	ck_assert(contains(session.asked, "{\"add\":[\"10.0.0.1\",\"fe80::/64\"]}"));
	ck_assert_int_eq(ask("set add bad 10.0.0.1 for 1h", CHANGED("\"entries_changed\":1,")),
			 CLIENT_DONE);
	ck_assert_str_eq(session.out, "added 1 of 1 entries to bad\n");
	ck_assert(contains(session.asked, "{\"address\":\"10.0.0.1\",\"ttl_seconds\":3600}"));
	ck_assert_int_eq(ask("set delete bad 10.0.0.1 --dry-run",
			     CHANGED("\"entries_removed\":1,")),
			 CLIENT_DONE);
	ck_assert_str_eq(session.out, "dry run: 1 of 1 entries of bad would be deleted\n");
	ck_assert(contains(session.asked, "PATCH /sets/bad?dry_run=true"));
	ck_assert(contains(session.asked, "{\"remove\":[\"10.0.0.1\"]}"));
	ck_assert_int_eq(ask_with("set delete bad", CHANGED("")), CLIENT_DONE);
	ck_assert_str_eq(session.out, "deleted bad " UNDO "\n");
	ck_assert(contains(session.asked, "DELETE /sets/bad HTTP/1.1"));
	ck_assert_int_eq(ask_anew("set delete bad",
				  ANSWER_PROBLEM("409 Conflict") "{\"detail\":\"used\"}"),
			 CLIENT_REFUSED);
	ck_assert_int_eq(ask("set add bad 10.0.0.1 --json", CHANGED("\"entries_added\":1,")),
			 CLIENT_DONE);
	ck_assert(contains(session.out, "\"pepctl set delete bad 10.0.0.1\""));
}
END_TEST

START_TEST(usage)
{
	static const char *const lines[] = {
		"set",		 "set frob",   "set show",  "set show a b", "set put a",
		"set put a b c", "set list a", "set add a", "set delete",   "set add a b for ever"
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		ck_assert_msg(session_run(lines[i]) == CLIENT_USAGE, "%s: %s", lines[i],
			      session.err);
	ck_assert_int_eq(session_run("set list"), CLIENT_NO_DAEMON);
}
END_TEST

START_TEST(check)
{
	char line[128];

	session_write_file("{\"entries\": [\"10.0.0.1\", \"10.0.0.2\"]}");
	snprintf(line, sizeof(line), "check %s", session.file);
	ck_assert_int_eq(session_run(line), CLIENT_DONE);
	ck_assert(contains(session.out, "a valid set of addresses, 2 entries"));
	session_write_file("{\"entries\": [\"10.0.0.1\", \"x\"]}");
	ck_assert_int_eq(session_run(line), CLIENT_REFUSED);
	ck_assert(contains(session.out, "/entries/1: "));
	session_write_file("[{\"id\":\"a\",\"action\":\"BLOCK\",\"src\":{\"ip\":\"@nowhere\"}}]");
	ck_assert_int_eq(session_run(line), CLIENT_DONE);
	ck_assert(contains(session.out, "\"@nowhere\""));
	ck_assert(contains(session.out, "is not checked here"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("client_set");
	Suite *suite = suite_create("client_set");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, session_set_up, session_tear_down);
	tcase_add_test(tcase, list);
	tcase_add_test(tcase, show);
	tcase_add_test(tcase, put);
	tcase_add_test(tcase, add_and_delete);
	tcase_add_test(tcase, usage);
	tcase_add_test(tcase, check);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
