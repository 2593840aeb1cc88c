// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "policy_text.h"
#include "policyset.h"
#include "problem.h"
#include "rules.h"

#define POLICIES_MOST 4

/* Names are "if" and the id. */
static int interface_id(void *context, const char *name)
{
	(void)context;
	return strncmp(name, "if", 2) ? -ENOSPC : atoi(name + 2);
}

static struct policyset *make_set(const char *const *texts, size_t count)
{
	CLEANUP(policyset_put) struct policyset *empty = policyset_new();
	struct policy *policies[POLICIES_MOST];
	struct policyset *set;

	ck_assert_uint_le(count, POLICIES_MOST);
	for (size_t i = 0; i < count; i++)
		policies[i] = policy_from(texts[i]);
	ck_assert_int_eq(policyset_add(empty, policies, count, &set), 0);
	for (size_t i = 0; i < count; i++)
		policy_put(&policies[i]);
	return set;
}

static int expand(const char *const *texts, size_t count, size_t max, struct rules *ret,
		  struct problems *problems)
{
	static const uint32_t slots[POLICIES_MOST] = { 10, 11, 12, 13 };
	const struct rules_names names = {
		.interface_id = interface_id, .slots = slots, .failsafe_slots = slots, .max = max
	};
	CLEANUP(policyset_put) struct policyset *set = make_set(texts, count);
	CLEANUP(policyset_put) struct policyset *none = policyset_new();

	return rules_expand(set, none, &names, ret, problems);
}

/* ---- how many rules a policy comes to: IPv4 and IPv6, ingress and egress */

static const struct {
	const char *text;
	size_t counts[PEP_FAMILIES][PEP_DIRECTIONS];
} expansions[] = {
	{ "{'id':'a','action':'BLOCK'}", { { 1, 0 }, { 1, 0 } } },
	{ "{'id':'a','action':'BLOCK','direction':'both'}", { { 1, 1 }, { 1, 1 } } },
	{ "{'id':'a','action':'BLOCK','direction':'egress','protocol':'icmp'}",
	  { { 0, 1 }, { 0, 0 } } },
	{ "{'id':'a','action':'BLOCK','enabled':false}", { { 0, 0 }, { 0, 0 } } },
	{ "{'id':'a','action':'BLOCK','src':{'ip':'10.0.0.1-10.0.0.6'}}", { { 4, 0 }, { 0, 0 } } },
	{ "{'id':'a','action':'BLOCK','src':{'ip':['10.0.0.0/25','10.0.0.128/25']}}",
	  { { 1, 0 }, { 0, 0 } } },
	{ "{'id':'a','action':'BLOCK','src':{'ip':['!10.0.0.0/8']}}", { { 8, 0 }, { 1, 0 } } },
	{ "{'id':'a','action':'BLOCK','src':{'ip':['10.0.0.1','2001:db8::1']},"
	  "'dst':{'port':[80,443,'440-450']},'protocol':'tcp'}",
	  { { 2, 0 }, { 2, 0 } } },
	{ "{'id':'a','action':'BLOCK','src':{'port':[1,3]},'dst':{'port':[5,7,9]},"
	  "'protocol':'udp','vlan':[7,9],'interface':['if1','if2']}",
	  { { 24, 0 }, { 24, 0 } } },
	{ "{'id':'a','action':'BLOCK','protocol':'icmp','icmp_type':8}", { { 1, 0 }, { 0, 0 } } },
	{ "{'id':'a','action':'BLOCK','vlan':['1-5','none']}", { { 2, 0 }, { 2, 0 } } },
};

START_TEST(policies_expand_to_products)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct rules rules;
	size_t sum = 0;

	ck_assert_int_eq(expand(&expansions[_i].text, 1, 1000, &rules, &problems), 0);
	for (int family = 0; family < PEP_FAMILIES; family++) {
		for (int direction = 0; direction < PEP_DIRECTIONS; direction++) {
			size_t count = rules.list[PEP_RULES_POLICY][family][direction].count;

			ck_assert_uint_eq(count, expansions[_i].counts[family][direction]);
			sum += count;
		}
	}
	ck_assert_uint_eq(rules.count, sum);
	rules_clear(&rules);
}
END_TEST

