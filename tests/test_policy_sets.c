// SPDX-License-Identifier: Apache-2.0
#include "policy_sets.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "address_set.h"
#include "address_sets.h"
#include "cleanup.h"
#include "json_cleanup.h"
#include "policy_text.h"
#include "policyset.h"
#include "problem.h"
#include "rules.h"
#include "set_text.h"

static const struct {
	const char *ip;
	int shortest4, shortest6;
	bool broad4, broad6;
} lists[] = {
	{ "'@a'", 0, 0, false, false },
	{ "['@a','10.0.0.0/8']", 0, 0, false, false },
	{ "['@a','10.0.0.0/7']", 0, 0, true, false },
	{ "['10.0.0.0/8','!@a']", 8, -1, false, false },
	{ "'!@a'", 0, 0, true, true },
	{ "['any','!@a']", 0, 0, true, true },
	{ "['@a','2001::/16']", 0, 0, false, true },
};

START_TEST(a_set_counts_as_0_and_is_not_broad)
{
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(policy_put) struct policy *policy = NULL;
	CLEANUP(cleanup_free) char *printed = NULL;

	ck_assert_int_gt(
		asprintf(&text, "{'id':'p','action':'BLOCK','src':{'ip':%s}}", lists[_i].ip), 0);
	policy = policy_from(text);
	ck_assert_int_eq(address_list_shortest(&policy->src, PEP_IPV4), lists[_i].shortest4);
	ck_assert_int_eq(address_list_shortest(&policy->src, PEP_IPV6), lists[_i].shortest6);
	ck_assert_int_eq(policy_is_broad(policy, PEP_IPV4), lists[_i].broad4);
	ck_assert_int_eq(policy_is_broad(policy, PEP_IPV6), lists[_i].broad6);
	/* What was written is what is printed. */
	printed = policy_text(policy);
	if (_i != 5) {
		for (char *c = text; *c; c++)
			*c = *c == '\'' ? '"' : *c;
		ck_assert_str_eq(printed, text);
	}
}
END_TEST

START_TEST(a_set_comes_after_a_prefix_and_with_any)
{
	CLEANUP(policy_put)
	struct policy *set = policy_from("{'id':'b','action':'BLOCK','src':{'ip':'@a'}}");
	CLEANUP(policy_put)
	struct policy *prefix =
		policy_from("{'id':'z','action':'ALLOW','src':{'ip':'10.0.0.0/8'}}");
	CLEANUP(policy_put) struct policy *any = policy_from("{'id':'a','action':'BLOCK'}");
	CLEANUP(policy_put)
	struct policy *other = policy_from("{'id':'b','action':'BLOCK','src':{'ip':'@b'}}");

	ck_assert_int_gt(policy_compare(set, prefix, PEP_IPV4), 0);
	ck_assert_int_gt(policy_compare(set, any, PEP_IPV4), 0);
	ck_assert(!policy_equal(set, other));
	ck_assert(policy_names_set(set, "a"));
	ck_assert(!policy_names_set(set, "b"));
	ck_assert(!policy_names_set(any, "a"));
}
END_TEST

START_TEST(bad_names_are_refused)
{
	static const char *const names[] = { "@",    "@.a", "@-a", "@a b",
					     "@a/b", "!@",  "@@a", "@\xc3\xa4" };
	char text[160], long_name[80];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEANUP(cleanup_free) char *problems = NULL;

		snprintf(text, sizeof(text), "{'id':'p','action':'BLOCK','src':{'ip':'%s'}}",
			 names[i]);
		problems = problems_of(text);
		ck_assert_msg(strstr(problems, "names no set of addresses") != NULL, "%s: %s",
			      names[i], problems);
	}
	for (size_t length = 64; length <= 65; length++) {
		CLEANUP(cleanup_free) char *problems = NULL;

		memset(long_name, 'x', length);
		long_name[length] = '\0';
		ck_assert_int_eq(address_set_name_valid(long_name), length == 64);
		snprintf(text, sizeof(text), "{'id':'p','action':'BLOCK','src':{'ip':'@%s'}}",
			 long_name);
		problems = problems_of(text);
		ck_assert_int_eq(!*problems, length == 64);
	}
}
END_TEST

static struct policyset *policies_of(const char *const *texts, size_t count)
{
	struct policyset *set = policyset_new();

	for (size_t i = 0; i < count; i++) {
		CLEANUP(policy_put) struct policy *policy = policy_from(texts[i]);
		struct policyset *more;

		ck_assert_int_eq(policyset_add(set, &policy, 1, &more), 0);
		policyset_put(&set);
		set = more;
	}
	return set;
}

static const char *const users[] = {
	"{'id':'1','action':'BLOCK','src':{'ip':['@a','@b','@a']}}",
	"{'id':'2','action':'BLOCK','dst':{'ip':'!@b'}}",
	"{'id':'3','action':'BLOCK'}",
};

