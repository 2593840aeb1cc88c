// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_describe.h"
#include "client_file.h"
#include "client_session.h"
#include "json.h"
#include "json_cleanup.h"
#include "policy.h"
#include "policy_json.h"
#include "problem.h"

#define DONE                                                                                       \
	ANSWER_JSON "{\"status\":\"success\",\"changed\":true,\"policy_count\":3,\"created\":1,"   \
		    "\"updated\":0,\"unchanged\":0,\"deleted\":0,\"others\":2,\"generation\":7,"   \
		    "\"warnings\":[]}"
/* ---- writes */

START_TEST(add_in_words)
{
	const struct canned answers[] = { { NOT_THERE, 0 }, { DONE, 0 } };

	ck_assert_int_eq(session_ask("add no-telnet block in proto tcp from any to any port 23",
				     answers, 2),
			 CLIENT_DONE);
	ck_assert_str_eq(session.out, "added no-telnet (undo: pepctl delete no-telnet)\n");
	ck_assert(contains(session.asked, "GET /policies/no-telnet HTTP/1.1"));
	ck_assert(contains(session.asked, "PUT /policies/no-telnet HTTP/1.1"));
	ck_assert(contains(session.asked, "If-None-Match: *"));
	ck_assert(contains(session.asked, "Content-Type: application/json"));
	ck_assert(contains(session.asked, "\"action\":\"BLOCK\""));
}
END_TEST

START_TEST(add_without_an_id)
{
	const struct canned answers[] = { { NOT_THERE, 0 }, { DONE, 0 } };
	CLEANUP(cleanup_free) char *first = NULL;

	ck_assert_int_eq(session_ask("add block in from 192.0.2.1", answers, 2), CLIENT_DONE);
	ck_assert_int_eq(strncmp(session.out, "added p-", 8), 0);
	first = strdup(session.out);
	ck_assert_int_eq(session_ask("add {\"action\":\"BLOCK\",\"src\":{\"ip\":\"192.0.2.1/32\"}}",
				     answers, 2),
			 CLIENT_DONE);
	ck_assert_str_eq(session.out, first);
	ck_assert_int_eq(session_ask("add block in from 192.0.2.2", answers, 2), CLIENT_DONE);
	ck_assert_str_ne(session.out, first);
}
END_TEST

START_TEST(add_what_is_there)
{
	const struct canned answers[] = { { ANSWER_JSON TELNET, 0 } };

	ck_assert_int_eq(
		session_ask("add no-telnet block in proto tcp from any to any port 23 comment "
			    "it's~old",
			    answers, 1),
		CLIENT_DONE);
	ck_assert_str_eq(session.out, "no-telnet is there already\n");
	ck_assert(!contains(session.asked, "PUT"));
	ck_assert_int_eq(session_ask("add no-telnet block in proto tcp from any to any port 24",
				     answers, 1),
			 CLIENT_REFUSED);
	ck_assert(contains(session.err, "there is a policy no-telnet already"));
	ck_assert(contains(session.err, "pepctl modify"));
	ck_assert(!contains(session.asked, "PUT"));
}
END_TEST

START_TEST(add_what_is_in_a_file)
{
	const struct canned answers[] = {
		{ ANSWER_JSON "{\"id\":\"a\",\"action\":\"BLOCK\",\"origin\":\"file\"}", 0 }
	};

	ck_assert_int_eq(session_ask("add a allow in", answers, 1), CLIENT_REFUSED);
	ck_assert(contains(session.err, "origin file"));
	ck_assert(contains(session.err, "pepctl reload"));
	ck_assert(!contains(session.err, "pepctl modify"));
}
END_TEST

START_TEST(add_as_a_dry_run)
{
	const struct canned answers[] = { { NOT_THERE, 0 }, { DONE, 0 } };

	ck_assert_int_eq(session_ask("add --dry-run a allow in", answers, 2), CLIENT_DONE);
	ck_assert_str_eq(session.out, "dry run: a would be added\n");
	ck_assert(contains(session.asked, "PUT /policies/a?dry_run=true HTTP/1.1"));
}
END_TEST

START_TEST(add_with_json)
{
	const struct canned answers[] = { { NOT_THERE, 0 }, { DONE, 0 } };
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	CLEANUP(problems_clear) struct problems problems = { 0 };

	ck_assert_int_eq(session_ask("add a allow in --json", answers, 2), CLIENT_DONE);
	ck_assert_int_eq(json_read(session.out, strlen(session.out), 0, &answer, &problems), 0);
	ck_assert(contains(session.out, "\"pepctl delete a\""));
	ck_assert(contains(session.out, "\"generation\": 7"));
}
END_TEST

START_TEST(add_many_from_a_file)
{
	const struct canned answers[] = { { NOT_THERE, 0 }, { NOT_THERE, 0 }, { DONE, 0 } };
	char line[128];

	session_write_file(
		"// comments are allowed\n{\"policies\":[{\"id\":\"a\",\"action\":\"ALLOW\"},"
		"{\"id\":\"b\",\"action\":\"BLOCK\"}]}");
	snprintf(line, sizeof(line), "add --file %s", session.file);
	ck_assert_int_eq(session_ask(line, answers, 3), CLIENT_DONE);
	ck_assert_str_eq(session.out,
			 "added a (undo: pepctl delete a)\nadded b (undo: pepctl delete b)\n");
	ck_assert(contains(session.asked, "POST /policies HTTP/1.1"));
}
END_TEST