static const struct rule *only_rule(const struct rules *rules)
{
	const struct rule_list *list = &rules->list[PEP_RULES_POLICY][PEP_IPV4][PEP_INGRESS];

	ck_assert_uint_eq(list->count, 1);
	return list->rule;
}

START_TEST(fields_are_carried_over)
{
	static const char *const text =
		"{'id':'a','action':'BLOCK','protocol':'tcp','src':{'ip':'10.1.0.0/16'},"
		"'dst':{'port':'80-90'},'tcp_flags':'syn,!ack','length':'100-65535','ttl':'1-9',"
		"'dscp':[0,46],'fragment':false,'interface':'if3','vlan':'none'}";
	CLEANUP(problems_clear) struct problems problems = { 0 };
	const struct rule *rule;
	struct rules rules;

	ck_assert_int_eq(expand(&text, 1, 1000, &rules, &problems), 0);
	rule = only_rule(&rules);
	ck_assert_uint_eq(rule->flags, PEP_RULE_PROTOCOL | PEP_RULE_EXTRA | PEP_RULE_UNCACHED);
	ck_assert_uint_eq(rule->src[0], 0x0a010000);
	ck_assert_uint_eq(rule->src_bits, 16);
	ck_assert_uint_eq(rule->dst_bits, 0);
	ck_assert_uint_eq(rule->sport_low, 0);
	ck_assert_uint_eq(rule->sport_high, 0xffff);
	ck_assert_uint_eq(rule->dport_low, 80);
	ck_assert_uint_eq(rule->dport_high, 90);
	ck_assert_uint_eq(rule->slot, 10);
	ck_assert_uint_ne(rule->rank, 0);
	ck_assert_uint_eq(rule->extra.fields, PEP_EXTRA_INTERFACE | PEP_EXTRA_VLAN |
						      PEP_EXTRA_TCP_FLAGS | PEP_EXTRA_DSCP |
						      PEP_EXTRA_LENGTH | PEP_EXTRA_TTL |
						      PEP_EXTRA_FRAGMENT);
	ck_assert_uint_eq(rule->extra.tcp_flags, 0x02);
	ck_assert_uint_eq(rule->extra.tcp_flags_mask, 0x12);
	ck_assert_uint_eq(rule->extra.length_low, 100);
	ck_assert_uint_eq(rule->extra.length_high, UINT32_MAX); /* a merged buffer holds more */
	ck_assert_uint_eq(rule->extra.ttl_high, 9);
	ck_assert_uint_eq(rule->extra.dscp, 1ULL | 1ULL << 46);
	ck_assert_uint_eq(rule->extra.fragment, 0);
	ck_assert_uint_eq(rule->extra.interface, 3);
	ck_assert_uint_eq(rule->extra.vlan_low, PEP_VLAN_NONE);
	rules_clear(&rules);
}
END_TEST

