/* SPDX-License-Identifier: Apache-2.0 */
/* A change is compiled, durable and in force, in this order, or nothing of it. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "commits.h"
#include "daemon.h"
#include "daemon_state.h"
#include "group.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"
#include "stubs.h"

static struct daemon under_test;
static struct problems problems;
static struct change_result result;

static void setup(void)
{
	stubs_reset();
	under_test = (struct daemon){ 0 };
	ck_assert_int_eq(settings_default(&under_test.settings), 0);
	ck_assert_int_eq(commits_open(&under_test, false, &under_test.commits), 0);
	under_test.set = set_of("[{\"id\":\"file\",\"action\":\"BLOCK\"},"
				"{\"id\":\"file2\",\"action\":\"BLOCK\"}]",
				true);
}

static void teardown(void)
{
	commits_close(&under_test.commits);
	policyset_put(&under_test.set);
	settings_free(&under_test.settings);
	free(under_test.degraded);
	problems_clear(&problems);
}

/* A change on its way. */
struct wanted {
	struct commit commit;
	struct change change;
	struct policyset *set;
	int r;
};

static int plan(struct commit *commit, struct group *group)
{
	struct wanted *wanted = (struct wanted *)commit;

	return change_plan(group, &wanted->change, &commit->result, &commit->problems);
}

static void finish(struct commit *commit, int error)
{
	struct wanted *wanted = (struct wanted *)commit;

	wanted->r = error;
	if (!error)
		result = commit->result;
	problems_move(&commit->problems, &problems);
	policyset_put(&wanted->set);
}

static const struct commit_kind kind = { .plan = plan, .finish = finish };

static void prepare(struct wanted *wanted, const char *json, struct change change)
{
	wanted->set = set_of(json, false);
	wanted->change = change;
	wanted->change.put = wanted->set->policy;
	wanted->change.put_count = wanted->set->count;
	wanted->commit.kind = &kind;
	wanted->r = 1;
}

static void forget(void)
{
	problems_clear(&problems);
	stubs.calls[0] = '\0';
	result = (struct change_result){ 0 };
}

static int carry_out(const char *json, struct change change, bool dry_run)
{
	struct wanted wanted = { .commit.dry_run = dry_run };

	forget();
	prepare(&wanted, json, change);
	commits_add(under_test.commits, &wanted.commit);
	return wanted.r;
}

/* Puts the policies of a JSON array, after removing some ids or all. */
static int put_with(const char *json, struct change change)
{
	return carry_out(json, change, false);
}

static int put(const char *json)
{
	return put_with(json, (struct change){ 0 });
}

static int delete (const char *id)
{
	return put_with("[]", (struct change){ .remove = &id, .remove_count = 1 });
}

#define A "{\"id\":\"a\",\"action\":\"BLOCK\",\"dst\":{\"port\":23}}"
#define A_OTHER "{\"id\":\"a\",\"action\":\"ALLOW\",\"dst\":{\"port\":23}}"
#define B "{\"id\":\"b\",\"action\":\"ALLOW\"}"
#define C "{\"id\":\"c\",\"action\":\"ALLOW\"}"

START_TEST(steps_are_in_order)
{
	ck_assert_int_eq(put("[" A "," B "]"), 0);
	ck_assert_str_eq(stubs.calls, "prepare append commit ");
	ck_assert(result.changed);
	ck_assert_uint_eq(result.created, 2);
	ck_assert_uint_eq(result.policy_count, 4);
	ck_assert_uint_eq(result.others, 2);
	ck_assert_uint_eq(result.generation, 2);
	ck_assert_uint_eq(stubs.appended_put, 2);
	ck_assert_ptr_nonnull(policyset_find(under_test.set, "a"));
	ck_assert_int_eq(policyset_find(under_test.set, "a")->origin, ORIGIN_API);
}
END_TEST

