// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "datapath_base.h"
#include "datapath_layers.h"
#include "image_walk.h"
#include "policy_text.h"
#include "policyset.h"
#include "rules.h"

static struct policyset *set;
static struct datapath_base base;
static struct base_difference difference;

/* Three that tie but for action and id: evaluated as n (BLOCK), m (ALLOW), o (ALLOW). */
static const char *const texts[] = { "{'id':'m','action':'ALLOW'}", "{'id':'n','action':'BLOCK'}",
				     "{'id':'o','action':'ALLOW'}" };
static const uint32_t slots[] = { 7, 8, 9, 10, 11 };

static void put(const char *text)
{
	struct policy *policy = policy_from(text);
	struct policyset *next;

	ck_assert_int_eq(policyset_add(set, &policy, 1, &next), 0);
	policyset_put(&set);
	policy_put(&policy);
	set = next;
}

static void drop(const char *id)
{
	const struct policyset_edit edit = { .remove = &id, .remove_count = 1 };
	struct policyset *next;

	ck_assert_int_eq(policyset_edit(set, &edit, &next), 0);
	policyset_put(&set);
	set = next;
}

static void setup(void)
{
	set = policyset_new();
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		put(texts[i]);
	ck_assert_int_eq(
		datapath_base_make(&(struct datapath_policies){ .set = set, .slot = slots }, &base),
		0);
	ck_assert_int_eq(datapath_base_rank(&base), 0);
}

static void teardown(void)
{
	base_difference_clear(&difference);
	datapath_base_clear(&base);
	policyset_put(&set);
}

static int compare_with(const uint32_t *slot, size_t most)
{
	const struct datapath_policies wanted = { .set = set, .slot = slot };

	base_difference_clear(&difference);
	return base_difference_make(&base, &wanted, most, &difference);
}

static void compare(void)
{
	ck_assert_int_eq(compare_with(slots, 10), 0);
}

START_TEST(what_is_the_same_needs_nothing)
{
	compare();
	ck_assert_uint_eq(difference.overlay->count, 0);
	ck_assert_uint_eq(difference.successors, 0);
	drop("n");
	ck_assert_int_eq(compare_with((uint32_t[]){ 7, 9 }, 10), 0);
	ck_assert_uint_eq(difference.overlay->count, 0);
	ck_assert_uint_eq(difference.dead, 1);
}
END_TEST

START_TEST(another_effect_keeps_the_rules)
{
	put("{'id':'m','action':'ALLOW','log':true}");
	put("{'id':'o','action':'ALLOW','enabled':false}");
	compare();
	ck_assert_uint_eq(difference.overlay->count, 0);
	ck_assert_uint_eq(difference.successors, 2);
	ck_assert_uint_eq(difference.successor[0].index, 0);
	ck_assert_uint_eq(difference.successor[1].slot, 9);
}
END_TEST

START_TEST(another_match_goes_into_the_overlay)
{
	put("{'id':'m','action':'ALLOW','protocol':'tcp'}");
	compare();
	ck_assert_uint_eq(difference.overlay->count, 1);
	ck_assert_uint_eq(difference.slot[0], 7);
	put("{'id':'m','action':'ALLOW','priority':5}");
	compare();
	ck_assert_uint_eq(difference.overlay->count, 1);
	put(texts[0]); /* as it was, but an object of its own */
	compare();
	ck_assert_uint_eq(difference.overlay->count, 0);
	ck_assert_uint_eq(difference.successors, 1);
}
END_TEST

/* As ALLOW n would come between m and o, and its rank is before both. */
START_TEST(another_action_may_not_jump_the_order)
{
	put("{'id':'n','action':'ALLOW'}");
	compare();
	ck_assert_uint_eq(difference.overlay->count, 1);
	ck_assert_str_eq(difference.overlay->policy[0]->id, "n");
	/* m may become BLOCK: n as it was is before it either way; but not if n changes, too. */
	put(texts[1]);
	put("{'id':'m','action':'LOG_ONLY'}");
	compare();
	ck_assert_uint_eq(difference.overlay->count, 0);
	put("{'id':'n','action':'ALLOW'}");
	compare();
	ck_assert_uint_eq(difference.overlay->count, 2);
}
END_TEST

START_TEST(an_id_with_another_slot_is_another_policy)
{
	ck_assert_int_eq(compare_with((uint32_t[]){ 7, 20, 9 }, 10), 0);
	ck_assert_uint_eq(difference.overlay->count, 1);
	ck_assert_uint_eq(difference.slot[0], 20);
}
END_TEST

START_TEST(too_many_are_refused)
{
	put("{'id':'x','action':'ALLOW'}");
	put("{'id':'y','action':'ALLOW'}");
	ck_assert_int_eq(compare_with(slots, 1), -E2BIG);
	ck_assert_ptr_null(difference.overlay);
}
END_TEST

/* Ranks of all that is in force ascend in the order in which policies are evaluated. */
static int rank_overlay(const struct ranked *older, struct ranking *ret)
{
	const struct overlay_part part = { difference.overlay, PEP_IPV4, older };

	return base_difference_rank(&base, &difference, &part, ret);
}

