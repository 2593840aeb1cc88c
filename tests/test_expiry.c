/* SPDX-License-Identifier: Apache-2.0 */
/* Policies of the API are removed after their end, those of files stay. */
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address_set.h"
#include "address_sets.h"
#include "commits.h"
#include "daemon.h"
#include "expiry.h"
#include "policyset.h"
#include "set_text.h"
#include "settings.h"
#include "stubs.h"

static struct daemon under_test;

/* Ends this long after now. */
static void end_in(const char *id, int64_t us)
{
	struct policy *policy = policyset_find(under_test.set, id);
	struct expiry_now now;

	expiry_read_clocks(&now);
	policy->expires_at = now.real_us + us;
	under_test.set->expiring++; /* which it was not when the set was made */
}

static void ttl_in(const char *id, int64_t us)
{
	struct policy *policy = policyset_find(under_test.set, id);
	struct expiry_now now;

	expiry_read_clocks(&now);
	policy->ttl_deadline_ns = (uint64_t)((int64_t)now.boot_ns + us * 1000);
	under_test.set->expiring++;
}

static void setup(void)
{
	struct policyset *files = set_of("[{\"id\":\"file\",\"action\":\"BLOCK\"}]", true);
	struct policyset *api = set_of("[{\"id\":\"a\",\"action\":\"BLOCK\"},"
				       "{\"id\":\"b\",\"action\":\"BLOCK\"},"
				       "{\"id\":\"c\",\"action\":\"BLOCK\"}]",
				       false);

	stubs_reset();
	under_test = (struct daemon){ 0 };
	ck_assert_int_eq(settings_default(&under_test.settings), 0);
	ck_assert_int_eq(policyset_add(files, api->policy, api->count, &under_test.set), 0);
	policyset_put(&files);
	policyset_put(&api);
	under_test.base = event_base_new();
	ck_assert_int_eq(commits_open(&under_test, false, &under_test.commits), 0);
}

static void teardown(void)
{
	commits_close(&under_test.commits);
	expiry_close(&under_test.expiry);
	event_base_free(under_test.base);
	policyset_put(&under_test.set);
	address_sets_put(&under_test.sets);
	settings_free(&under_test.settings);
}

/* Turns the loop until there are @count policies, or for that long. */
static void turn_until(size_t count, int ms)
{
	const struct timeval most = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	struct expiry_now now;
	int64_t end_us;

	expiry_read_clocks(&now);
	end_us = (int64_t)(now.boot_ns / 1000) + ms * 1000;
	while (under_test.set->count != count && (int64_t)(now.boot_ns / 1000) < end_us) {
		event_base_loopexit(under_test.base, &most);
		event_base_loop(under_test.base, EVLOOP_ONCE);
		expiry_read_clocks(&now);
	}
}

START_TEST(time_that_is_left)
{
	const struct expiry_now now = { .real_us = 1000000, .boot_ns = 5000000 };
	struct policy policy = { 0 };

	ck_assert_int_eq(expiry_left_us(&policy, &now), INT64_MAX);
	policy.expires_at = 1500000;
	ck_assert_int_eq(expiry_left_us(&policy, &now), 500000);
	/* What was given as a duration ends by the clock that nobody sets. */
	policy.ttl_deadline_ns = 4000000;
	ck_assert_int_eq(expiry_left_us(&policy, &now), -1000);
}
END_TEST

START_TEST(expired_ones_are_removed_as_a_change)
{
	end_in("a", -1000);
	ttl_in("b", 50000);
	end_in("c", 3600000000);
	end_in("file", -1000);
	ck_assert_int_eq(expiry_open(&under_test, &under_test.expiry), 0);
	turn_until(3, 500);
	ck_assert_ptr_null(policyset_find(under_test.set, "a"));
	ck_assert_str_eq(stubs.calls, "prepare append commit ");
	/* The next removal waits a while, so that many deadlines cost little. */
	turn_until(2, 3000);
	ck_assert_ptr_null(policyset_find(under_test.set, "b"));
	ck_assert_ptr_nonnull(policyset_find(under_test.set, "c"));
	ck_assert_ptr_nonnull(policyset_find(under_test.set, "file"));
	ck_assert_str_eq(stubs.calls, "prepare append commit prepare append commit ");
}
END_TEST

START_TEST(those_that_end_together_go_together)
{
	end_in("a", 20000);
	end_in("b", -20000);
	end_in("c", -10000);
	ck_assert_int_eq(expiry_open(&under_test, &under_test.expiry), 0);
	turn_until(2, 500);
	ck_assert_uint_eq(stubs.appended_removed, 2);
	ck_assert_uint_eq(under_test.set->count, 2);
}
END_TEST

START_TEST(a_failed_removal_is_tried_again_later)
{
	stubs.append_error = -EIO;
	end_in("a", -1000);
	ck_assert_int_eq(expiry_open(&under_test, &under_test.expiry), 0);
	turn_until(3, 200);
	ck_assert_uint_eq(under_test.set->count, 4);
	/* Once, and not in a loop. */
	ck_assert_str_eq(stubs.calls, "prepare append abandon ");
}
END_TEST

START_TEST(entries_of_sets_end)
{
	struct address_set *set = set_from("ends", "10.0.0.1_ttl=5 10.0.0.2"), *idle;

	set->list[PEP_IPV4].entry[0].expires_at = 1;
	set->next_expiry = 1;
	under_test.sets = sets_with(address_sets_new(), set);
	under_test.sets = sets_with(under_test.sets, set_from("idle", "10.0.0.1"));
	idle = address_sets_find(under_test.sets, "idle");
	ck_assert_int_eq(expiry_open(&under_test, &under_test.expiry), 0);
	turn_until(0, 100);
	ck_assert_str_eq(stubs.calls, "prepare commit ");
	ck_assert_str_eq(set_text(address_sets_find(under_test.sets, "ends")), "10.0.0.2 ");
	ck_assert_ptr_eq(address_sets_find(under_test.sets, "idle"), idle);
}
END_TEST

START_TEST(a_new_set_is_followed)
{
	struct policyset *after;
	struct policyset *added = set_of("[{\"id\":\"d\",\"action\":\"BLOCK\"}]", false);

	ck_assert_int_eq(expiry_open(&under_test, &under_test.expiry), 0);
	ck_assert_int_eq(policyset_add(under_test.set, added->policy, 1, &after), 0);
	policyset_put(&added);
	policyset_put(&under_test.set);
	under_test.set = after;
	end_in("d", 30000);
	expiry_follow_set(under_test.expiry);
	turn_until(4, 1000);
	ck_assert_ptr_null(policyset_find(under_test.set, "d"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("expiry");
	TCase *tests = tcase_create("expiry");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, time_that_is_left);
	tcase_add_test(tests, expired_ones_are_removed_as_a_change);
	tcase_add_test(tests, those_that_end_together_go_together);
	tcase_add_test(tests, a_failed_removal_is_tried_again_later);
	tcase_add_test(tests, entries_of_sets_end);
	tcase_add_test(tests, a_new_set_is_followed);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
