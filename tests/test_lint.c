// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "findings_text.h"
#include "json.h"
#include "json_cleanup.h"
#include "policy_json.h"
#include "problem.h"

static struct policy_list list;
static struct problems problems;

static void tear_down(void)
{
	policy_list_clear(&list);
	problems_clear(&problems);
}

static void lint(const char *text)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	CLEANUP(findings_clear) struct findings findings = { 0 };
	struct policy_source source = { .file = true };
	struct findings_question question = { 0 };
	size_t kept = 0;

	ck_assert_int_eq(json_read(text, strlen(text), 0, &json, &problems), 0);
	ck_assert_int_eq(policy_parse_list(json, &source, &list, &problems), 0);
	question.policy = list.policy;
	question.count = list.count;
	ck_assert_int_eq(findings_make(&question, &findings), 0);
	/* Of those that are about the order alone. */
	for (size_t i = 0; i < findings.count; i++)
		if (findings.finding[i].kind == FINDING_ORDER)
			findings.finding[kept++] = findings.finding[i];
	findings.count = kept;
	ck_assert_int_eq(findings_warn(&question, &findings, "/policies", &problems), 0);
}

#define SPECIFIC "it is more specific"

/* Pairs in the order of a file, and whether it misleads. */
static const struct {
	const char *first, *second;
	const char *warned; /* why the second is evaluated first; NULL: no warning */
} pairs[] = {
	/* the narrower one comes second and is evaluated first */
	{ "'action':'BLOCK','src':{'ip':'10.0.0.0/8'}",
	  "'action':'ALLOW','src':{'ip':'10.1.0.0/16'}", SPECIFIC },
	{ "'action':'ALLOW','src':{'ip':'10.1.0.0/16'}",
	  "'action':'BLOCK','src':{'ip':'10.0.0.0/8'}", NULL },
	{ "'action':'BLOCK'", "'action':'ALLOW','dst':{'ip':'fd00::/8'}", SPECIFIC },
	{ "'action':'BLOCK','protocol':'tcp'",
	  "'action':'ALLOW','protocol':'tcp','dst':{'port':22}", SPECIFIC },
	/* by its priority */
	{ "'action':'BLOCK','src':{'ip':'10.1.0.0/16'}",
	  "'action':'ALLOW','src':{'ip':'10.0.0.0/8'},'priority':5", "its priority" },
	/* they decide alike */
	{ "'action':'BLOCK','src':{'ip':'10.0.0.0/8'}",
	  "'action':'BLOCK','src':{'ip':'10.1.0.0/16'}", NULL },
	{ "'action':'BLOCK','src':{'ip':'10.0.0.0/8'}",
	  "'action':'LOG_ONLY','src':{'ip':'10.1.0.0/16'}", NULL },
	/* two limits are two buckets */
	{ "'action':'RATE_LIMIT','rate_limit_bytes_per_second':1000",
	  "'action':'RATE_LIMIT','rate_limit_bytes_per_second':2000,'src':{'ip':'10.0.0.0/8'}",
	  SPECIFIC },
	/* one of them does nothing */
	{ "'action':'BLOCK','src':{'ip':'10.0.0.0/8'}",
	  "'action':'ALLOW','src':{'ip':'10.1.0.0/16'},'enabled':false", NULL },
	/* no packet matches both */
	{ "'action':'BLOCK','src':{'ip':'10.0.0.0/8'}",
	  "'action':'ALLOW','src':{'ip':'11.1.0.0/16'}", NULL },
	{ "'action':'BLOCK','src':{'ip':['10.0.0.0/8','!10.1.0.0/16']}",
	  "'action':'ALLOW','src':{'ip':'10.1.2.0/24'}", NULL },
	{ "'action':'BLOCK','src':{'ip':['10.0.0.0/8','!10.1.0.0/16']}",
	  "'action':'ALLOW','src':{'ip':'10.2.2.0/24'}", SPECIFIC },
	{ "'action':'BLOCK','src':{'ip':'10.0.0.0/8'}",
	  "'action':'ALLOW','src':{'ip':'10.1.0.0/16'},'direction':'egress'", NULL },
	{ "'action':'BLOCK','src':{'ip':'10.0.0.0/8'},'interface':'eth0'",
	  "'action':'ALLOW','src':{'ip':'10.1.0.0/16'},'interface':'eth1'", NULL },
	{ "'action':'BLOCK','protocol':'udp'",
	  "'action':'ALLOW','protocol':'tcp','src':{'ip':'10.1.0.0/16'}", NULL },
	{ "'action':'BLOCK','protocol':'tcp','dst':{'port':'1-100'}",
	  "'action':'ALLOW','protocol':'tcp','dst':{'port':[101,'200-300']}", NULL },
	{ "'action':'BLOCK','protocol':'tcp','dst':{'port':'1-100'}",
	  "'action':'ALLOW','protocol':'tcp','dst':{'port':[99]}", SPECIFIC },
	{ "'action':'BLOCK','protocol':'tcp','tcp_flags':'syn'",
	  "'action':'ALLOW','protocol':'tcp','tcp_flags':'!syn','src':{'ip':'10.1.0.0/16'}", NULL },
	{ "'action':'BLOCK','src':{'ip':'10.0.0.0/8'}", "'action':'ALLOW','src':{'ip':'fd00::/8'}",
	  NULL },
	{ "'action':'BLOCK','protocol':'icmp','icmp_type':8",
	  "'action':'ALLOW','protocol':'icmp','icmp_type':0,'src':{'ip':'10.1.0.0/16'}", NULL },
	/* ties */
	{ "'action':'ALLOW','src':{'ip':'10.0.0.0/8'}",
	  "'action':'BLOCK','src':{'ip':'10.0.0.0/8'}", "the order of actions" },
	{ "'action':'BLOCK','src':{'ip':'10.0.0.0/8'}",
	  "'action':'ALLOW','src':{'ip':'10.0.0.0/8'}", NULL },
};

