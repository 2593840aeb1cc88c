// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_help.h"
#include "client_session.h"

#define POLICIES                                                                                   \
	ANSWER_JSON                                                                                \
	"{\"policies\":[{\"id\":\"web\"},{\"id\":\"a:1\"},{\"id\":\"a:2\"}],\"count\":3}"
#define INTERFACES ANSWER_JSON "{\"interfaces\":[{\"name\":\"eth0\"},{\"name\":\"eth1\"}]}"
#define SETS ANSWER_JSON "{\"sets\":[{\"name\":\"bad\"},{\"name\":\"worse\"}],\"count\":2}"

/* What is printed for a line that asks nobody, without summaries. */
static const struct {
	const char *line, *offers;
} lines[] = {
	{ "li", "list\n" },
	{ "he", "help\n" },
	{ "help li", "list\n" },
	{ "--json li", "list\n" },
	{ "--socket /nonexistent li", "list\n" },
	{ "list --ma", "--match\n" },
	{ "list --match x --li", "--limit\n" },
	{ "list --match ", "" },
	{ "status ", "" },
	{ "frobnicate ", "" },
	{ "apply ", ":files\n" },
	{ "apply policies.json ", "" },
	{ "diff policies.json ", ":files\n" },
	{ "check a.json b.json ", ":files\n" },
	{ "add --file ", ":files\n" },
	{ "add --file=x", ":files\n" },
	{ "add ", "" },
	{ "--so", "--socket\n" },
	{ "--socket ", ":files\n" },
	{ "events --verdict ", "pass\ndrop\nlog\n" },
	{ "events --verdict=d", "--verdict=drop\n" },
	{ "export --origin a", "api\nall\n" },
	{ "set ", "list\nshow\nput\nadd\ndelete\n" },
	{ "set p", "put\n" },
	{ "set list ", "" },
	{ "set put bad ", ":files\n" },
	{ "set add bad ", "" },
	{ "token ", "create\nlist\nrevoke\n" },
	{ "token revoke ", "" },
	{ "token create me ", "viewer\noperator\n" },
};

/* What was printed, without the summaries; the caller frees it. */
static char *offers(void)
{
	char *text = strdup(session.out), *to = text;
	bool summary = false;

	ck_assert_ptr_nonnull(text);
	for (const char *at = session.out; *at; at++) {
		summary = *at == '\t' || (summary && *at != '\n');
		if (!summary)
			*to++ = *at;
	}
	*to = '\0';
	return text;
}

START_TEST(offers_what_the_tables_say)
{
	CLEANUP(cleanup_free) char *offered = NULL;
	char line[128];

	snprintf(line, sizeof(line), "complete -- %s", lines[_i].line);
	session_run(line);
	offered = offers();
	ck_assert_msg(!strcmp(offered, lines[_i].offers), "%s: %s", line, offered);
}
END_TEST

START_TEST(offers_every_command_and_its_options)
{
	const struct client_command *command;
	size_t count = 0;
	char line[128];

	for (; (command = client_command_at(count)); count++) {
		session_run("complete -- ");
		snprintf(line, sizeof(line), "%s\t%s\n", command->name, command->summary);
		ck_assert_msg(contains(session.out, line), "%s", line);
		snprintf(line, sizeof(line), "complete -- %s --", command->name);
		session_run(line);
		for (size_t i = 0; i < CLIENT_OPTIONS; i++) {
			unsigned int known = command->options | CLIENT_GENERAL_OPTIONS;

			snprintf(line, sizeof(line), "--%s\t", client_options[i].name);
			ck_assert_msg(contains(session.out, line) == !!(known & OPTION_BIT(i)),
				      "%s %s", command->name, line);
		}
	}
	ck_assert_uint_gt(count, 10);
	ck_assert_ptr_nonnull(client_command_find("complete"));
}
END_TEST

static const struct {
	const char *line, *answer, *asked, *offers;
} questions[] = {
	{ "show ", POLICIES, "GET /policies?", "web\na:1\na:2\n" },
	{ "show web a:", POLICIES, "GET /policies?", "a:1\na:2\n" },
	{ "modify w", POLICIES, "GET /policies?", "web\n" },
	{ "events --policy ", POLICIES, "GET /policies?", "web\na:1\na:2\n" },
	{ "events --policy=w", POLICIES, "GET /policies?", "--policy=web\n" },
	{ "set show ", SETS, "GET /sets ", "bad\nworse\n" },
	{ "set add w", SETS, "GET /sets ", "worse\n" },
	{ "doctor ", INTERFACES, "GET /interfaces ", "eth0\neth1\n" },
};

START_TEST(offers_what_the_daemon_has)
{
	const struct canned answers[] = { { questions[_i].answer, 0 } };
	CLEANUP(cleanup_free) char *offered = NULL;
	char line[128];

	snprintf(line, sizeof(line), "complete -- %s", questions[_i].line);
	ck_assert_int_eq(session_ask(line, answers, 1), CLIENT_DONE);
	offered = offers();
	ck_assert_str_eq(offered, questions[_i].offers);
	ck_assert_msg(contains(session.asked, questions[_i].asked), "%s", session.asked);
}
END_TEST

START_TEST(asks_the_daemon_that_the_line_names)
{
	const struct canned answers[] = { { POLICIES, 0 } };
	char line[PATH_MAX + 64];

	ck_assert_int_eq(session_ask("complete -- show --socket /nonexistent ", answers, 1),
			 CLIENT_DONE);
	ck_assert_str_eq(session.out, "");
	snprintf(line, sizeof(line), "complete -- --socket %s show w", session.server.socket);
	setenv("PEPCTL_SOCKET", "/nonexistent", 1);
	ck_assert_int_eq(session_run(line), CLIENT_DONE);
	ck_assert_str_eq(session.out, "web\n");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("client_complete");
	Suite *suite = suite_create("client_complete");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, session_set_up, session_tear_down);
	tcase_add_loop_test(tcase, offers_what_the_tables_say, 0, ARRAY_SIZE(lines));
	tcase_add_test(tcase, offers_every_command_and_its_options);
	tcase_add_loop_test(tcase, offers_what_the_daemon_has, 0, ARRAY_SIZE(questions));
	tcase_add_test(tcase, asks_the_daemon_that_the_line_names);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