START_TEST(nothing_to_change_keeps_the_generation)
{
	const struct policyset *before;

	ck_assert_int_eq(put("[" A "]"), 0);
	before = under_test.set;
	ck_assert_int_eq(put("[" A "]"), 0);
	ck_assert(!result.changed);
	ck_assert_uint_eq(result.unchanged, 1);
	ck_assert_uint_eq(result.generation, 2);
	ck_assert_str_eq(stubs.calls, "");
	ck_assert_ptr_eq(under_test.set, before);
	ck_assert_int_eq(delete ("nobody"), 0);
	ck_assert(!result.changed);
	ck_assert_str_eq(stubs.calls, "");
}
END_TEST

START_TEST(only_what_differs_is_stored)
{
	ck_assert_int_eq(put("[" A "," B "]"), 0);
	ck_assert_int_eq(put("[" A_OTHER "," B "," C "]"), 0);
	ck_assert_uint_eq(result.updated, 1);
	ck_assert_uint_eq(result.created, 1);
	ck_assert_uint_eq(result.unchanged, 1);
	ck_assert_uint_eq(stubs.appended_put, 2);
	ck_assert_uint_eq(stubs.appended_removed, 0);
}
END_TEST

START_TEST(times_follow_the_policy)
{
	int64_t created, updated;

	ck_assert_int_eq(put("[" A "," B "]"), 0);
	created = policyset_find(under_test.set, "a")->created_at;
	updated = policyset_find(under_test.set, "b")->updated_at;
	ck_assert_int_gt(created, 0);
	ck_assert_int_eq(put("[" A_OTHER "," B "]"), 0);
	ck_assert_int_eq(policyset_find(under_test.set, "a")->created_at, created);
	ck_assert_int_gt(policyset_find(under_test.set, "a")->updated_at, created);
	ck_assert_int_eq(policyset_find(under_test.set, "b")->updated_at, updated);
}
END_TEST

START_TEST(replace_all_leaves_other_origins)
{
	ck_assert_int_eq(put("[" A "," B "]"), 0);
	ck_assert_int_eq(put_with("[" B "," C "]", (struct change){ .replace_all = true }), 0);
	ck_assert_uint_eq(result.created, 1);
	ck_assert_uint_eq(result.unchanged, 1);
	ck_assert_uint_eq(result.deleted, 1);
	ck_assert_uint_eq(result.policy_count, 4);
	ck_assert_uint_eq(stubs.appended_removed, 1);
	ck_assert_ptr_null(policyset_find(under_test.set, "a"));
	ck_assert_ptr_nonnull(policyset_find(under_test.set, "file"));
}
END_TEST

START_TEST(an_id_named_twice_is_deleted_once)
{
	const char *const ids[] = { "a", "a", "b" };

	ck_assert_int_eq(put("[" A "," B "]"), 0);
	/* What is put and removed at once is put. */
	ck_assert_int_eq(put_with("[" B "]", (struct change){ .remove = ids, .remove_count = 3 }),
			 0);
	ck_assert_uint_eq(result.deleted, 1);
	ck_assert_ptr_nonnull(policyset_find(under_test.set, "b"));
}
END_TEST

START_TEST(other_origins_are_refused_by_name)
{
	const struct policyset *before = under_test.set;

	ck_assert_int_eq(put("[" A ",{\"id\":\"file\",\"action\":\"ALLOW\"},"
			     "{\"id\":\"file2\",\"action\":\"ALLOW\"}]"),
			 -EPERM);
	ck_assert_uint_eq(problems.errors, 2);
	ck_assert_ptr_nonnull(strstr(problems.list[0].detail, "\"file\""));
	ck_assert_ptr_nonnull(strstr(problems.list[0].detail, "pepctl reload"));
	ck_assert_int_eq(delete ("file"), -EPERM);
	ck_assert_str_eq(stubs.calls, "");
	ck_assert_ptr_eq(under_test.set, before);
}
END_TEST

