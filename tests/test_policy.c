// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <stdlib.h>

#include "cleanup.h"
#include "policy.h"
#include "policy_text.h"

/*
 * Policies in the order in which they are evaluated, one group per element of
 * the tuple. Each pair of a group is compared, both ways round.
 */
#define GROUP_MAX 12

static const struct group {
	enum pep_family family;
	const char *text[GROUP_MAX];
} groups[] = {
	/* priority, ascending, before everything else */
	{ PEP_IPV4,
	  {
		  "{'id':'z','action':'ALLOW','priority':0}",
		  "{'id':'y','action':'BLOCK','priority':999,'src':{'ip':'10.0.0.1'}}",
		  "{'id':'x','action':'BLOCK','src':{'ip':'10.0.0.1'}}",
		  "{'id':'a','action':'BLOCK','priority':65535,'src':{'ip':'10.0.0.1'}}",
	  } },
	/* source prefix length, descending; a list counts with its shortest member */
	{ PEP_IPV4,
	  {
		  "{'id':'z','action':'ALLOW','src':{'ip':'10.0.0.1'}}",
		  "{'id':'y','action':'ALLOW','src':{'ip':'10.0.0.0-10.0.0.7'}}",
		  "{'id':'x','action':'ALLOW','src':{'ip':['10.0.0.0/24','10.0.1.1']}}",
		  "{'id':'w','action':'ALLOW','src':{'ip':['10.0.0.0/8','!10.1.0.0/16']}}",
		  "{'id':'v','action':'ALLOW','src':{'ip':'0.0.0.0-127.255.255.255'}}",
		  "{'id':'b','action':'BLOCK','src':{'ip':'!10.0.0.1'}}",
		  "{'id':'c','action':'BLOCK'}",
		  "{'id':'d','action':'BLOCK','src':{'ip':'0.0.0.0/0'}}",
	  } },
	/* then the destination's */
	{ PEP_IPV4,
	  {
		  "{'id':'z','action':'ALLOW','src':{'ip':'10.0.0.1'}}",
		  "{'id':'y','action':'ALLOW','dst':{'ip':'10.0.0.1'}}",
		  "{'id':'x','action':'ALLOW','dst':{'ip':'10.0.0.0/31'}}",
		  "{'id':'a','action':'ALLOW'}",
	  } },
	/* each family has its own lengths */
	{ PEP_IPV4,
	  {
		  "{'id':'b','action':'ALLOW','src':{'ip':['10.0.0.0/16','2001:db8::/32']}}",
		  "{'id':'a','action':'ALLOW','src':{'ip':['10.0.0.0/8','2001:db8::/64']}}",
	  } },
	{ PEP_IPV6,
	  {
		  "{'id':'b','action':'ALLOW','src':{'ip':['10.0.0.0/8','2001:db8::/64']}}",
		  "{'id':'a','action':'ALLOW','src':{'ip':['10.0.0.0/16','2001:db8::/32']}}",
	  } },
	/* source port span of the union, ascending, then the destination's */
	{ PEP_IPV4,
	  {
		  "{'id':'z','action':'ALLOW','protocol':'tcp','src':{'port':80}}",
		  "{'id':'y','action':'ALLOW','protocol':'tcp','src':{'port':['80-81','81','80-82']}}",
		  "{'id':'x','action':'ALLOW','protocol':'tcp','src':{'port':['1','2','3','5']}}",
		  "{'id':'w','action':'ALLOW','protocol':'tcp','src':{'port':'1-65535'}}",
		  "{'id':'v','action':'ALLOW','protocol':'tcp','dst':{'port':80}}",
		  "{'id':'u','action':'ALLOW','protocol':'tcp','dst':{'port':['80','90-91']}}",
		  "{'id':'a','action':'BLOCK','protocol':'tcp'}",
		  "{'id':'b','action':'BLOCK','protocol':'tcp','src':{'port':'0-65535'}}",
	  } },
	/* an exact protocol before any, before the action */
	{ PEP_IPV6,
	  {
		  "{'id':'z','action':'ALLOW','protocol':'udp','dst':{'port':53}}",
		  "{'id':'a','action':'BLOCK','dst':{'port':53}}",
	  } },
	/* actions, then ids bytewise */
	{ PEP_IPV4,
	  {
		  "{'id':'Z','action':'BLOCK'}",
		  "{'id':'z','action':'BLOCK'}",
		  "{'id':'y','action':'RATE_LIMIT','rate_limit_bytes_per_second':1}",
		  "{'id':'x','action':'LOG_ONLY'}",
		  "{'id':'9','action':'ALLOW'}",
		  "{'id':'A','action':'ALLOW'}",
		  "{'id':'A.','action':'ALLOW'}",
		  "{'id':'a','action':'ALLOW'}",
		  "{'id':'a-','action':'ALLOW'}",
		  "{'id':'aa','action':'ALLOW'}",
	  } },
};

