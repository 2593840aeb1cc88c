/* SPDX-License-Identifier: Apache-2.0 */
/* What add says of what is there already, and for whom its undo is. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_session.h"

#define DONE                                                                                       \
	ANSWER_JSON "{\"status\":\"success\",\"changed\":true,\"policy_count\":3,\"created\":1,"   \
		    "\"updated\":0,\"unchanged\":0,\"deleted\":0,\"others\":2,\"generation\":7,"   \
		    "\"warnings\":[]}"

#define BY_CONTENT(origin)                                                                         \
	ANSWER_JSON                                                                                \
	"{\"id\":\"p-5d66f00b2be3\",\"action\":\"BLOCK\",\"src\":{\"ip\":\"192.0.2.1\"},"          \
	"\"expires_at\":\"2099-01-01T00:00:00Z\",\"origin\":\"" origin "\"}"

START_TEST(an_undo_is_for_the_same_daemon)
{
	static const struct {
		const char *command, *before, *behind;
	} runs[] = {
		{ "add a allow in", "(undo: ", " delete a)" },
		{ "add a allow in --json", "\"", " delete a\"" },
		{ "flush", "(undo: ", " delete)" },
	};
	const struct canned answers[] = {
		{ NOT_THERE, 0 },
		{ DONE, 0 },
		{ NOT_THERE, 0 },
		{ DONE, 0 },
		{ ANSWER_JSON "{\"policies\":[]}", 0 },
		{ DONE, 0 },
	};

	client_server_start(&session.server, answers, ARRAY_SIZE(answers));
	for (size_t i = 0; i < ARRAY_SIZE(runs); i++) {
		char line[256], said[256];

		snprintf(line, sizeof(line), "%s --socket %.99s", runs[i].command,
			 session.server.socket);
		snprintf(said, sizeof(said), "%spepctl --socket %.99s%s", runs[i].before,
			 session.server.socket, runs[i].behind);
		ck_assert_int_eq(session_run(line), CLIENT_DONE);
		ck_assert_msg(contains(session.out, said), "%s", session.out);
	}
}
END_TEST

/* The id says that it is the same. */
START_TEST(add_once_more_lasts_longer)
{
	const struct canned api[] = { { BY_CONTENT("api"), 0 }, { DONE, 0 } };
	const struct canned file[] = { { BY_CONTENT("file"), 0 } };
	const struct canned named[] = {
		{ ANSWER_JSON "{\"id\":\"a\",\"action\":\"BLOCK\",\"origin\":\"api\"}", 0 }
	};

	ck_assert_int_eq(session_ask("add block in from 192.0.2.1 for 1h", api, 2), CLIENT_DONE);
	ck_assert_str_eq(session.out, "renewed p-5d66f00b2be3 (undo: pepctl modify p-5d66f00b2be3 "
				      "'{\"expires_at\":\"2099-01-01T00:00:00Z\"}')\n");
	ck_assert(contains(session.asked, "PUT /policies/p-5d66f00b2be3 HTTP/1.1"));
	ck_assert(!contains(session.asked, "If-None-Match"));
	ck_assert(contains(session.asked, "\"ttl_seconds\":3600"));
	ck_assert_int_eq(session_ask("add block in from 192.0.2.1 for 1h", file, 1),
			 CLIENT_REFUSED);
	ck_assert_int_eq(session_ask("add a block in for 1h", named, 1), CLIENT_REFUSED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client_add");
	TCase *tests = tcase_create("add");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, session_set_up, session_tear_down);
	tcase_add_test(tests, an_undo_is_for_the_same_daemon);
	tcase_add_test(tests, add_once_more_lasts_longer);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
