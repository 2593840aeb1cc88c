/* SPDX-License-Identifier: Apache-2.0 */
/* A change of a set is compiled, durable and in force, in this order, or nothing of it. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address_set.h"
#include "address_sets.h"
#include "cleanup.h"
#include "commits.h"
#include "daemon.h"
#include "daemon_sets.h"
#include "group.h"
#include "policyset.h"
#include "problem.h"
#include "set_text.h"
#include "settings.h"
#include "stubs.h"

static struct daemon under_test;
static struct problems problems;
static struct change_result result;

static void setup(void)
{
	struct address_set *file = set_from("file", "10.0.0.1");

	stubs_reset();
	under_test = (struct daemon){ 0 };
	ck_assert_int_eq(commits_open(&under_test, false, &under_test.commits), 0);
	ck_assert_int_eq(settings_default(&under_test.settings), 0);
	under_test.set =
		set_of("[{\"id\":\"p\",\"action\":\"BLOCK\",\"src\":{\"ip\":\"@used\"}}]", true);
	file->origin = ORIGIN_FILE;
	under_test.sets = sets_with(address_sets_new(), file);
	under_test.sets = sets_with(under_test.sets, set_from("used", "10.0.0.1"));
	under_test.sets = sets_with(under_test.sets, set_from("idle", "10.0.0.1"));
}

static void teardown(void)
{
	commits_close(&under_test.commits);
	policyset_put(&under_test.set);
	address_sets_put(&under_test.sets);
	settings_free(&under_test.settings);
	problems_clear(&problems);
}

/* A change on its way. */
struct wanted {
	struct commit commit;
	struct set_change change;
	int r;
};

static int plan(struct commit *commit, struct group *group)
{
	const struct set_change *change = &((struct wanted *)commit)->change;

	return set_change_plan(group, change, &commit->result, &commit->problems);
}

static int store(struct commit *commit, struct group *group)
{
	(void)group;
	return set_change_store(&under_test, &((struct wanted *)commit)->change, under_test.sets,
				&commit->problems);
}

static void unstore(struct commit *commit)
{
	set_change_unstore(&under_test, &((struct wanted *)commit)->change, under_test.sets);
}

static void finish(struct commit *commit, int error)
{
	((struct wanted *)commit)->r = error;
	if (!error)
		result = commit->result;
	problems_move(&commit->problems, &problems);
}

/* NULL deletes it. */
static int change(const char *name, const char *text, bool dry_run)
{
	static const struct commit_kind kind = {
		.plan = plan,
		.store = store,
		.unstore = unstore,
		.finish = finish,
	};
	CLEANUP(address_set_put) struct address_set *set = text ? set_from(name, text) : NULL;
	struct wanted wanted = {
		.commit = { .kind = &kind, .alone = true, .dry_run = dry_run },
		.change = { .name = name, .put = set },
		.r = 1,
	};

	problems_clear(&problems);
	stubs.calls[0] = '\0';
	result = (struct change_result){ 0 };
	commits_add(under_test.commits, &wanted.commit);
	return wanted.r;
}

START_TEST(what_cannot_be_put_in_force_is_not_stored)
{
	stubs.promote_error = -ENOMEM;
	ck_assert_int_eq(change("new", "10.0.0.2", false), -ENOMEM);
	ck_assert_str_eq(stubs.calls, "prepare put_set delete_set abandon ");
	ck_assert_int_eq(change("idle", "10.0.0.2", false), -ENOMEM);
	ck_assert_str_eq(stubs.calls, "prepare put_set put_set abandon ");
	ck_assert_int_eq(change("idle", NULL, false), -ENOMEM);
	ck_assert_str_eq(stubs.calls, "prepare delete_set put_set abandon ");
}
END_TEST

START_TEST(steps_are_in_order)
{
	ck_assert_int_eq(change("new", "10.0.0.2", false), 0);
	ck_assert_str_eq(stubs.calls, "prepare put_set commit ");
	ck_assert_uint_eq(result.created, 1);
	ck_assert_ptr_eq(stubs.sets, under_test.sets);
	ck_assert_int_eq(address_sets_find(under_test.sets, "new")->origin, ORIGIN_API);
	ck_assert_int_gt(address_sets_find(under_test.sets, "new")->updated_at, 0);
	ck_assert_int_eq(change("new", "10.0.0.3", false), 0);
	ck_assert_uint_eq(result.updated, 1);
	ck_assert_int_eq(change("new", NULL, false), 0);
	ck_assert_str_eq(stubs.calls, "prepare delete_set commit ");
	ck_assert_uint_eq(result.deleted, 1);
	ck_assert_ptr_null(address_sets_find(under_test.sets, "new"));
}
END_TEST