START_TEST(what_the_cache_must_not_keep_is_told)
{
	static const struct {
		const char *text;
		uint8_t flags;
	} cases[] = {
		{ "{'id':'a','action':'BLOCK','src':{'ip':'10.0.0.1'}}", 0 },
		{ "{'id':'a','action':'BLOCK','src':{'ip':'10.0.0.1'},'dst':{'port':1}}",
		  PEP_RULE_PORTS },
		{ "{'id':'a','action':'BLOCK','interface':'if1'}", PEP_RULE_EXTRA },
		{ "{'id':'a','action':'BLOCK','vlan':5}", PEP_RULE_EXTRA },
		{ "{'id':'a','action':'BLOCK','ttl':5}", PEP_RULE_EXTRA | PEP_RULE_UNCACHED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(problems_clear) struct problems problems = { 0 };
		struct rules rules;

		ck_assert_int_eq(expand(&cases[i].text, 1, 10, &rules, &problems), 0);
		ck_assert_uint_eq(only_rule(&rules)->flags, cases[i].flags);
		rules_clear(&rules);
	}
}
END_TEST

START_TEST(rules_are_in_the_order_of_their_ranks)
{
	static const char *const texts[] = {
		"{'id':'late','action':'BLOCK','priority':2000,'dst':{'port':[1,3]}}",
		"{'id':'b','action':'ALLOW'}",
		"{'id':'a','action':'BLOCK'}",
		"{'id':'first','action':'ALLOW','priority':0,'dst':{'port':[1,3]}}",
	};
	static const uint32_t slots[] = { 12, 12, 10, 11, 13, 13 }; /* slots follow the ids */
	CLEANUP(problems_clear) struct problems problems = { 0 };
	const struct rule_list *list;
	struct rules rules;

	ck_assert_int_eq(expand(texts, ARRAY_SIZE(texts), 1000, &rules, &problems), 0);
	list = &rules.list[PEP_RULES_POLICY][PEP_IPV6][PEP_INGRESS];
	ck_assert_uint_eq(list->count, ARRAY_SIZE(slots));
	for (size_t i = 0; i < list->count; i++) {
		ck_assert_uint_eq(list->rule[i].slot, slots[i]);
		if (i)
			ck_assert_int_eq(list->rule[i].rank == list->rule[i - 1].rank,
					 slots[i] == slots[i - 1]);
		ck_assert(!i || list->rule[i].rank >= list->rule[i - 1].rank);
	}
	rules_clear(&rules);
}
END_TEST

/* ---- too many */

static const char *const many[] = {
	"{'id':'small','action':'BLOCK'}",
	"{'id':'middle','action':'BLOCK','dst':{'port':[1,3,5]}}",
	"{'id':'large','action':'BLOCK','direction':'both','dst':{'port':[1,3,5]}}",
};

START_TEST(max_rules_is_exact)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct rules rules;

	ck_assert_int_eq(expand(many, ARRAY_SIZE(many), 20, &rules, &problems), 0);
	ck_assert_uint_eq(rules.count, 20);
	rules_clear(&rules);
	ck_assert_int_eq(expand(many, ARRAY_SIZE(many), 19, &rules, &problems), -ENOSPC);
}
END_TEST

START_TEST(the_costliest_policies_are_named)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct rules rules;

	ck_assert_int_eq(expand(many, ARRAY_SIZE(many), 5, &rules, &problems), -ENOSPC);
	ck_assert_uint_eq(problems.count, 4);
	ck_assert_str_eq(problems.list[0].detail,
			 "the policies come to 20 rules, more than the 5 that \"policy.max_rules\" "
			 "allows: raise it in the configuration or remove some");
	ck_assert_str_eq(problems.list[1].detail, "policy large alone gives 12 rules");
	ck_assert_str_eq(problems.list[2].detail, "policy middle alone gives 6 rules");
	ck_assert_str_eq(problems.list[3].detail, "policy small alone gives 2 rules");
}
END_TEST

START_TEST(an_interface_without_an_id_is_an_error)
{
	static const char *const text = "{'id':'a','action':'BLOCK','interface':'eth9'}";
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct rules rules;

	ck_assert_int_eq(expand(&text, 1, 10, &rules, &problems), -ENOSPC);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("rules");

	tcase_add_loop_test(tcase, policies_expand_to_products, 0, ARRAY_SIZE(expansions));
	tcase_add_test(tcase, fields_are_carried_over);
	tcase_add_test(tcase, what_the_cache_must_not_keep_is_told);
	tcase_add_test(tcase, rules_are_in_the_order_of_their_ranks);
	tcase_add_test(tcase, max_rules_is_exact);
	tcase_add_test(tcase, the_costliest_policies_are_named);
	tcase_add_test(tcase, an_interface_without_an_id_is_an_error);
	return run_case("rules", tcase);
}