START_TEST(modify_with_a_patch)
{
	const struct canned answers[] = {
		{ ANSWER_JSON TELNET, 0 },
		{ DONE, 0 },
		{ ANSWER_JSON "{\"id\":\"no-telnet\",\"action\":\"BLOCK\",\"log\":true,"
			      "\"protocol\":\"tcp\",\"dst\":{\"port\":24}}",
		  0 },
	};

	ck_assert_int_eq(session_ask("modify no-telnet {\"log\":true,\"dst\":{\"port\":24},"
				     "\"description\":null}",
				     answers, 3),
			 CLIENT_DONE);
	ck_assert_str_eq(
		session.out,
		"modified no-telnet (undo: pepctl modify no-telnet "
		"'{\"log\":null,\"description\":\"it'\\''s old\",\"dst\":{\"port\":23}}')\n");
	ck_assert(contains(session.asked, "PATCH /policies/no-telnet HTTP/1.1"));
	ck_assert(contains(session.asked, "Content-Type: application/merge-patch+json"));
}
END_TEST

START_TEST(modify_in_words)
{
	const struct canned answers[] = {
		{ ANSWER_JSON TELNET, 0 },
		{ DONE, 0 },
		{ ANSWER_JSON "{\"id\":\"no-telnet\",\"description\":\"it's old\","
			      "\"action\":\"ALLOW\"}",
		  0 },
	};

	ck_assert_int_eq(session_ask("modify no-telnet allow in", answers, 3), CLIENT_DONE);
	ck_assert_str_eq(session.out,
			 "modified no-telnet (undo: pepctl modify no-telnet "
			 "'{\"action\":\"BLOCK\",\"protocol\":\"tcp\",\"dst\":{\"port\":23}}')\n");
	ck_assert(contains(session.asked, "PUT /policies/no-telnet HTTP/1.1"));
	ck_assert(contains(session.asked, "\"description\":\"it's old\""));
}
END_TEST

START_TEST(modify_what_is_not_there)
{
	const struct canned answers[] = { { NOT_THERE, 0 } };

	ck_assert_int_eq(session_ask("modify a allow in", answers, 1), CLIENT_REFUSED);
	ck_assert_str_eq(session.err, "pepctl: there is no policy\n");
}
END_TEST

START_TEST(delete_and_its_undo)
{
	const struct canned answers[] = {
		{ ANSWER_JSON TELNET, 0 },
		{ ANSWER_JSON "{\"id\":\"b\",\"action\":\"ALLOW\"}", 0 },
		{ DONE, 0 },
	};

	ck_assert_int_eq(session_ask("delete no-telnet b", answers, 3), CLIENT_DONE);
	ck_assert_str_eq(session.out,
			 "deleted no-telnet (undo: pepctl add '{\"id\":\"no-telnet\","
			 "\"description\":\"it'\\''s old\",\"action\":\"BLOCK\","
			 "\"protocol\":\"tcp\",\"dst\":{\"port\":23}}')\n"
			 "deleted b (undo: pepctl add '{\"id\":\"b\",\"action\":\"ALLOW\"}')\n");
	ck_assert(contains(session.asked, "DELETE /policies?id=no-telnet&id=b HTTP/1.1"));
}
END_TEST

START_TEST(delete_nothing_when_one_is_missing)
{
	const struct canned answers[] = { { ANSWER_JSON TELNET, 0 }, { NOT_THERE, 0 } };

	ck_assert_int_eq(session_ask("delete no-telnet nope", answers, 2), CLIENT_REFUSED);
	ck_assert(!contains(session.asked, "DELETE"));
}
END_TEST

START_TEST(an_id_is_encoded)
{
	const struct canned answers[] = { { NOT_THERE, 0 } };

	ck_assert_int_eq(session_ask("show a/../b?c&d#e%~f", answers, 1), CLIENT_REFUSED);
	ck_assert(contains(session.asked, "GET /policies/a%2F..%2Fb%3Fc%26d%23e%25%20f HTTP/1.1"));
}
END_TEST

START_TEST(apply_what_is_new)
{
	const struct canned answers[] = { { ANSWER_JSON "{\"policies\":[{\"id\":\"x\"}]}", 0 },
					  { DONE, 0 } };
	char line[128];

	session_write_file(
		"[{\"id\":\"a\",\"action\":\"ALLOW\"},{\"id\":\"x\",\"action\":\"BLOCK\"}]");
	snprintf(line, sizeof(line), "apply %s", session.file);
	ck_assert_int_eq(session_ask(line, answers, 2), CLIENT_DONE);
	ck_assert(contains(session.asked, "POST /policies HTTP/1.1"));
	ck_assert(contains(
		session.out,
		"1 created, 0 updated, 0 unchanged, 0 deleted; 3 in force, 2 of another origin"));
	ck_assert(contains(session.out, "(undo: pepctl delete a)"));
}
END_TEST