START_TEST(nothing_to_change_does_nothing)
{
	const struct address_sets *before = under_test.sets;

	ck_assert_int_eq(change("idle", "10.0.0.1", false), 0);
	ck_assert(!result.changed);
	ck_assert_uint_eq(result.unchanged, 1);
	ck_assert_str_eq(stubs.calls, "");
	ck_assert_ptr_eq(under_test.sets, before);
}
END_TEST

START_TEST(a_dry_run_compiles_only)
{
	const struct address_sets *before = under_test.sets;

	ck_assert_int_eq(change("idle", "10.0.0.2", true), 0);
	ck_assert(result.changed);
	ck_assert_str_eq(stubs.calls, "prepare abandon ");
	ck_assert_ptr_eq(under_test.sets, before);
}
END_TEST

START_TEST(what_cannot_be_done_changes_nothing)
{
	struct address_sets *before = under_test.sets;

	stubs.append_error = -ENOSPC;
	ck_assert_int_eq(change("idle", "10.0.0.2", false), -EIO);
	ck_assert_str_eq(stubs.calls, "prepare put_set abandon ");
	stubs.append_error = 0;
	stubs.prepare_error = -ENOSPC;
	ck_assert_int_eq(change("idle", "10.0.0.2", false), -ENOSPC);
	stubs.prepare_error = 0;
	under_test.settings->block_all = true;
	ck_assert_int_eq(change("idle", "10.0.0.2", false), -EAGAIN);
	ck_assert_ptr_eq(under_test.sets, before);
}
END_TEST

START_TEST(what_others_have_is_not_touched)
{
	ck_assert_int_eq(change("file", "10.0.0.2", false), -EPERM);
	ck_assert_ptr_nonnull(strstr(problems.list[0].detail, "origin file"));
	ck_assert_int_eq(change("file", NULL, false), -EPERM);
	ck_assert_int_eq(change("used", NULL, false), -EPERM);
	ck_assert_ptr_nonnull(strstr(problems.list[0].detail, "\"p\""));
	ck_assert_str_eq(stubs.calls, "");
}
END_TEST

START_TEST(a_wide_entry_is_warned_of)
{
	static const struct {
		const char *text;
		size_t warnings;
	} cases[] = { { "10.0.0.0/8 2001:db8::/32", 0 },
		      { "10.0.0.0-11.0.0.0", 1 },
		      { "2000::/3", 1 },
		      { "0.0.0.0/0", 1 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_int_eq(change("wide", cases[i].text, true), 0);
		ck_assert_uint_eq(problems.count, cases[i].warnings);
	}
}
END_TEST

START_TEST(files_and_api_come_together)
{
	CLEANUP(address_sets_put) struct address_sets *api = NULL, *files = NULL, *merged = NULL;

	api = sets_with(address_sets_new(), set_from("used", "10.0.0.1"));
	files = sets_with(address_sets_new(), set_from("feed", "10.0.0.1"));
	ck_assert_int_eq(daemon_merge_sets(files, api, under_test.set, &merged, &problems), 0);
	ck_assert_uint_eq(merged->count, 2);
	address_sets_put(&merged);
	ck_assert_int_eq(daemon_merge_sets(files, NULL, under_test.set, &merged, &problems),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(problems.list[0].detail, "\"@used\", which does not exist"));
	problems_clear(&problems);
	ck_assert_int_eq(daemon_merge_sets(api, api, under_test.set, &merged, &problems), -EINVAL);
	ck_assert_ptr_nonnull(strstr(problems.list[0].detail, "origin api"));
}
END_TEST

START_TEST(a_file_that_says_the_same_is_the_same_set)
{
	struct address_sets *files = sets_with(address_sets_new(), set_from("file", "10.0.0.1"));

	files = sets_with(files, set_from("idle", "10.0.0.1"));
	ck_assert_int_eq(daemon_keep_known_sets(under_test.sets, &files), 0);
	ck_assert_ptr_eq(address_sets_find(files, "file"),
			 address_sets_find(under_test.sets, "file"));
	/* That one came by API. */
	ck_assert_ptr_ne(address_sets_find(files, "idle"),
			 address_sets_find(under_test.sets, "idle"));
	ck_assert(daemon_sets_differ(files, under_test.sets));
	ck_assert(!daemon_sets_differ(files, files));
	ck_assert(!daemon_sets_differ(NULL, NULL));
	address_sets_put(&files);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("set_change");
	Suite *suite = suite_create("set_change");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, steps_are_in_order);
	tcase_add_test(tcase, nothing_to_change_does_nothing);
	tcase_add_test(tcase, a_dry_run_compiles_only);
	tcase_add_test(tcase, what_cannot_be_done_changes_nothing);
	tcase_add_test(tcase, what_others_have_is_not_touched);
	tcase_add_test(tcase, a_wide_entry_is_warned_of);
	tcase_add_test(tcase, what_cannot_be_put_in_force_is_not_stored);
	tcase_add_test(tcase, files_and_api_come_together);
	tcase_add_test(tcase, a_file_that_says_the_same_is_the_same_set);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
