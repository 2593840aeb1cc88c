// SPDX-License-Identifier: Apache-2.0
/* A change that goes back unless it is confirmed: the order of steps, and what others do meanwhile. */
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "address_sets.h"
#include "change.h"
#include "commits.h"
#include "daemon.h"
#include "group.h"
#include "pending.h"
#include "policyset.h"
#include "settings.h"
#include "stubs.h"

static struct daemon under_test;

struct put {
	struct commit commit;
	struct policyset *set;
	int r; /* 1: not finished */
	char why[256];
};

static struct put first, second;

static int plan(struct commit *commit, struct group *group)
{
	struct policyset *set = ((struct put *)commit)->set;
	const struct change change = { .put = set->policy, .put_count = set->count };

	return change_plan(group, &change, &commit->result, &commit->problems);
}

static void finish(struct commit *commit, int error)
{
	struct put *put = (struct put *)commit;

	put->r = error;
	if (commit->problems.count)
		snprintf(put->why, sizeof(put->why), "%s", commit->problems.list[0].detail);
	problems_clear(&commit->problems);
}

static const struct commit_kind refused = { .plan = plan, .finish = finish };
static const struct commit_kind waits = {
	.plan = plan,
	.finish = finish,
	.while_pending = COMMIT_WAITS,
};

static void add(struct put *put, const struct commit_kind *kind, const char *json,
		uint32_t confirm_seconds)
{
	policyset_put(&put->set);
	*put = (struct put){ .commit.kind = kind, .set = set_of(json, false), .r = 1 };
	put->commit.confirm_seconds = confirm_seconds;
	stubs.calls[0] = '\0';
	commits_add(under_test.commits, &put->commit);
}

static int ended;

static void note_end(void *context, int error, const struct change_result *result,
		     const struct problems *problems)
{
	(void)context;
	(void)result;
	(void)problems;
	ended = error;
}

static int end(const char *id, bool confirm)
{
	ended = 1;
	stubs.calls[0] = '\0';
	pending_end(&under_test, id, confirm, note_end, NULL);
	ck_assert_int_ne(ended, 1);
	return ended;
}

static void setup(void)
{
	stubs_reset();
	under_test = (struct daemon){ .base = event_base_new() };
	ck_assert_int_eq(settings_default(&under_test.settings), 0);
	under_test.set = set_of("[]", true);
	under_test.sets = address_sets_new();
	ck_assert_int_eq(commits_open(&under_test, false, &under_test.commits), 0);
	add(&first, &refused, "[{\"id\":\"a\",\"action\":\"BLOCK\"}]", 60);
}

static void teardown(void)
{
	commits_close(&under_test.commits);
	pending_close(&under_test);
	policyset_put(&first.set);
	policyset_put(&second.set);
	policyset_put(&under_test.set);
	address_sets_put(&under_test.sets);
	settings_free(&under_test.settings);
	event_base_free(under_test.base);
	ck_assert_int_eq(stubs.open_changes, 0);
}

START_TEST(is_stored_beside_the_state)
{
	ck_assert_int_eq(first.r, 0);
	ck_assert_str_eq(stubs.calls, "prepare put_pending pend ");
	ck_assert_ptr_nonnull(under_test.pending);
	ck_assert_uint_eq(pending_seconds_left(under_test.pending), 60);
	ck_assert_uint_eq(under_test.set->count, 1);
	ck_assert_uint_eq(pending_before(&under_test)->count, 0);
}
END_TEST

START_TEST(others_are_refused_or_wait)
{
	add(&second, &refused, "[{\"id\":\"b\",\"action\":\"BLOCK\"}]", 0);
	ck_assert_int_eq(second.r, -EALREADY);
	ck_assert_ptr_nonnull(strstr(second.why, under_test.pending->id));
	ck_assert_str_eq(stubs.calls, "");
	add(&second, &waits, "[{\"id\":\"b\",\"action\":\"BLOCK\"}]", 0);
	ck_assert_int_eq(second.r, 1);
	ck_assert_str_eq(stubs.calls, "");
	ck_assert_int_eq(end(NULL, true), 0);
	ck_assert_int_eq(second.r, 0);
	ck_assert_uint_eq(under_test.set->count, 2);
}
END_TEST

START_TEST(what_waits_is_ended_with_the_daemon)
{
	add(&second, &waits, "[{\"id\":\"b\",\"action\":\"BLOCK\"}]", 0);
	commits_close(&under_test.commits);
	ck_assert_int_eq(second.r, -ECANCELED);
}
END_TEST

START_TEST(confirmed)
{
	ck_assert_int_eq(end("00000000", true), -ENOENT);
	ck_assert_int_eq(end(under_test.pending->id, true), 0);
	ck_assert_str_eq(stubs.calls, "append drop_pending confirm ");
	ck_assert_ptr_null(under_test.pending);
	ck_assert_uint_eq(under_test.set->count, 1);
	ck_assert_int_eq(end(NULL, true), -ENOENT);
}
END_TEST

