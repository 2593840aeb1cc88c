// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "json_cleanup.h"
#include "policy.h"
#include "policy_json.h"
#include "policy_text.h"
#include "problem.h"
#include "words.h"

#define WORDS_MAX 40

/* Splits at spaces; "_" stands for a space within a word. */
static int split(char *text, const char *words[WORDS_MAX])
{
	int count = 0;

	for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
		for (char *c = word; *c; c++)
			if (*c == '_')
				*c = ' ';
		ck_assert_int_lt(count, WORDS_MAX);
		words[count++] = word;
	}
	return count;
}

static int parse(const char *text, struct json_object **ret, struct problems *problems)
{
	CLEANUP(cleanup_free) char *copy = strdup(text);
	const char *words[WORDS_MAX];

	ck_assert_ptr_nonnull(copy);
	return words_parse(words, split(copy, words), false, ret, problems);
}

/* Words, and the definition that they are. */
static const struct {
	const char *words, *definition;
} valid[] = {
	{ "block", "'action':'BLOCK'" },
	{ "block in proto tcp from any to any port 23 dev eth0 log",
	  "'action':'BLOCK','interface':'eth0','dst':{'port':23},'protocol':'tcp','log':true" },
	{ "allow out from 10.0.0.0/8,!10.1.0.0/16 port 53 to ::/0,192.0.2.1 port 80,8000-8100 "
	  "proto udp",
	  "'action':'ALLOW','direction':'egress','src':{'ip':['10.0.0.0/8','!10.1.0.0/16'],"
	  "'port':53},'dst':{'ip':['::/0','192.0.2.1'],'port':[80,'8000-8100']},"
	  "'protocol':'udp'" },
	{ "log both proto icmp icmp-type echo-request icmp-code 0",
	  "'action':'LOG_ONLY','direction':'both','protocol':'icmp','icmp_type':'echo-request',"
	  "'icmp_code':0" },
	{ "log log", "'action':'LOG_ONLY','log':true" },
	{ "limit 10MB/s", "'action':'RATE_LIMIT','rate_limit_bytes_per_second':10000000" },
	{ "limit 1000/s burst 50",
	  "'action':'RATE_LIMIT','rate_limit_packets_per_second':1000,'burst_packets':50" },
	{ "limit 1000pps,80Mbit/s burst 50,64KiB conform continue",
	  "'action':'RATE_LIMIT','rate_limit_bytes_per_second':10000000,"
	  "'rate_limit_packets_per_second':1000,'burst_bytes':65536,'burst_packets':50,"
	  "'conform':'continue'" },
	{ "limit 64KiB/s burst 128KiB",
	  "'action':'RATE_LIMIT','rate_limit_bytes_per_second':65536,'burst_bytes':131072" },
	{ "block vlan 10,none dscp ef,cs1 length 64-128 ttl 0-5 fragment priority 7 disabled",
	  "'enabled':false,'priority':7,'action':'BLOCK','vlan':[10,'none'],"
	  "'dscp':['cs1','ef'],'length':'64-128','ttl':'0-5','fragment':true" },
	{ "block proto tcp flags syn,!ack unfragmented",
	  "'action':'BLOCK','protocol':'tcp','tcp_flags':'syn,!ack','fragment':false" },
	{ "block label a=b label c=d=e comment log_in",
	  "'description':'log in','labels':{'a':'b','c':'d=e'},'action':'BLOCK'" },
	{ "block comment log", "'description':'log','action':'BLOCK'" },
	{ "block for 1h30m", "'action':'BLOCK','expires_at':'2027-01-15T09:30:00Z'" },
	{ "block until 2030-01-01T00:00:00Z",
	  "'action':'BLOCK','expires_at':'2030-01-01T00:00:00Z'" },
	{ "BLOCK IN Proto TCP", "'action':'BLOCK','protocol':'tcp'" },
};

START_TEST(words_are_a_definition)
{
	static const struct policy_source source = { .now_us = TEST_NOW_US };
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	CLEANUP(policy_put) struct policy *policy = NULL, *expected = NULL;
	CLEANUP(cleanup_free) char *text = NULL, *printed = NULL;

	ck_assert_int_eq(parse(valid[_i].words, &json, &problems), 0);
	ck_assert(!json_object_object_get_ex(json, "id", NULL));
	ck_assert_int_eq(policy_parse(json, "x", &source, &policy, &problems), 0);
	ck_assert_int_gt(asprintf(&text, "{'id':'x',%s}", valid[_i].definition), 0);
	expected = policy_from(text);
	printed = policy_text(policy);
	ck_assert_msg(policy_equal(policy, expected), "%s: %s", valid[_i].words, printed);
}
END_TEST

static const struct {
	const char *words, *problem;
} invalid[] = {
	{ "", "begins with allow, block" },
	{ "blokk in", "word 1, \"blokk\", is not an action" },
	{ "blokk in", "did you mean \"block\"?" },
	{ "x y z", "word 1, \"x\", is not an action" },
	{ "block prot tcp", "word 2, \"prot\", is none of the words; did you mean \"proto\"?" },
	{ "block tcp", "word 2, \"tcp\", is none of the words" },
	{ "block port 80", "word 2, \"port\", must stand behind from or to" },
	{ "block from", "word 2, \"from\", must be followed by addresses" },
	{ "block from port 80", "word 2, \"from\", must be followed by addresses" },
	{ "block to any port in", "word 4, \"port\", must be followed by ports" },
	{ "block in out", "word 3, \"out\", says again what was said before" },
	{ "block to any port 1 port 2", "word 7, \"2\", says again" },
	{ "block to any port 80,,81", "\"80,,81\", is a list with an empty place" },
	{ "block to any,", "is a list with an empty place" },
	{ "block priority high", "word 3, \"high\", is not a number from 0 to 65535" },
	{ "block label x", "word 3, \"x\", is not a label: key=value" },
	{ "block for ever", "word 3, \"ever\", is not a duration such as 90s" },
	{ "limit", "must be followed by a rate" },
	{ "limit in", "word 1, \"limit\", must be followed by a rate" },
	{ "limit 1/s,2/s,3/s", "more than two rates" },
	{ "limit 1/s,2/s", "says again" },
	{ "limit 1/s burst 1,2", "gives more bursts than there are rates" },
	{ "block burst 1", "gives more bursts than there are rates" },
};

START_TEST(a_wrong_word_is_named)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(cleanup_json) struct json_object *json = NULL;

	ck_assert_int_eq(parse(invalid[_i].words, &json, &problems), -EINVAL);
	ck_assert_ptr_null(json);
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_msg(strstr(problems.list[0].detail, invalid[_i].problem) != NULL, "%s: %s",
		      invalid[_i].words, problems.list[0].detail);
}
END_TEST

START_TEST(an_id_may_stand_in_front)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	struct json_object *id;

	ck_assert_int_eq(parse("no-telnet block in", &json, &problems), 0);
	ck_assert(json_object_object_get_ex(json, "id", &id));
	ck_assert_str_eq(json_object_get_string(id), "no-telnet");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("words");

	tcase_add_loop_test(tcase, words_are_a_definition, 0, ARRAY_SIZE(valid));
	tcase_add_loop_test(tcase, a_wrong_word_is_named, 0, ARRAY_SIZE(invalid));
	tcase_add_test(tcase, an_id_may_stand_in_front);
	return run_case("words", tcase);
}
