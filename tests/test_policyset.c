// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "policy_text.h"
#include "policyset.h"

static struct policy *simple(const char *id, const char *action, enum origin origin)
{
	char text[128];
	struct policy *policy;

	snprintf(text, sizeof(text), "{'id':'%s','action':'%s'}", id, action);
	policy = policy_from(text);
	policy->origin = origin;
	return policy;
}

/* The ids, joined by spaces, with the first letter of the action. */
static const char *ids(const struct policyset *set)
{
	static char said[256];

	said[0] = '\0';
	for (size_t i = 0; i < set->count; i++) {
		size_t length = strlen(said);

		snprintf(said + length, sizeof(said) - length, "%s%s%c", i ? " " : "",
			 set->policy[i]->id, policy_action_name(set->policy[i]->action)[0]);
	}
	return said;
}

static struct policyset *edit(const struct policyset *base, const char *const *remove,
			      size_t remove_count, struct policy *const *add, size_t add_count)
{
	const struct policyset_edit change = { remove, remove_count, add, add_count };
	struct policyset *set;

	ck_assert_int_eq(policyset_edit(base, &change, &set), 0);
	return set;
}

static void assert_tallies(const struct policyset *set)
{
	size_t of_origin[ORIGINS] = { 0 }, egress = 0;

	for (size_t i = 0; i < set->count; i++) {
		of_origin[set->policy[i]->origin]++;
		egress += set->policy[i]->enabled && set->policy[i]->directions >> PEP_EGRESS & 1;
	}
	ck_assert_mem_eq(of_origin, set->of_origin, sizeof(of_origin));
	ck_assert_uint_eq(egress, set->egress);
}

/* A set changed again and again keeps what it needs, and not for ever what it does not. */
START_TEST(what_was_taken_out_is_given_back)
{
	struct policyset *set = policyset_new(), *next;
	struct policy *old = simple("0", "BLOCK", ORIGIN_FILE), *policy;
	char id[8];

	next = edit(set, NULL, 0, &old, 1);
	policyset_put(&set);
	set = next;
	for (unsigned int i = 0; i < 5000; i++) {
		const char *remove[] = { id };

		snprintf(id, sizeof(id), "%u", i * 7 % 50);
		policy = simple(id, i % 2 ? "ALLOW" : "BLOCK", i % 3 ? ORIGIN_API : ORIGIN_FILE);
		policy->directions = (uint8_t)(1 + i % 3);
		policy->enabled = i % 5;
		next = edit(set, remove, i % 11 == 0, &policy, i % 11 != 0);
		ck_assert(policyset_find(next, id) == (i % 11 ? policy : NULL));
		assert_tallies(next);
		policy_put(&policy);
		policyset_put(&set);
		set = next;
	}
	ck_assert_uint_le(set->count, 50);
	ck_assert_uint_eq(old->references, 1);
	policy_put(&old);
	policyset_put(&set);
}
END_TEST

START_TEST(sets_are_edited)
{
	CLEANUP(policyset_put) struct policyset *empty = policyset_new(), *first, *second, *third;
	struct policy *add[] = { simple("b", "BLOCK", ORIGIN_API),
				 simple("a", "BLOCK", ORIGIN_FILE),
				 simple("c", "BLOCK", ORIGIN_API),
				 simple("b", "ALLOW", ORIGIN_API) };
	const char *const remove[] = { "z", "b", "a", "0", "a" };

	ck_assert_ptr_nonnull(empty);
	ck_assert_uint_eq(empty->count, 0);
	ck_assert_int_eq(policyset_index(empty, "a"), -1);
	first = edit(empty, NULL, 0, add, 3);
	ck_assert_str_eq(ids(first), "aB bB cB");
	/* One that is removed and put in is put in; of two with one id the later stays. */
	second = edit(first, remove, 5, (struct policy *[]){ add[0], add[3] }, 2);
	ck_assert_str_eq(ids(second), "bA cB");
	third = edit(second, (const char *[]){ "b", "c" }, 2, NULL, 0);
	ck_assert_str_eq(ids(third), "");
	ck_assert_ptr_null(third->policy);
	ck_assert_str_eq(ids(first), "aB bB cB");
	ck_assert_ptr_eq(first->policy[2], second->policy[1]);
	ck_assert_uint_eq(add[2]->references, 2); /* the sets share one */
	policyset_put(&first);
	ck_assert_uint_eq(add[2]->references, 2);
	policyset_put(&second);
	policyset_put(&third);
	for (size_t i = 0; i < ARRAY_SIZE(add); i++) {
		ck_assert_uint_eq(add[i]->references, 1);
		policy_put(&add[i]);
	}
}
END_TEST

