// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_session.h"
#include "directories.h"

/* ---- command line */

static const struct {
	const char *line;
	int status;
	const char *says; /* on the stream that the status suggests */
} lines[] = {
	{ "", CLIENT_USAGE, "which command?" },
	{ "help", CLIENT_DONE, "interfaces" },
	{ "--help", CLIENT_DONE, "Exit status" },
	{ "-h", CLIENT_DONE, "Exit status" },
	{ "help add", CLIENT_DONE, "Usage: pepctl add [ID] WORDS" },
	{ "add --help", CLIENT_DONE, "--dry-run" },
	{ "--json list --help", CLIENT_DONE, "Usage: pepctl list" },
	{ "delete --help", CLIENT_DONE, "Usage: pepctl delete ID" },
	{ "lst", CLIENT_USAGE, "there is no command \"lst\"" },
	{ "list --frobnicate", CLIENT_USAGE, "there is no option --frobnicate" },
	{ "list -x", CLIENT_USAGE, "there is no option -x" },
	{ "list --replace", CLIENT_USAGE, "list has no option --replace" },
	{ "list --json=yes", CLIENT_USAGE, "--json takes no value" },
	{ "list --limit", CLIENT_USAGE, "--limit needs N" },
	{ "list --limit 0", CLIENT_USAGE, "\"0\" is no number" },
	{ "list --limit 5x", CLIENT_USAGE, "\"5x\" is no number" },
	{ "list --limit -5", CLIENT_USAGE, "\"-5\" is no number" },
	{ "list surplus", CLIENT_USAGE, "list does not take \"surplus\"" },
	{ "show", CLIENT_USAGE, "show needs ID" },
	{ "status --token-file x", CLIENT_USAGE, "--token-file goes with --url" },
	{ "status --url http://127.0.0.1:1 --token-file /nonexistent", CLIENT_USAGE,
	  "/nonexistent: No such file" },
	{ "status --url http://127.0.0.1:1 --token-file /dev/null", CLIENT_USAGE, "is no token" },
	{ "token", CLIENT_USAGE, "token needs create" },
	{ "token make", CLIENT_USAGE, "\"make\" is not create, list or revoke" },
	{ "token create", CLIENT_USAGE, "it is: pepctl token create TOKEN-NAME" },
	{ "token create a/b", CLIENT_USAGE, "\"a/b\" is no name" },
	{ "token create a root", CLIENT_USAGE, "\"root\" is not viewer or operator" },
	{ "token list --file /nonexistent/tokens", CLIENT_DONE, "no tokens" },
	{ "token revoke a --file /nonexistent/tokens", CLIENT_REFUSED, "No such file" },
	{ "status --url ftp://host", CLIENT_USAGE, "\"ftp://host\" is no URL" },
	{ "status --url https://h --key x", CLIENT_USAGE, "--key goes with --cert" },
	{ "status --url http://192.0.2.1 --token-file /etc/passwd", CLIENT_USAGE, "only by https" },
	{ "status --url host", CLIENT_USAGE, "\"host\" is no URL" },
	{ "status --url http://h --socket /s", CLIENT_USAGE, "exclude each other" },
	{ "add", CLIENT_USAGE, "add needs" },
	{ "add --file x allow", CLIENT_USAGE, "exclude each other" },
	{ "add frobnicate in", CLIENT_USAGE, "frobnicate" },
	{ "add block in from", CLIENT_USAGE, "from" },
	{ "add {\"action\": extra", CLIENT_USAGE, "one argument in quotes" },
	{ "add {\"action\":}", CLIENT_REFUSED, "pepctl:" },
	{ "add {\"action\":\"FROB\"}", CLIENT_REFUSED, "/action" },
	{ "add [{\"action\":\"BLOCK\"},{\"action\":5}]", CLIENT_REFUSED, "/1/action" },
	{ "add block in proto tcp to any port 99999", CLIENT_REFUSED, "/dst/port" },
	{ "diff --origin file", CLIENT_USAGE, "diff needs FILE" },
};

START_TEST(a_command_line)
{
	int status = session_run(lines[_i].line);
	const char *said = status ? session.err : session.out;

	ck_assert_msg(status == lines[_i].status, "%s: %d %s", lines[_i].line, status, said);
	ck_assert_msg(contains(said, lines[_i].says), "%s: %s", lines[_i].line, said);
	said = status ? session.out : session.err;
	ck_assert_msg(!*said, "%s: %s", lines[_i].line, said);
}
END_TEST