START_TEST(who_names_what)
{
	CLEANUP(policyset_put)
	struct policyset *policies = policies_of(users, ARRAY_SIZE(users));
	struct address_sets *sets = sets_with(address_sets_new(), set_from("a", ""));
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(address_sets_put) struct address_sets *made = NULL;
	struct json_object *json;

	ck_assert_uint_eq(policies_report_unknown_sets(policies, sets, false, &problems), 2);
	ck_assert_uint_eq(problems.errors, 2);
	ck_assert_ptr_nonnull(strstr(problems.list[0].detail, "\"@b\", which does not exist"));
	problems_clear(&problems);
	ck_assert_uint_eq(policies_report_unknown_sets(policies, sets, true, &problems), 2);
	ck_assert_uint_eq(problems.errors, 0);
	ck_assert_ptr_nonnull(strstr(problems.list[0].detail, "is not checked here"));
	ck_assert_int_eq(policies_make_unknown_sets(policies, sets, &made), 0);
	ck_assert_uint_eq(made->count, 2);
	ck_assert_ptr_eq(address_sets_find(made, "a"), address_sets_find(sets, "a"));
	ck_assert_uint_eq(address_set_count(address_sets_find(made, "b")), 0);
	ck_assert_int_eq(address_sets_find(made, "b")->origin, ORIGIN_FILE);
	sets = sets_with(sets, set_from("b", ""));
	json = policies_by_set(policies, sets);
	ck_assert_str_eq(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN),
			 "[[\"1\"],[\"1\",\"2\"]]");
	json_object_put(json);
	address_sets_put(&sets);
}
END_TEST

START_TEST(a_changed_set_changes_who_names_it)
{
	CLEANUP(policyset_put)
	struct policyset *policies = policies_of(users, ARRAY_SIZE(users));
	CLEANUP(address_sets_put) struct address_sets *before = NULL, *after = NULL;

	before = sets_with(sets_with(address_sets_new(), set_from("a", "")), set_from("b", ""));
	after = sets_with(address_sets_get(before), set_from("a", "10.0.0.1"));
	ck_assert(policy_uses_changed_set(policies->policy[0], before, after));
	ck_assert(!policy_uses_changed_set(policies->policy[1], before, after));
	ck_assert(!policy_uses_changed_set(policies->policy[2], before, after));
	ck_assert(!policy_uses_changed_set(policies->policy[0], after, after));
	ck_assert(policy_uses_changed_set(policies->policy[1], NULL, after));
	ck_assert(policy_uses_changed_set(policies->policy[1], after, NULL));
	ck_assert(!policy_uses_changed_set(policies->policy[2], NULL, after));
}
END_TEST

/* ---- rules */

static int no_interface(void *context, const char *name)
{
	(void)context;
	(void)name;
	return -ENOENT;
}

START_TEST(each_merged_prefix_is_a_rule)
{
	static const char *const texts[] = {
		"{'id':'a','action':'BLOCK','src':{'ip':'@n'}}",
		"{'id':'b','action':'BLOCK','dst':{'ip':'10.9.9.9'}}"
	};
	static const uint32_t slots[] = { 7, 8 };
	CLEANUP(policyset_put) struct policyset *set = policies_of(texts, ARRAY_SIZE(texts));
	CLEANUP(policyset_put) struct policyset *none = policyset_new();
	CLEANUP(address_sets_put)
	struct address_sets *sets =
		sets_with(address_sets_new(),
			  set_from("n", "10.0.0.0/25 10.0.0.128/25 10.0.0.7 10.1.0.1 fe80::/64"));
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(rules_clear) struct rules rules = { 0 };
	struct rules_names names = { .interface_id = no_interface,
				     .slots = slots,
				     .failsafe_slots = slots,
				     .sets = sets,
				     .max = 4 };
	const struct rule_list *list;

	ck_assert_int_eq(rules_expand(set, none, &names, &rules, &problems), 0);
	list = &rules.list[PEP_RULES_POLICY][PEP_IPV4][PEP_INGRESS];
	ck_assert_uint_eq(list->count, 3);
	ck_assert_uint_eq(rules.list[PEP_RULES_POLICY][PEP_IPV6][PEP_INGRESS].count, 1);
	/* The destination's policy is first: its tuple is more specific there only in the second place. */
	ck_assert_uint_eq(list->rule[1].slot, list->rule[2].slot);
	ck_assert_uint_eq(list->rule[1].rank, list->rule[2].rank);
	rules_clear(&rules);
	names.max = 3;
	ck_assert_int_eq(rules_expand(set, none, &names, &rules, &problems), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(problems.list[0].detail, "rules, more than the 3 that"));
	ck_assert_ptr_nonnull(strstr(problems.list[1].detail, "policy a alone gives 3 rules"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("policy_sets");

	tcase_add_loop_test(tcase, a_set_counts_as_0_and_is_not_broad, 0, ARRAY_SIZE(lists));
	tcase_add_test(tcase, a_set_comes_after_a_prefix_and_with_any);
	tcase_add_test(tcase, bad_names_are_refused);
	tcase_add_test(tcase, who_names_what);
	tcase_add_test(tcase, a_changed_set_changes_who_names_it);
	tcase_add_test(tcase, each_merged_prefix_is_a_rule);
	return run_case("policy_sets", tcase);
}
