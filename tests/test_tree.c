// SPDX-License-Identifier: Apache-2.0
/*
 * What trees may cost: bytes and comparisons of sets made to be hard, and that
 * lookups in them find what a search of the list does.
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "image.h"
#include "image_records.h"
#include "image_walk.h"
#include "policy_text.h"
#include "rule_sets.h"
#include "rules.h"

#define HEADERS 600
#define DEAD 10 /* one slot of so many */
#define WORST 300 /* comparisons: about 2 us */
#define PATHOLOGICAL (6 * sizeof(struct pep_rule4)) /* bytes a rule */

struct bound {
	const char *name;
	double bytes; /* a rule */
	uint32_t worst; /* comparisons while all policies are in force */
};

static const struct bound bounds[] = {
	{ "ports_1k", PATHOLOGICAL, WORST },
	{ "ports_10k", PATHOLOGICAL, WORST },
	{ "port_10k", PATHOLOGICAL, WORST },
	{ "nested_33x33", PATHOLOGICAL, UINT32_MAX }, /* it is reported instead */
	{ "wide_1k", PATHOLOGICAL, WORST },
	{ "cross_10k", 60, 30 },
	{ "blocked_10k", 70, 16 },
	{ "blocked6_100k", 110, 24 },
	{ "set_100k", 50, 24 },
};

static uint32_t open_bits(uint32_t prefix, unsigned int bits)
{
	uint32_t open = bits >= 32 ? 0 : ~0U >> bits;

	return (prefix & ~open) | ((rule_sets_draw(65536) << 16 | rule_sets_draw(65536)) & open);
}

static uint32_t port_in(uint16_t low, uint16_t high)
{
	return low + rule_sets_draw(high - low + 1U);
}

/* A random point of a random rule, or beside it. */
static struct pep_key draw_key(const struct rule_list *list, bool ipv6)
{
	const struct rule *rule = &list->rule[rule_sets_draw((uint32_t)list->count)];
	uint32_t ip = rule->flags & PEP_RULE_PROTOCOL ? rule->protocol : 17;
	struct pep_key key = { .word[PEP_KEY_PROTOCOL] = ip | PEP_PROTOCOL_PORTS };

	for (unsigned int i = 0; i < (ipv6 ? 4 : 1); i++) {
		unsigned int above = 32 * i;

		key.word[PEP_KEY_SRC + i] = open_bits(
			rule->src[i], rule->src_bits > above ? rule->src_bits - above : 0);
		key.word[PEP_KEY_DST + i] = open_bits(
			rule->dst[i], rule->dst_bits > above ? rule->dst_bits - above : 0);
	}
	key.word[PEP_KEY_PORTS] = port_in(rule->sport_low, rule->sport_high) << 16 |
				  port_in(rule->dport_low, rule->dport_high);
	if (ipv6)
		key.word[PEP_KEY_PROTOCOL] |= PEP_PROTOCOL_IPV6;
	if (!rule_sets_draw(4))
		key.word[rule_sets_draw(2) ? PEP_KEY_SRC : PEP_KEY_DST] ^= 1U << rule_sets_draw(32);
	if (!rule_sets_draw(8))
		key.word[PEP_KEY_PORTS] = rule_sets_draw(65536) << 16;
	return key;
}

static void compare(const struct image *image, const struct rule_list *list, bool ipv6)
{
	const struct pep_forest *forest = &image->data->forest[PEP_RULES_POLICY][ipv6][PEP_INGRESS];

	for (uint32_t i = 0; i < HEADERS; i++) {
		const struct pep_key key = draw_key(list, ipv6);
		uint32_t dead = i % 2 ? DEAD : 0;
		struct walk walk = image_walk(image->data, forest, &key, dead);

		ck_assert_uint_eq(walk.rank, rule_sets_search(list, &key, dead));
		ck_assert_uint_le(walk.compares, dead ? image->worst_compares : image->worst_live);
	}
}

START_TEST(hard_sets_keep_within_bounds)
{
	const struct bound *bound = &bounds[_i];
	const struct rule_list *list;
	struct rules rules;
	struct image image, again;
	uint32_t slots[IMAGE_COSTLIEST];
	bool ipv6;

	ck_assert(rule_sets_make(bound->name, &rules));
	list = rule_sets_list(&rules, &ipv6);
	ck_assert_int_eq(image_build(&rules, 0, &image), 0);
	ck_assert_double_le((double)(image.bytes - sizeof(struct pep_image)) / (double)list->count,
			    bound->bytes);
	ck_assert_uint_le(image.worst_live, bound->worst);
	ck_assert_uint_ge(image_costliest(&image, slots), 1);
	compare(&image, list, ipv6);
	ck_assert_int_eq(image_build(&rules, 0, &again), 0);
	ck_assert_uint_eq(again.bytes, image.bytes);
	ck_assert_mem_eq(again.data, image.data, image.bytes);
	image_clear(&image);
	image_clear(&again);
	rules_clear(&rules);
}
END_TEST