START_TEST(no_daemon)
{
	ck_assert_int_eq(session_run("list"), CLIENT_NO_DAEMON);
	ck_assert(contains(session.err, "/nonexistent/pepctl.sock"));
	ck_assert(contains(session.err, "start it with: "));
	/* A unit that is there may be of another build. */
	ck_assert(contains(session.err, "systemctl start pepctl") ||
		  contains(session.err, "pepctl --config " CONFIG_FILE));
	ck_assert(!contains(session.err, "systemctl") ||
		  !access("/etc/systemd/system/pepctl.service", F_OK) ||
		  !access("/usr/lib/systemd/system/pepctl.service", F_OK) ||
		  !access("/lib/systemd/system/pepctl.service", F_OK));
	ck_assert_int_eq(session_run("list --socket=/other"), CLIENT_NO_DAEMON);
	ck_assert(contains(session.err, "/other"));
	ck_assert_int_eq(session_run("--url http://127.0.0.1:1 list"), CLIENT_NO_DAEMON);
	ck_assert(contains(session.err, "127.0.0.1 port 1"));
}
END_TEST

/* ---- refusals */

START_TEST(a_problem_with_many_places)
{
	const struct canned answers[] = {
		{ ANSWER_JSON "{\"policies\":[]}", 0 },
		{ ANSWER_PROBLEM(
			  "422 Unprocessable Content") "{\"detail\":\"2 errors; nothing was changed\",\"errors\":["
						       "{\"pointer\":\"/0/src\",\"detail\":\"no\\u001b[2J address\"},"
						       "{\"pointer\":\"/1\",\"detail\":\"no action\"}]}",
		  0 },
	};
	char line[128];

	session_write_file("[]");
	snprintf(line, sizeof(line), "apply %s", session.file);
	ck_assert_int_eq(session_ask(line, answers, 2), CLIENT_REFUSED);
	ck_assert_str_eq(session.err, "pepctl: 2 errors; nothing was changed\n"
				      "  /0/src: no?[2J address\n  /1: no action\n");
	ck_assert_str_eq(session.out, "");
}
END_TEST

static const struct {
	const char *answer;
	int status;
	const char *says;
} refusals[] = {
	{ ANSWER_PROBLEM("422 No") "{\"detail\":\"is bad\",\"pointer\":\"/src\"}", CLIENT_REFUSED,
	  "pepctl: /src: is bad\n" },
	{ ANSWER_PROBLEM("403 No") "{\"detail\":\"by curl\"}", CLIENT_NOT_PERMITTED,
	  "pepctl: by curl\n" },
	{ ANSWER_PROBLEM("401 No") "{\"title\":\"Unauthorized\"}", CLIENT_NOT_PERMITTED,
	  "pepctl: Unauthorized\n" },
	{ ANSWER("500 Oops", "text/html") "<html>", CLIENT_REFUSED,
	  "pepctl: refused with HTTP status 500\n" },
	{ ANSWER_JSON "no json", CLIENT_REFUSED, "does not speak as pepctl does" },
	{ "garbage\r\n", CLIENT_REFUSED, "is not pepctl" },
};

START_TEST(a_refusal)
{
	const struct canned answer = { refusals[_i].answer, 0 };

	ck_assert_int_eq(session_ask("list", &answer, 1), refusals[_i].status);
	ck_assert_msg(contains(session.err, refusals[_i].says), "%s", session.err);
}
END_TEST

/* ---- reading */

#define TWO                                                                                        \
	ANSWER_JSON "{\"policies\":[{\"id\":\"no-telnet\",\"action\":\"BLOCK\",\"dst\":{\"port\":" \
		    "23},\"protocol\":\"tcp\",\"origin\":\"api\",\"position\":1,\"counters\":{"    \
		    "\"packets\":5,\"bytes\":12345,\"dropped_packets\":4},\"warnings\":["          \
		    "\"overridden-by-failsafe\"]},{\"id\":\"ok\",\"action\":\"ALLOW\",\"labels\":" \
		    "{\"team\":\"x\"},\"origin\":\"file\",\"position\":2}]}"

