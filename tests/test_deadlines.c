/* SPDX-License-Identifier: Apache-2.0 */
/* The next end, against a look at all policies. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deadlines.h"
#include "expiry.h"
#include "policy_text.h"
#include "policyset.h"

#define IDS 200
#define STEPS 3000
#define SECOND_US 1000000

static struct policyset *set;
static struct deadlines deadlines;

/* From a fixed sequence. */
static unsigned int draw(unsigned int below)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005 + 1442695040888963407;
	return (unsigned int)(state >> 33) % below;
}

/* A new one of some id: without an end, with one by either clock, of the API or a file. */
static struct policy *random_policy(void)
{
	char text[100];
	struct policy *policy;

	snprintf(text, sizeof(text), "{'id':'p%u','action':'BLOCK'}", draw(IDS));
	policy = policy_from(text);
	policy->origin = draw(5) ? ORIGIN_API : ORIGIN_FILE;
	if (draw(3) == 0)
		policy->expires_at = (1 + draw(1000)) * SECOND_US;
	if (draw(3) == 0)
		policy->ttl_deadline_ns = (uint64_t)(1 + draw(1000)) * 1000000000;
	return policy;
}

static void change(void)
{
	struct policy *add[3];
	char ids[3][16];
	const char *gone[3];
	struct policyset_edit edit = { gone, draw(4), add, draw(4) };
	struct policyset *after = NULL;

	for (size_t i = 0; i < edit.remove_count; i++) {
		snprintf(ids[i], sizeof(ids[i]), "p%u", draw(IDS));
		gone[i] = ids[i];
	}
	for (size_t i = 0; i < edit.add_count; i++)
		add[i] = random_policy();
	ck_assert_int_eq(policyset_edit(set, &edit, &after), 0);
	for (size_t i = 0; i < edit.add_count; i++)
		policy_put(&add[i]);
	policyset_put(&set);
	set = after;
}

static void compare(const struct expiry_now *now)
{
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < set->count; i++) {
		const struct policy *policy = set->policy[i];
		int64_t left = expiry_left_us(policy, now);

		if (policy->origin != ORIGIN_API)
			continue;
		least = left < least ? left : least;
	}
	ck_assert_int_eq(deadlines_left_us(&deadlines, now), least);
}

START_TEST(random_changes_are_followed)
{
	set = policyset_new();
	for (int i = 0; i < STEPS; i++) {
		/* The clocks do not go together, and one goes back. */
		const struct expiry_now now = { .real_us = (int64_t)(draw(1100)) * SECOND_US,
						.boot_ns = (uint64_t)i * 333000000 };

		for (unsigned int changes = draw(3); changes; changes--)
			change();
		ck_assert_int_eq(deadlines_follow(&deadlines, set), 0);
		compare(&now);
	}
	/* What is gone is not kept for ever. */
	ck_assert_uint_lt(deadlines.real.count + deadlines.boot.count, 4 * IDS + 2048);
	deadlines_clear(&deadlines);
	policyset_put(&set);
}
END_TEST

START_TEST(another_set_is_looked_at_anew)
{
	const struct expiry_now now = { 0 };
	struct policy *policy = policy_from("{'id':'a','action':'BLOCK'}");
	struct policyset *none = policyset_new(), *one = NULL, *other = NULL;

	policy->origin = ORIGIN_API;
	policy->expires_at = 5;
	ck_assert_int_eq(policyset_add(none, &policy, 1, &one), 0);
	ck_assert_int_eq(policyset_without(none, ORIGIN_API, &other), 0);
	ck_assert_int_eq(deadlines_follow(&deadlines, one), 0);
	ck_assert_int_eq(deadlines_left_us(&deadlines, &now), 5);
	ck_assert_int_eq(deadlines_follow(&deadlines, other), 0);
	ck_assert_int_eq(deadlines_left_us(&deadlines, &now), INT64_MAX);
	ck_assert_int_eq(deadlines_follow(&deadlines, one), 0);
	ck_assert_int_eq(deadlines_left_us(&deadlines, &now), 5);
	deadlines_clear(&deadlines);
	policy_put(&policy);
	policyset_put(&none);
	policyset_put(&one);
	policyset_put(&other);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("deadlines");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, random_changes_are_followed);
	tcase_add_test(tcase, another_set_is_looked_at_anew);
	return run_case("deadlines", tcase);
}