START_TEST(the_order_is_that_of_the_tuple)
{
	const struct group *group = &groups[_i];
	struct policy *policy[GROUP_MAX];
	size_t count = 0;

	for (; count < GROUP_MAX && group->text[count]; count++)
		policy[count] = policy_from(group->text[count]);
	ck_assert_uint_gt(count, 1);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++) {
			int order = policy_compare(policy[i], policy[j], group->family);

			ck_assert_msg((order > 0) - (order < 0) == (i > j) - (i < j),
				      "%s and %s: %d", group->text[i], group->text[j], order);
		}
	for (size_t i = 0; i < count; i++)
		policy_put(&policy[i]);
}
END_TEST

static const struct {
	const char *text;
	bool v4, v6, broad4, broad6;
} kinds[] = {
	{ "{'id':'a','action':'BLOCK'}", true, true, true, true },
	{ "{'id':'a','action':'BLOCK','src':{'ip':'10.0.0.0/8'}}", true, false, false, false },
	{ "{'id':'a','action':'BLOCK','src':{'ip':'10.0.0.0/7'}}", true, false, true, false },
	{ "{'id':'a','action':'BLOCK','src':{'ip':'2001:db8::/32'}}", false, true, false, false },
	{ "{'id':'a','action':'BLOCK','src':{'ip':'2001:db8::/31'}}", false, true, false, true },
	{ "{'id':'a','action':'BLOCK','dst':{'ip':'::1'}}", false, true, true, true },
	{ "{'id':'a','action':'BLOCK','src':{'ip':'!10.0.0.1'}}", true, true, true, true },
	{ "{'id':'a','action':'BLOCK','src':{'ip':'!0.0.0.0/0'}}", false, true, true, true },
	{ "{'id':'a','action':'BLOCK','src':{'ip':['10.0.0.1','!::/0']}}", true, false, false,
	  false },
	{ "{'id':'a','action':'BLOCK','protocol':'icmp'}", true, false, true, true },
	{ "{'id':'a','action':'BLOCK','protocol':'icmpv6'}", false, true, true, true },
	{ "{'id':'a','action':'BLOCK','src':{'ip':['10.0.0.1','1.0.0.0-9.0.0.0','::1']}}", true,
	  true, true, false },
};

START_TEST(families_and_breadth)
{
	CLEANUP(policy_put) struct policy *policy = policy_from(kinds[_i].text);

	ck_assert_int_eq(policy_has_family(policy, PEP_IPV4), kinds[_i].v4);
	ck_assert_int_eq(policy_has_family(policy, PEP_IPV6), kinds[_i].v6);
	ck_assert_int_eq(policy_is_broad(policy, PEP_IPV4), kinds[_i].broad4);
	ck_assert_int_eq(policy_is_broad(policy, PEP_IPV6), kinds[_i].broad6);
}
END_TEST