START_TEST(ids_of_failsafe_policies_are_taken)
{
	char json[256];

	ck_assert_uint_gt(under_test.settings->failsafe->count, 0);
	snprintf(json, sizeof(json), "[{\"id\":\"%s\",\"action\":\"ALLOW\"}]",
		 under_test.settings->failsafe->policy[0]->id);
	ck_assert_int_eq(put(json), -EPERM);
	ck_assert_ptr_nonnull(strstr(problems.list[0].detail, "failsafe"));
}
END_TEST

START_TEST(capacity_counts_all_origins)
{
	under_test.settings->capacity = 3;
	ck_assert_int_eq(put("[" A "," B "]"), -ENOSPC);
	ck_assert_ptr_nonnull(
		strstr(problems.list[0].detail, "4 policies (2 from files, 2 by API)"));
	ck_assert_str_eq(stubs.calls, "");
	ck_assert_int_eq(put("[" A "]"), 0);
	ck_assert_int_eq(put("[" A_OTHER "]"), 0);
}
END_TEST

/* Whatever fails: same set, same generation, nothing left open. */
static void assert_failed(int r, int expected, const char *calls)
{
	ck_assert_int_eq(r, expected);
	ck_assert_str_eq(stubs.calls, calls);
	ck_assert_int_eq(stubs.open_changes, 0);
	ck_assert_uint_eq(stubs.generation, 1);
	ck_assert_uint_eq(under_test.set->count, 2);
	ck_assert_uint_ge(problems.errors, 1);
	ck_assert_uint_eq(result.generation, 0);
}

START_TEST(failed_compilation_changes_nothing)
{
	stubs.prepare_error = -ENOSPC;
	assert_failed(put("[" A "]"), -ENOSPC, "prepare ");
	ck_assert_str_eq(problems.list[0].detail, "too many rules");
	stubs.prepare_error = -ENOMEM;
	assert_failed(put("[" A "]"), -ENOMEM, "prepare ");
}
END_TEST

START_TEST(failed_storing_changes_nothing)
{
	/* A full disk is not the lack of capacity that -ENOSPC stands for. */
	stubs.append_error = -ENOSPC;
	assert_failed(put("[" A "]"), -EIO, "prepare append abandon ");
	ck_assert_ptr_nonnull(strstr(problems.list[0].detail, "No space left"));
	stubs.append_error = 0;
	ck_assert_int_eq(put("[" A "]"), 0);
}
END_TEST

START_TEST(dry_run_only_counts)
{
	ck_assert_int_eq(carry_out("[" A "]", (struct change){ 0 }, true), 0);
	ck_assert(result.changed);
	ck_assert_uint_eq(result.created, 1);
	ck_assert_uint_eq(result.policy_count, 3);
	ck_assert_uint_eq(result.generation, 1);
	ck_assert_str_eq(stubs.calls, "prepare abandon ");
	ck_assert_uint_eq(under_test.set->count, 2);
	stubs.prepare_error = -ENOSPC;
	ck_assert_int_eq(carry_out("[" A "]", (struct change){ 0 }, true), -ENOSPC);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("change");
	TCase *tests = tcase_create("change");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, steps_are_in_order);
	tcase_add_test(tests, nothing_to_change_keeps_the_generation);
	tcase_add_test(tests, only_what_differs_is_stored);
	tcase_add_test(tests, times_follow_the_policy);
	tcase_add_test(tests, replace_all_leaves_other_origins);
	tcase_add_test(tests, an_id_named_twice_is_deleted_once);
	tcase_add_test(tests, other_origins_are_refused_by_name);
	tcase_add_test(tests, ids_of_failsafe_policies_are_taken);
	tcase_add_test(tests, capacity_counts_all_origins);
	tcase_add_test(tests, failed_compilation_changes_nothing);
	tcase_add_test(tests, failed_storing_changes_nothing);
	tcase_add_test(tests, dry_run_only_counts);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