START_TEST(confirmed_too_late)
{
	stubs.confirm_error = -ETIME;
	ck_assert_int_eq(end(NULL, true), -ETIME);
	ck_assert_str_eq(stubs.calls, "append drop_pending confirm take_back ");
	ck_assert_ptr_nonnull(under_test.pending);
	ck_assert_int_eq(end(NULL, false), 0);
	ck_assert_uint_eq(under_test.set->count, 0);
}
END_TEST

START_TEST(confirmation_cannot_be_stored)
{
	stubs.append_error = -ENOSPC;
	ck_assert_int_eq(end(NULL, true), -EIO);
	ck_assert_str_eq(stubs.calls, "append ");
	ck_assert_ptr_nonnull(under_test.pending);
}
END_TEST

START_TEST(taken_back)
{
	stubs.withdraw_error = -ENOMEM;
	ck_assert_int_eq(end("00000000", false), -ENOENT);
	ck_assert_uint_eq(pending_seconds_left(under_test.pending), 60);
	ck_assert_int_eq(end(NULL, false), -ENOMEM);
	ck_assert_uint_eq(pending_seconds_left(under_test.pending), 0);
	ck_assert_int_eq(end(NULL, true), -ETIME);
	stubs.withdraw_error = 0;
	stubs.calls[0] = '\0';
	while (under_test.pending)
		event_base_loop(under_test.base, EVLOOP_ONCE);
	ck_assert_str_eq(stubs.calls, "withdraw drop_pending return ");
	ck_assert_ptr_null(under_test.pending);
	ck_assert_uint_eq(under_test.set->count, 0);
}
END_TEST

START_TEST(goes_back_by_itself)
{
	ck_assert_int_eq(end(NULL, false), 0);
	add(&first, &refused, "[{\"id\":\"a\",\"action\":\"BLOCK\"}]", 1);
	while (under_test.pending)
		event_base_loop(under_test.base, EVLOOP_ONCE);
	ck_assert_str_eq(stubs.calls, "prepare put_pending pend withdraw drop_pending return ");
	ck_assert_uint_eq(under_test.set->count, 0);
}
END_TEST

START_TEST(fails_before_it_is_in_force)
{
	ck_assert_int_eq(end(NULL, false), 0);
	stubs.append_error = -ENOSPC;
	add(&second, &refused, "[{\"id\":\"b\",\"action\":\"BLOCK\"}]", 60);
	ck_assert_int_eq(second.r, -EIO);
	ck_assert_str_eq(stubs.calls, "prepare put_pending drop_pending abandon ");
	stubs.append_error = 0;
	stubs.promote_error = -ENOMEM;
	add(&second, &refused, "[{\"id\":\"b\",\"action\":\"BLOCK\"}]", 60);
	ck_assert_int_eq(second.r, -ENOMEM);
	ck_assert_str_eq(stubs.calls, "prepare put_pending drop_pending abandon ");
	ck_assert_ptr_null(under_test.pending);
}
END_TEST

START_TEST(nothing_or_not_in_earnest)
{
	ck_assert_int_eq(end(NULL, true), 0);
	add(&second, &refused, "[{\"id\":\"a\",\"action\":\"BLOCK\"}]", 60);
	ck_assert_int_eq(second.r, 0);
	ck_assert_ptr_null(under_test.pending);
	policyset_put(&second.set);
	second = (struct put){ .commit.kind = &refused, .set = set_of("[]", false), .r = 1 };
	second.commit.confirm_seconds = 60;
	second.commit.dry_run = true;
	commits_add(under_test.commits, &second.commit);
	ck_assert_int_eq(second.r, 0);
	ck_assert_ptr_null(under_test.pending);
}
END_TEST

/* A hook of egress that drops by default could not come or go with the kernel's clock. */
START_TEST(egress_that_blocks_by_default)
{
	ck_assert_int_eq(end(NULL, false), 0);
	under_test.settings->default_block = true;
	add(&second, &refused, "[{\"id\":\"b\",\"action\":\"ALLOW\",\"direction\":\"egress\"}]",
	    60);
	ck_assert_int_eq(second.r, -EINVAL);
	ck_assert_ptr_nonnull(strstr(second.why, "network.egress"));
	under_test.settings->egress = true;
	add(&second, &refused, "[{\"id\":\"b\",\"action\":\"ALLOW\",\"direction\":\"egress\"}]",
	    60);
	ck_assert_int_eq(second.r, 0);
	ck_assert_ptr_nonnull(under_test.pending);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pending");
	TCase *tests = tcase_create("pending");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, is_stored_beside_the_state);
	tcase_add_test(tests, others_are_refused_or_wait);
	tcase_add_test(tests, what_waits_is_ended_with_the_daemon);
	tcase_add_test(tests, confirmed);
	tcase_add_test(tests, confirmed_too_late);
	tcase_add_test(tests, confirmation_cannot_be_stored);
	tcase_add_test(tests, taken_back);
	tcase_add_test(tests, goes_back_by_itself);
	tcase_add_test(tests, fails_before_it_is_in_force);
	tcase_add_test(tests, nothing_or_not_in_earnest);
	tcase_add_test(tests, egress_that_blocks_by_default);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