/* Each differs from the first, and from every other, in one member. */
static const char *const different[] = {
	"{'id':'a','action':'BLOCK'}",
	"{'id':'b','action':'BLOCK'}",
	"{'id':'a','action':'ALLOW'}",
	"{'id':'a','action':'BLOCK','description':'x'}",
	"{'id':'a','action':'BLOCK','description':'y'}",
	"{'id':'a','action':'BLOCK','enabled':false}",
	"{'id':'a','action':'BLOCK','labels':{'a':'b'}}",
	"{'id':'a','action':'BLOCK','labels':{'a':'c'}}",
	"{'id':'a','action':'BLOCK','labels':{'b':'b'}}",
	"{'id':'a','action':'BLOCK','priority':1}",
	"{'id':'a','action':'BLOCK','direction':'egress'}",
	"{'id':'a','action':'BLOCK','interface':'eth0'}",
	"{'id':'a','action':'BLOCK','interface':'eth1'}",
	"{'id':'a','action':'BLOCK','src':{'ip':'10.0.0.1'}}",
	"{'id':'a','action':'BLOCK','dst':{'ip':'10.0.0.1'}}",
	"{'id':'a','action':'BLOCK','dst':{'ip':'!10.0.0.1'}}",
	"{'id':'a','action':'BLOCK','dst':{'ip':'10.0.0.1-10.0.0.1'}}",
	"{'id':'a','action':'BLOCK','src':{'port':1}}",
	"{'id':'a','action':'BLOCK','dst':{'port':1}}",
	"{'id':'a','action':'BLOCK','dst':{'port':'1-2'}}",
	"{'id':'a','action':'BLOCK','protocol':'tcp'}",
	"{'id':'a','action':'BLOCK','protocol':'tcp','tcp_flags':'syn'}",
	"{'id':'a','action':'BLOCK','protocol':'tcp','tcp_flags':'!syn'}",
	"{'id':'a','action':'BLOCK','protocol':'icmp'}",
	"{'id':'a','action':'BLOCK','protocol':'icmp','icmp_type':0}",
	"{'id':'a','action':'BLOCK','protocol':'icmp','icmp_code':0}",
	"{'id':'a','action':'BLOCK','vlan':7}",
	"{'id':'a','action':'BLOCK','vlan':'none'}",
	"{'id':'a','action':'BLOCK','dscp':0}",
	"{'id':'a','action':'BLOCK','length':0}",
	"{'id':'a','action':'BLOCK','ttl':0}",
	"{'id':'a','action':'BLOCK','fragment':true}",
	"{'id':'a','action':'BLOCK','fragment':false}",
	"{'id':'a','action':'BLOCK','log':true}",
	"{'id':'a','action':'BLOCK','expires_at':'2030-01-01T00:00:00Z'}",
	"{'id':'a','action':'BLOCK','ttl_seconds':60}",
	"{'id':'a','action':'RATE_LIMIT','rate_limit_bytes_per_second':9}",
	"{'id':'a','action':'RATE_LIMIT','rate_limit_packets_per_second':9}",
	"{'id':'a','action':'RATE_LIMIT','rate_limit_bytes_per_second':9,'burst_bytes':9}",
	"{'id':'a','action':'RATE_LIMIT','rate_limit_packets_per_second':9,'burst_packets':9}",
	"{'id':'a','action':'RATE_LIMIT','rate_limit_bytes_per_second':9,'conform':'continue'}",
};

START_TEST(equal_means_the_same_definition)
{
	struct policy *policy[ARRAY_SIZE(different)];

	for (size_t i = 0; i < ARRAY_SIZE(different); i++)
		policy[i] = policy_from(different[i]);
	for (size_t i = 0; i < ARRAY_SIZE(different); i++) {
		CLEANUP(policy_put) struct policy *again = policy_from(different[i]);

		again->origin = ORIGIN_FILE;
		again->created_at = 1;
		again->updated_at = 2;
		for (size_t j = 0; j < ARRAY_SIZE(different); j++)
			ck_assert_msg(policy_equal(again, policy[j]) == (i == j), "%s and %s",
				      different[i], different[j]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(different); i++)
		policy_put(&policy[i]);
}
END_TEST

START_TEST(references_keep_a_policy)
{
	struct policy *policy = policy_from("{'id':'a','action':'BLOCK','labels':{'k':'v'}}");
	struct policy *other = policy_get(policy);

	policy_put(&policy);
	ck_assert_ptr_null(policy);
	ck_assert_str_eq(other->rare->labels[0].value, "v");
	policy_put(&other);
	policy_put(&other);
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(policy_action_name(PEP_ACTION_RATE_LIMIT), "RATE_LIMIT");
	ck_assert_str_eq(policy_origin_name(ORIGIN_FAILSAFE), "failsafe");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("policy");

	tcase_add_loop_test(tcase, the_order_is_that_of_the_tuple, 0, ARRAY_SIZE(groups));
	tcase_add_loop_test(tcase, families_and_breadth, 0, ARRAY_SIZE(kinds));
	tcase_add_test(tcase, equal_means_the_same_definition);
	tcase_add_test(tcase, references_keep_a_policy);
	tcase_add_test(tcase, names);
	return run_case("policy", tcase);
}