START_TEST(flush_and_its_undo)
{
	const struct canned answers[] = {
		{ ANSWER_JSON "{\"policies\":[" TELNET "]}", 0 },
		{ ANSWER_JSON "{\"changed\":true,\"deleted\":1,\"policy_count\":0}", 0 },
	};
	CLEANUP(cleanup_json) struct json_object *kept = NULL;
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct stat status;
	char *path, *end;

	ck_assert_int_eq(session_ask("flush", answers, 2), CLIENT_DONE);
	ck_assert(contains(session.asked, "PUT /policies HTTP/1.1"));
	path = strstr(session.out, "(undo: pepctl apply --replace ");
	ck_assert_ptr_nonnull(path);
	path += strlen("(undo: pepctl apply --replace ");
	end = strchr(path, ')');
	ck_assert_ptr_nonnull(end);
	*end = '\0';
	ck_assert_int_eq(client_file_read(path, 0, &kept, &problems), 0);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(status.st_mode & 0777, 0600);
	unlink(path);
	ck_assert(contains(json_object_to_json_string(kept), "no-telnet"));
}
END_TEST

START_TEST(reload_and_its_warnings)
{
	const struct canned answer = {
		ANSWER_JSON "{\"changed\":true,\"created\":2,\"policy_count\":2,\"warnings\":["
			    "{\"pointer\":\"/server/listen\",\"detail\":\"needs a restart\"},"
			    "\"plain\"]}",
		0
	};

	ck_assert_int_eq(session_ask("reload", &answer, 1), CLIENT_DONE);
	ck_assert_str_eq(session.err, "warning: /server/listen: needs a restart\nwarning: plain\n");
	ck_assert(contains(session.out, "reloaded configuration and policy files: 2 created"));
	ck_assert(contains(session.asked, "POST /reload HTTP/1.1"));
}
END_TEST

/* ---- words */

static const char *const sentences[] = {
	"block in from any to any",
	"allow out proto tcp from 10.0.0.0/8,!10.1.0.0/16 port 1-5,9 to 192.0.2.1 port 22",
	"limit 10MB/s in from any to any burst 64kB",
	"limit 10MB/s,1k/s in from any to any priority 3 burst 64kB,2k conform continue",
	"limit 1k/s,10MB/s in from any to any burst 2k",
	"log both from any to any dev eth0,eth1 vlan 10-20 until 2030-01-01T00:00:00Z",
	"block in proto icmp from any to any icmp-type echo-request icmp-code 0",
	"block in proto tcp from any to any dscp 3,ef flags syn,!ack length 1-100",
	"allow in from any to any ttl 5 fragment log disabled",
	"allow in from any to any unfragmented",
};

static struct json_object *canonical(const char *text)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(policy_put) struct policy *policy = NULL;
	struct policy_source source = client_source(false);

	ck_assert_int_eq(json_read(text, strlen(text), 0, &json, &problems), 0);
	ck_assert_int_eq(policy_parse(json, NULL, &source, &policy, &problems), 0);
	return policy_to_json(policy);
}

/* What describes a policy is what one would type for it. */
START_TEST(words_there_and_back)
{
	const struct canned answers[] = { { NOT_THERE, 0 }, { DONE, 0 } };
	CLEANUP(cleanup_json) struct json_object *definition = NULL;
	CLEANUP(cleanup_free) char *words = NULL;
	char line[512];

	snprintf(line, sizeof(line), "add x %s", sentences[_i]);
	ck_assert_msg(session_ask(line, answers, 2) == CLIENT_DONE, "%s", session.err);
	definition = canonical(strstr(strstr(session.asked, "PUT "), "\r\n\r\n") + 4);
	words = client_describe(definition);
	ck_assert_str_eq(words, sentences[_i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client_write");
	TCase *tests = tcase_create("writes");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, session_set_up, session_tear_down);
	tcase_add_test(tests, add_in_words);
	tcase_add_test(tests, add_without_an_id);
	tcase_add_test(tests, add_what_is_there);
	tcase_add_test(tests, add_what_is_in_a_file);
	tcase_add_test(tests, add_as_a_dry_run);
	tcase_add_test(tests, add_with_json);
	tcase_add_test(tests, add_many_from_a_file);
	tcase_add_test(tests, modify_with_a_patch);
	tcase_add_test(tests, modify_in_words);
	tcase_add_test(tests, modify_what_is_not_there);
	tcase_add_test(tests, delete_and_its_undo);
	tcase_add_test(tests, delete_nothing_when_one_is_missing);
	tcase_add_test(tests, an_id_is_encoded);
	tcase_add_test(tests, apply_what_is_new);
	tcase_add_test(tests, flush_and_its_undo);
	tcase_add_test(tests, reload_and_its_warnings);
	tcase_add_loop_test(tests, words_there_and_back, 0, ARRAY_SIZE(sentences));
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