START_TEST(policies_are_found)
{
	CLEANUP(policyset_put) struct policyset *empty = policyset_new();
	CLEANUP(policyset_put) struct policyset *set = NULL, *rest = NULL;
	struct policy *add[50];
	char id[16];

	for (size_t i = 0; i < ARRAY_SIZE(add); i++) {
		snprintf(id, sizeof(id), "p%02zu", i * 2);
		add[i] = simple(id, "BLOCK", i % 5 ? ORIGIN_API : ORIGIN_FILE);
	}
	set = edit(empty, NULL, 0, add, ARRAY_SIZE(add));
	for (size_t i = 0; i < ARRAY_SIZE(add); i++) {
		ck_assert_int_eq(policyset_index(set, add[i]->id), (ptrdiff_t)i);
		ck_assert_ptr_eq(policyset_find(set, add[i]->id), add[i]);
		snprintf(id, sizeof(id), "p%02zu", i * 2 + 1);
		ck_assert_ptr_null(policyset_find(set, id));
		policy_put(&add[i]);
	}
	ck_assert_uint_eq(set->of_origin[ORIGIN_FILE], 10);
	ck_assert_uint_eq(set->of_origin[ORIGIN_API], 40);
	ck_assert_int_eq(policyset_without(set, ORIGIN_API, &rest), 0);
	ck_assert_uint_eq(rest->count, 10);
	ck_assert_uint_eq(rest->of_origin[ORIGIN_FILE], 10);
}
END_TEST