START_TEST(list_as_a_table)
{
	const struct canned answer = { TWO, 0 };

	ck_assert_int_eq(session_ask("list", &answer, 1), CLIENT_DONE);
	ck_assert_str_eq(session.out,
			 "POS  ID         ORIGIN  PACKETS    BYTES  DROPPED  LAST HIT  POLICY\n"
			 "  1  no-telnet  api           5  12.3 kB        4  -         "
			 "block in proto tcp from any to any port 23\n"
			 "  2  ok         file          0      0 B        0  -         "
			 "allow in from any to any\n"
			 "warning: no-telnet: overridden-by-failsafe\n");
}
END_TEST

static const struct {
	const char *options;
	bool first, second;
} matches[] = {
	{ "--match telnet", true, false },
	{ "--match TELNET", true, false },
	{ "--match proto~tcp", true, false },
	{ "--match nothing", false, false },
	{ "--match action=allow", false, true },
	{ "--match labels.team=x", false, true },
	{ "--match dst.port=23", true, false },
	{ "--match dst.port=2", false, false },
	{ "--limit 1", true, false },
	{ "--limit 5", true, true },
};

START_TEST(list_some)
{
	const struct canned answer = { TWO, 0 };
	char line[128];

	snprintf(line, sizeof(line), "list --json %s", matches[_i].options);
	ck_assert_int_eq(session_ask(line, &answer, 1), CLIENT_DONE);
	ck_assert_msg(contains(session.out, "\"no-telnet\"") == matches[_i].first, "%s", line);
	ck_assert_msg(contains(session.out, "\"ok\"") == matches[_i].second, "%s", line);
}
END_TEST

/* `apply --replace` refuses what says that it is not all. */
START_TEST(a_choice_says_how_many_it_has)
{
	const struct canned answer = {
		ANSWER_JSON "{\"policies\":[{\"id\":\"a\",\"action\":\"BLOCK\"},{\"id\":\"b\","
			    "\"action\":\"ALLOW\"}],\"count\":2,\"policy_count\":2}",
		0,
	};

	ck_assert_int_eq(session_ask("list --json --match action=allow", &answer, 1), CLIENT_DONE);
	ck_assert(contains(session.out, "\"count\": 1"));
	ck_assert(contains(session.out, "\"policy_count\": 2"));
}
END_TEST

START_TEST(export_for_apply)
{
	const struct canned answer = { ANSWER_JSON "{\"policies\":[" TELNET "],\"total\":1}", 0 };

	ck_assert_int_eq(session_ask("export", &answer, 1), CLIENT_DONE);
	ck_assert(contains(session.asked, "GET /policies?origin=api&fields=definition HTTP/1.1"));
	ck_assert(contains(session.out, "no-telnet"));
	ck_assert(!contains(session.out, "total"));
	ck_assert_int_eq(session_ask("export --origin all", &answer, 1), CLIENT_DONE);
	ck_assert(contains(session.asked, "GET /policies?fields=definition HTTP/1.1"));
}
END_TEST

START_TEST(status_of_the_unwell)
{
	const struct canned answers[] = {
		{ ANSWER("503 Service Unavailable",
			 "application/json") "{\"status\":\"degraded\",\"reasons\":[{\"of\":\"\",\"detail\":\"why\"}],"
					     "\"warnings\":[{\"of\":\"eth1\",\"detail\":\"waits\"}],"
					     "\"version\":\"1.2\",\"uptime_seconds\":61,\"generation\":9,\"policy_count\":3,"
					     "\"rule_count\":4,\"default_action\":\"BLOCK\",\"failsafe\":false,"
					     "\"interfaces\":[{\"name\":\"eth0\",\"mode\":\"tc\",\"egress\":true},"
					     "{\"name\":\"eth1\",\"mode\":null}],\"listeners\":[{\"address\":\"unix:/s\","
					     "\"up\":true},{\"address\":\"[::1]:8080\",\"up\":false,\"error\":\"in use\"}]}",
		  0 },
		{ ANSWER_JSON "{\"packets_processed\":10,\"bytes_processed\":2000,\"verdicts\":{"
			      "\"pass\":{\"packets\":6},\"drop\":{\"packets\":4}},"
			      "\"last_minute\":{\"drop_reasons\":[{\"reason\":\"policy\","
			      "\"packets\":4}],\"policies\":[]}}",
		  0 },
		{ ANSWER_JSON "{\"policies\":[],\"policy_count\":1}", 0 },
		{ ANSWER_JSON "{\"policies\":[],\"policy_count\":2}", 0 },
	};

	ck_assert_int_eq(session_ask("status", answers, 4), CLIENT_DONE);
	ck_assert_str_eq(session.out, "status:     degraded\n"
				      "            why\n"
				      "            warning: eth1: waits\n"
				      "version:    1.2, up 1m1s\n"
				      "interfaces: eth0 (tc, egress), eth1 (not attached)\n"
				      "policies:   3 (1 file, 2 api), 4 rules, generation 9\n"
				      "default:    BLOCK, without failsafe\n"
				      "traffic:    10 packets (2.0 kB), 6 passed, 4 dropped\n"
				      "listeners:  unix:/s, [::1]:8080 (down: in use)\n"
				      "dropped in the last minute, by reason:\n"
				      "           4  policy\n"
				      "policies of the last minute: none\n");
	ck_assert(contains(session.asked, "GET /health HTTP/1.1"));
}
END_TEST