START_TEST(a_pair)
{
	char text[1024];

	snprintf(text, sizeof(text), "{'policies':[{'id':'first',%s},{'id':'second',%s}]}",
		 pairs[_i].first, pairs[_i].second);
	for (char *quote = strchr(text, '\''); quote; quote = strchr(quote, '\''))
		*quote = '"';
	lint(text);
	ck_assert_msg(problems.count == !!pairs[_i].warned, "%zu: %s", problems.count, text);
	ck_assert_uint_eq(problems.errors, 0);
	if (!pairs[_i].warned)
		return;
	ck_assert(problems.list[0].warning);
	ck_assert_str_eq(problems.list[0].pointer, "/policies/1");
	ck_assert_ptr_nonnull(strstr(problems.list[0].detail, pairs[_i].warned));
	ck_assert_ptr_nonnull(strstr(problems.list[0].detail, "\"second\""));
	ck_assert_ptr_nonnull(strstr(problems.list[0].detail, "\"first\""));
}
END_TEST

/* One wide policy first and @count narrow ones behind it. */
static char *wide_first(size_t count)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	fputs("[{\"id\":\"wide\",\"action\":\"BLOCK\"}", out);
	for (size_t i = 0; i < count; i++)
		fprintf(out,
			",{\"id\":\"n%zu\",\"action\":\"ALLOW\",\"src\":{\"ip\":\"10.%zu.%zu.0/24\"}}",
			i, i / 256, i % 256);
	fputs("]", out);
	fclose(out);
	return text;
}

START_TEST(many_pairs_are_counted)
{
	CLEANUP(cleanup_free) char *text = wide_first(100);

	lint(text);
	ck_assert_uint_eq(problems.count, FINDINGS_PAIRS + 1);
	ck_assert_int_eq(strncmp(problems.list[FINDINGS_PAIRS].detail, "up to 80 more pairs", 19),
			 0);
}
END_TEST

START_TEST(too_many_policies_are_said)
{
	CLEANUP(cleanup_free) char *text = wide_first(FINDINGS_POLICIES + 10);

	lint(text);
	ck_assert_uint_eq(problems.count, FINDINGS_PAIRS + 2);
	ck_assert_ptr_nonnull(strstr(problems.list[FINDINGS_PAIRS + 1].detail, "only the first"));
}
END_TEST

START_TEST(nothing_to_compare)
{
	lint("[]");
	ck_assert_uint_eq(problems.count, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lint");
	TCase *tests = tcase_create("order");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, NULL, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, a_pair, 0, ARRAY_SIZE(pairs));
	tcase_add_test(tests, many_pairs_are_counted);
	tcase_add_test(tests, too_many_policies_are_said);
	tcase_add_test(tests, nothing_to_compare);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