START_TEST(every_effort_finds_the_same)
{
	static const enum image_effort efforts[] = { IMAGE_FIRST, IMAGE_BEST };
	struct image_options options = { .effort = efforts[_i] };
	const struct rule_list *list;
	struct rules rules;
	struct image image;
	bool ipv6;

	ck_assert(rule_sets_make("wide_1k", &rules));
	list = rule_sets_list(&rules, &ipv6);
	ck_assert_int_eq(image_build_with(&rules, &options, &image), 0);
	compare(&image, list, ipv6);
	image_clear(&image);
	options.bytes_most = list->count * sizeof(struct pep_rule4);
	ck_assert_int_eq(image_build_with(&rules, &options, &image), -EFBIG);
	options.bytes_most = list->count * sizeof(struct pep_rule4) * 3 / 2;
	ck_assert_int_eq(image_build_with(&rules, &options, &image), 0);
	ck_assert_uint_le(image.bytes, options.bytes_most);
	compare(&image, list, ipv6);
	image_clear(&image);
	rules_clear(&rules);
}
END_TEST

/* It is built with the room that there is, and not as if there were none. */
START_TEST(a_set_that_hardly_fits_is_cut_nevertheless)
{
	struct image_options options = { .effort = IMAGE_FIRST };
	const struct rule_list *list;
	struct rules rules;
	struct image image;
	bool ipv6;

	ck_assert(rule_sets_make("wide_10k", &rules));
	list = rule_sets_list(&rules, &ipv6);
	options.bytes_most = 60 * list->count;
	ck_assert_int_eq(image_build_with(&rules, &options, &image), 0);
	ck_assert_uint_le(image.bytes, options.bytes_most);
	ck_assert_double_lt(image.expected_compares, 100);
	image_clear(&image);
	rules_clear(&rules);
}
END_TEST

/* All but every third rule are of the policy whose last one hides the others. */
START_TEST(a_policy_hides_its_own_rules_only)
{
	struct rules rules;
	struct rule_list *list;
	struct image image;

	ck_assert(rule_sets_make("ports_1k", &rules));
	list = &rules.list[PEP_RULES_POLICY][PEP_IPV4][PEP_INGRESS];
	list->count = 300;
	for (size_t i = 0; i < list->count; i++) {
		struct rule *rule = &list->rule[i];

		rule->slot = rule->rank = i < 200 ? 7 : (uint32_t)i;
		rule->sport_low = rule->dport_low = 0;
		rule->sport_high = rule->dport_high = i % 200 == 199 ? 0xffff : 99;
	}
	ck_assert_int_eq(image_build(&rules, 0, &image), 0);
	ck_assert_uint_lt(image.bytes - sizeof(struct pep_image), 150 * sizeof(struct pep_rule4));
	ck_assert_uint_ge(image.worst_compares, 101);
	image_clear(&image);
	rules_clear(&rules);
}
END_TEST

static void *set_true(void *argument)
{
	__atomic_store_n((bool *)argument, true, __ATOMIC_RELAXED);
	return NULL;
}

START_TEST(a_build_can_be_cancelled)
{
	bool cancelled = false;
	const struct image_options options = { .effort = IMAGE_BEST, .cancelled = &cancelled };
	struct image plain, image;
	struct rules rules;
	pthread_t thread;

	ck_assert(rule_sets_make("cross_10k", &rules));
	ck_assert_int_eq(image_build_with(&rules, &options, &image), 0);
	ck_assert_int_eq(image_build(&rules, 0, &plain), 0);
	ck_assert_uint_eq(image.bytes, plain.bytes);
	ck_assert_mem_eq(image.data, plain.data, plain.bytes);
	image_clear(&plain);
	image_clear(&image);
	ck_assert_int_eq(pthread_create(&thread, NULL, set_true, &cancelled), 0);
	while (!image_build_with(&rules, &options,
				 &image)) /* it need not be in time for the first */
		image_clear(&image);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(image_build_with(&rules, &options, &image), -ECANCELED);
	rules_clear(&rules);
}
END_TEST