START_TEST(the_order_agrees_with_policy_compare)
{
	static const char *const texts[] = {
		"{'id':'a','action':'ALLOW'}",
		"{'id':'b','action':'BLOCK'}",
		"{'id':'c','action':'BLOCK','src':{'ip':'10.0.0.0/8'}}",
		"{'id':'d','action':'BLOCK','src':{'ip':['10.0.0.0/16','::1']}}",
		"{'id':'e','action':'BLOCK','priority':1,'protocol':'icmpv6'}",
		"{'id':'f','action':'BLOCK','src':{'ip':'2001:db8::/32'}}",
	};
	static const char expected[PEP_FAMILIES][7] = { "dcbaef", "edfbac" };
	CLEANUP(policyset_put) struct policyset *empty = policyset_new(), *set = NULL;
	struct policy *add[ARRAY_SIZE(texts)];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		add[i] = policy_from(texts[i]);
	set = edit(empty, NULL, 0, add, ARRAY_SIZE(texts));
	for (int family = 0; family < PEP_FAMILIES; family++) {
		CLEANUP(cleanup_free) uint32_t *order = NULL;
		char said[ARRAY_SIZE(texts) + 1] = "";

		ck_assert_int_eq(policyset_order(set, family, &order), 0);
		for (size_t i = 0; i < set->count; i++)
			said[i] = set->policy[order[i]]->id[0];
		ck_assert_str_eq(said, expected[family]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		policy_put(&add[i]);
}
END_TEST

/* From a fixed sequence. */
static unsigned int draw(unsigned int below)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005 + 1442695040888963407;
	return (unsigned int)(state >> 33) % below;
}

/* One that differs from others in anything that the order looks at. */
static struct policy *random_policy(unsigned int number)
{
	static const char *const addresses[] = {
		"any",	"10.0.0.0/8",  "10.1.0.0/16",	   "10.1.1.1",
		"::/0", "2001:db8::1", "10.0.0.0-10.0.0.5"
	};
	static const char *const ports[] = { "'any'", "0", "'0-0'", "[1,2]", "'1-65535'", "65535" };
	static const char *const actions[] = { "ALLOW", "BLOCK", "LOG_ONLY" };
	const char *src = addresses[draw(7)], *dst = addresses[draw(7)];
	char text[300];

	/* Both of one family, or any. */
	if (strchr(src, ':') ? !strchr(dst, ':') : !!strchr(dst, ':'))
		dst = "any";
	snprintf(text, sizeof(text),
		 "{'id':'p%u','action':'%s','priority':%u,'src':{'ip':'%s','port':%s},"
		 "'dst':{'ip':'%s','port':%s},'protocol':'%s'}",
		 number, actions[draw(3)], draw(3) * 32767, src, ports[draw(6)], dst,
		 ports[draw(6)], draw(2) ? "tcp" : "any");
	return policy_from(text);
}

#define RANDOM_POLICIES 2000

START_TEST(many_random_policies_are_in_order)
{
	CLEANUP(policyset_put) struct policyset *empty = policyset_new(), *set = NULL;
	CLEANUP(cleanup_free) uint32_t *all = NULL;
	struct policy *add[RANDOM_POLICIES];

	for (unsigned int i = 0; i < RANDOM_POLICIES; i++)
		add[i] = random_policy(i);
	set = edit(empty, NULL, 0, add, RANDOM_POLICIES);
	for (int family = 0; family < PEP_FAMILIES; family++) {
		CLEANUP(cleanup_free) uint32_t *order = NULL;

		ck_assert_int_eq(policyset_order(set, family, &order), 0);
		for (size_t i = 1; i < set->count; i++) {
			const struct policy *a = set->policy[order[i - 1]];
			const struct policy *b = set->policy[order[i]];

			ck_assert_int_ge(policy_has_family(a, family),
					 policy_has_family(b, family));
			if (policy_has_family(a, family) == policy_has_family(b, family))
				ck_assert_int_lt(policy_compare(a, b, family), 0);
		}
	}
	ck_assert_int_eq(policyset_order_all(set, &all), 0);
	for (size_t i = 1; i < set->count; i++) {
		const struct policy *a = set->policy[all[i - 1]], *b = set->policy[all[i]];
		bool four = policy_has_family(a, PEP_IPV4);

		ck_assert_int_ge(four, policy_has_family(b, PEP_IPV4));
		if (four == policy_has_family(b, PEP_IPV4))
			ck_assert_int_lt(policy_compare(a, b, four ? PEP_IPV4 : PEP_IPV6), 0);
	}
	for (size_t i = 0; i < RANDOM_POLICIES; i++)
		policy_put(&add[i]);
}
END_TEST

START_TEST(an_empty_set_has_an_order)
{
	CLEANUP(policyset_put) struct policyset *empty = policyset_new();
	CLEANUP(policyset_put) struct policyset *other = policyset_get(empty);
	CLEANUP(cleanup_free) uint32_t *order = NULL;

	ck_assert_int_eq(policyset_order(other, PEP_IPV4, &order), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("policyset");

	tcase_add_test(tcase, sets_are_edited);
	tcase_add_test(tcase, what_was_taken_out_is_given_back);
	tcase_add_test(tcase, policies_are_found);
	tcase_add_test(tcase, the_order_agrees_with_policy_compare);
	tcase_add_test(tcase, many_random_policies_are_in_order);
	tcase_add_test(tcase, an_empty_set_has_an_order);
	return run_case("policyset", tcase);
}