START_TEST(ranks_are_between_those_of_the_base)
{
	struct ranking ranking = { 0 };
	const uint32_t *rank = base.ranking[PEP_IPV4].rank;

	put("{'id':'a','action':'BLOCK'}"); /* before n */
	put("{'id':'n2','action':'BLOCK'}"); /* between n and m */
	put("{'id':'n1','action':'BLOCK'}");
	put("{'id':'z','action':'ALLOW','priority':60000}"); /* last */
	put("{'id':'six','action':'BLOCK','src':{'ip':'2001:db8::1'}}");
	ck_assert_int_eq(compare_with((uint32_t[]){ 1, 7, 8, 2, 3, 9, 4, 5 }, 10), 0);
	ck_assert_int_eq(rank_overlay(NULL, &ranking), 0);
	ck_assert_uint_eq(ranking.count, 4); /* not "six" */
	ck_assert_uint_gt(ranking.rank[0], 0);
	ck_assert_uint_lt(ranking.rank[0], rank[0]);
	ck_assert_uint_gt(ranking.rank[1], rank[0]);
	ck_assert_str_eq(difference.overlay->policy[ranking.index[1]]->id, "n1");
	ck_assert_uint_gt(ranking.rank[2], ranking.rank[1]);
	ck_assert_uint_lt(ranking.rank[2], rank[1]);
	ck_assert_uint_gt(ranking.rank[3], rank[2]);
	ranking_clear(&ranking);
}
END_TEST

static struct policyset *older_set;
static struct ranking older_ranking;

static const struct policy *older_at(void *context, size_t position)
{
	ck_assert_ptr_null(context);
	return older_set->policy[older_ranking.index[position]];
}

START_TEST(ranks_are_between_those_of_the_older_ones_too)
{
	const struct ranked older = { .policy = older_at,
				      .ranking = &older_ranking,
				      .family = PEP_IPV4 };
	const char *const ids[] = { "n0", "n2", "n4" };
	const uint32_t *rank = base.ranking[PEP_IPV4].rank;
	struct ranking ranking = { 0 };

	put("{'id':'n1','action':'BLOCK'}");
	put("{'id':'n3','action':'BLOCK'}");
	ck_assert_int_eq(compare_with((uint32_t[]){ 7, 8, 1, 2, 9 }, 10), 0);
	older_set = policyset_get(difference.overlay);
	ck_assert_int_eq(rank_overlay(NULL, &older_ranking), 0);
	drop("n1");
	drop("n3");
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		char text[40];

		snprintf(text, sizeof(text), "{'id':'%s','action':'BLOCK'}", ids[i]);
		put(text);
	}
	ck_assert_int_eq(compare_with((uint32_t[]){ 7, 8, 3, 4, 5, 9 }, 10), 0);
	ck_assert_int_eq(rank_overlay(&older, &ranking), 0);
	ck_assert_uint_eq(ranking.count, 3);
	ck_assert_uint_gt(ranking.rank[0], rank[0]);
	ck_assert_uint_lt(ranking.rank[0], older_ranking.rank[0]);
	ck_assert_uint_gt(ranking.rank[1], older_ranking.rank[0]);
	ck_assert_uint_lt(ranking.rank[1], older_ranking.rank[1]);
	ck_assert_uint_gt(ranking.rank[2], older_ranking.rank[1]);
	ck_assert_uint_lt(ranking.rank[2], rank[1]);
	ranking_clear(&ranking);
	ranking_clear(&older_ranking);
	policyset_put(&older_set);
}
END_TEST

START_TEST(another_action_is_another_order)
{
	put("{'id':'o','action':'ALLOW','log':true}");
	compare();
	ck_assert_uint_eq(difference.successors, 1);
	ck_assert(!base_difference_reorders(&base, &difference));
	put("{'id':'o','action':'ALLOW'}");
	put("{'id':'n','action':'LOG_ONLY'}");
	compare();
	ck_assert_uint_eq(difference.successors, 2);
	ck_assert(base_difference_reorders(&base, &difference));
}
END_TEST

/* An older layer would have the order of then. */
START_TEST(what_was_ranked_in_another_order_is_ranked_anew)
{
	const struct rules_names names = { .max = 100 };
	const struct pep_key key = { .word[PEP_KEY_PROTOCOL] = 17 | PEP_PROTOCOL_PORTS };
	struct layer layer = { .base = &base, .older_least = 1 };
	struct older_layer older = { 0 };
	const char *const actions[] = { "LOG_ONLY", "ALLOW" };

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		struct image image = { 0 };
		char text[40];

		snprintf(text, sizeof(text), "{'id':'m','action':'%s'}", actions[i]);
		put(text);
		if (i == 0)
			put("{'id':'x','action':'LOG_ONLY'}");
		compare();
		ck_assert_uint_eq(difference.overlay->count, 1);
		layer.difference = difference;
		ck_assert_int_eq(layer_compile(&layer, &names, &older, &image), 0);
		if (i == 1)
			ck_assert_uint_lt(image_walk(image.data,
						     &image.data->forest[PEP_RULES_POLICY][PEP_IPV4]
									[PEP_INGRESS],
						     &key, 0)
						  .rank,
					  base.ranking[PEP_IPV4].rank[1]);
		image_clear(&image);
	}
	older_layer_clear(&older);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("datapath_base");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_is_the_same_needs_nothing);
	tcase_add_test(tcase, another_effect_keeps_the_rules);
	tcase_add_test(tcase, another_match_goes_into_the_overlay);
	tcase_add_test(tcase, another_action_may_not_jump_the_order);
	tcase_add_test(tcase, an_id_with_another_slot_is_another_policy);
	tcase_add_test(tcase, too_many_are_refused);
	tcase_add_test(tcase, ranks_are_between_those_of_the_base);
	tcase_add_test(tcase, ranks_are_between_those_of_the_older_ones_too);
	tcase_add_test(tcase, another_action_is_another_order);
	tcase_add_test(tcase, what_was_ranked_in_another_order_is_ranked_anew);
	return run_case("datapath_base", tcase);
}