START_TEST(the_costliest_policy_is_named)
{
	uint32_t slots[IMAGE_COSTLIEST];
	struct rules rules;
	struct rule_list *list;
	struct image image;

	ck_assert(rule_sets_make("ports_1k", &rules));
	list = &rules.list[PEP_RULES_POLICY][PEP_IPV4][PEP_INGRESS];
	for (size_t i = 0; i < list->count; i++) {
		struct rule *rule = &list->rule[i];

		rule->sport_low = rule->dport_low = 80;
		rule->sport_high = rule->dport_high = 80;
		rule->flags |= PEP_RULE_EXTRA; /* so that none covers another */
		rule->extra.fields = PEP_EXTRA_INTERFACE;
		rule->extra.interface = (uint16_t)i;
		if (i >= 100 && i < 140)
			rule->slot = 5000;
		if (i >= 200 && i < 230)
			rule->slot = 6000;
	}
	ck_assert_int_eq(image_build(&rules, 0, &image), 0);
	ck_assert_uint_eq(image.worst_live, list->count);
	ck_assert_uint_eq(image_costliest(&image, slots), IMAGE_COSTLIEST);
	ck_assert_uint_eq(slots[0], 5000);
	ck_assert_uint_eq(slots[1], 6000);
	image_clear(&image);
	rules_clear(&rules);
}
END_TEST

/* Every other rule, in order. */
static struct rules half_of(const struct rule_list *list, bool ipv6, size_t first)
{
	struct rules half = { 0 };
	struct rule_list *to = &half.list[PEP_RULES_POLICY][ipv6][PEP_INGRESS];

	to->rule = calloc(list->count, sizeof(*to->rule));
	ck_assert_ptr_nonnull(to->rule);
	for (size_t i = first; i < list->count; i += 2)
		to->rule[to->count++] = list->rule[i];
	half.count = to->count;
	return half;
}

static void compare_both(const struct image *below, const struct rules *newer,
			 const struct rule_list *list, bool ipv6)
{
	const struct image_options options = { .flags = PEP_IMAGE_DEFAULT_BLOCK, .onto = below };
	struct image image;

	ck_assert_int_eq(image_build_with(newer, &options, &image), 0);
	ck_assert_int_eq(image_verify(image.data, image.bytes), 0);
	ck_assert_uint_eq(image.data->flags, options.flags);
	ck_assert_uint_ge(image.bytes, below->bytes);
	compare(&image, list, ipv6);
	image_clear(&image);
}

START_TEST(an_image_on_another_says_what_both_say)
{
	static const char *const names[] = { "ports_1k", "wide_1k", "cross_10k", "blocked6_100k" };
	struct rules rules, older, newer;
	const struct rule_list *list;
	struct image_records records;
	struct image below;
	bool ipv6;

	ck_assert(rule_sets_make(names[_i], &rules));
	list = rule_sets_list(&rules, &ipv6);
	older = half_of(list, ipv6, 0);
	newer = half_of(list, ipv6, 1);
	ck_assert_int_eq(image_build_with(&older, &(struct image_options){ .effort = IMAGE_FIRST },
					  &below),
			 0);
	compare_both(&below, &newer, list, ipv6);

	ck_assert_int_eq(image_records_make(&below, &records), 0);
	ck_assert_uint_ge(records.count, older.count);
	for (size_t i = 0; i < list->count; i += 2)
		image_records_hide(&records, list->rule[i].slot, &below);
	compare_both(&below, &newer, &newer.list[PEP_RULES_POLICY][ipv6][PEP_INGRESS], ipv6);
	image_records_clear(&records);
	image_clear(&below);
	rules_clear(&rules);
	rules_clear(&older);
	rules_clear(&newer);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("tree");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, hard_sets_keep_within_bounds, 0, ARRAY_SIZE(bounds));
	tcase_add_loop_test(tcase, an_image_on_another_says_what_both_say, 0, 4);
	tcase_add_loop_test(tcase, every_effort_finds_the_same, 0, 2);
	tcase_add_test(tcase, a_set_that_hardly_fits_is_cut_nevertheless);
	tcase_add_test(tcase, a_policy_hides_its_own_rules_only);
	tcase_add_test(tcase, a_build_can_be_cancelled);
	tcase_add_test(tcase, the_costliest_policy_is_named);
	return run_case("tree", tcase);
}