START_TEST(interfaces_and_their_troubles)
{
	const struct canned answer = {
		ANSWER_JSON
		"{\"interfaces\":[{\"name\":\"eth0\",\"mode\":\"tc\",\"mechanism\":"
		"\"tcx\",\"egress\":false,\"driver\":\"veth\",\"mtu\":1500,\"attempts\":["
		"{\"mode\":\"native\",\"hook\":\"ingress\",\"errno\":16,\"error\":"
		"\"busy\",\"detail\":\"taken\"},{\"mode\":\"tcx\",\"errno\":0}],"
		"\"foreign\":[{\"name\":\"other\",\"program_id\":7,\"hook\":\"xdp\","
		"\"position\":\"before\"}],\"counters\":{\"ingress\":{\"pass\":{"
		"\"packets\":5}},\"egress\":{\"pass\":{\"packets\":1}}}},"
		"{\"name\":\"eth1\",\"mode\":null,\"refused\":\"a bridge port\"}]}",
		0
	};

	ck_assert_int_eq(session_ask("interfaces", &answer, 1), CLIENT_DONE);
	ck_assert_str_eq(session.out,
			 "NAME  MODE  MECHANISM  EGRESS  DRIVER   MTU  PASSED  DROPPED\n"
			 "eth0  tc    tcx        no      veth    1500       6        0\n"
			 "eth1  -     -          no                         0        0\n"
			 "eth0: native ingress failed: busy: taken\n"
			 "eth0: program 7 \"other\" at xdp, before\n"
			 "eth1: not attached: a bridge port\n");
}
END_TEST

START_TEST(events_until_the_end)
{
	const struct canned answer = {
		ANSWER("200 OK",
		       "text/event-stream") "data: {\"time\":\"2026-01-02T03:04:05.678Z\",\"verdict\":\"drop\",\"policy\":\"p\","
					    "\"protocol\":\"tcp\",\"src\":\"fd00::1\",\"sport\":1,\"dst\":\"fd00::2\",\"dport\":23,"
					    "\"length\":60,\"direction\":\"ingress\",\"interface\":\"eth0\"}\n\n",
		0
	};

	setenv("TZ", "UTC", 1);
	ck_assert_int_eq(session_ask("events --policy p --verdict drop", &answer, 1),
			 CLIENT_NO_DAEMON);
	ck_assert(contains(session.asked, "GET /events?policy=p&verdict=drop HTTP/1.1"));
	ck_assert_str_eq(session.out, "03:04:05.678 drop tcp [fd00::1]:1 > [fd00::2]:23, 60 bytes, "
				      "ingress eth0: policy p\n");
	ck_assert(contains(session.err, "closed the stream"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client");
	TCase *tests = tcase_create("commands");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, session_set_up, session_tear_down);
	tcase_add_loop_test(tests, a_command_line, 0, ARRAY_SIZE(lines));
	tcase_add_test(tests, no_daemon);
	tcase_add_test(tests, a_problem_with_many_places);
	tcase_add_loop_test(tests, a_refusal, 0, ARRAY_SIZE(refusals));
	tcase_add_test(tests, list_as_a_table);
	tcase_add_loop_test(tests, list_some, 0, ARRAY_SIZE(matches));
	tcase_add_test(tests, a_choice_says_how_many_it_has);
	tcase_add_test(tests, export_for_apply);
	tcase_add_test(tests, status_of_the_unwell);
	tcase_add_test(tests, interfaces_and_their_troubles);
	tcase_add_test(tests, events_until_the_end);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
