/* SPDX-License-Identifier: Apache-2.0 */
/* Changes that come while others are under way go together; each has its own answer. */
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "commits.h"
#include "daemon.h"
#include "group.h"
#include "policyset.h"
#include "settings.h"
#include "stubs.h"

#define PUTS_MOST 8

static struct daemon under_test;
static sem_t gate; /* the thread waits here */
static unsigned int finished;
static char order[256]; /* ids of what is finished, a space behind each */

struct put {
	struct commit commit;
	const char *id;
	const char *remove; /* NULL: the policy is put */
	unsigned int count; /* policies: ID, ID-1 ... */
	struct policyset *set;
	int r;
	struct change_result result;
};

static struct put all_puts[PUTS_MOST];
static size_t put_count;

static int plan(struct commit *commit, struct group *group)
{
	struct put *put = (struct put *)commit;
	const char *ids[] = { put->remove };
	const struct change change = {
		.put = put->set ? put->set->policy : NULL,
		.put_count = put->set ? put->set->count : 0,
		.remove = ids,
		.remove_count = put->remove ? 1 : 0,
	};

	return change_plan(group, &change, &commit->result, &commit->problems);
}

static void finish(struct commit *commit, int error)
{
	struct put *put = (struct put *)commit;

	put->r = error;
	put->result = commit->result;
	strcat(order, put->id);
	strcat(order, " ");
	problems_clear(&commit->problems);
	finished++;
}

static const struct commit_kind kind = { .plan = plan, .finish = finish };

static int wait_at_gate(struct commit *commit, struct group *group)
{
	(void)commit;
	(void)group;
	while (sem_wait(&gate))
		;
	return 0;
}

static const struct commit_kind gate_kind = { .plan = wait_at_gate, .finish = finish };

static struct put *new_put(const char *id)
{
	struct put *put = &all_puts[put_count++];

	ck_assert_uint_le(put_count, PUTS_MOST);
	*put = (struct put){ .commit.kind = &kind, .id = id, .r = 1 };
	return put;
}

/* What comes behind it waits for open_gate(). */
static void close_gate(void)
{
	struct put *put = new_put("gate");

	put->commit.kind = &gate_kind;
	put->commit.alone = true;
	commits_add(under_test.commits, &put->commit);
}

static struct put *add_many(const char *id, unsigned int count)
{
	struct put *put = new_put(id);
	char *json = malloc((size_t)count * 64 + 64), *at = json;

	ck_assert_ptr_nonnull(json);
	at += sprintf(at, "[{\"id\":\"%s\",\"action\":\"BLOCK\"}", id);
	for (unsigned int i = 1; i < count; i++)
		at += sprintf(at, ",{\"id\":\"%s-%u\",\"action\":\"BLOCK\"}", id, i);
	strcpy(at, "]");
	put->set = set_of(json, false);
	free(json);
	commits_add(under_test.commits, &put->commit);
	return put;
}

static struct put *add(const char *id)
{
	return add_many(id, 1);
}

static struct put *add_removal(const char *id)
{
	struct put *put = new_put("removal");

	put->remove = id;
	commits_add(under_test.commits, &put->commit);
	return put;
}

static void open_gate(void)
{
	sem_post(&gate);
	while (finished < put_count)
		event_base_loop(under_test.base, EVLOOP_ONCE);
}

static void setup(void)
{
	stubs_reset();
	under_test = (struct daemon){ .base = event_base_new() };
	ck_assert_int_eq(settings_default(&under_test.settings), 0);
	under_test.set = set_of("[{\"id\":\"file\",\"action\":\"BLOCK\"}]", true);
	put_count = finished = 0;
	*order = '\0';
	sem_init(&gate, 0, 0);
	ck_assert_int_eq(commits_open(&under_test, true, &under_test.commits), 0);
}

static void teardown(void)
{
	commits_close(&under_test.commits);
	for (size_t i = 0; i < put_count; i++)
		policyset_put(&all_puts[i].set);
	policyset_put(&under_test.set);
	settings_free(&under_test.settings);
	event_base_free(under_test.base);
	sem_destroy(&gate);
}

START_TEST(what_comes_meanwhile_goes_together)
{
	struct put *a, *b, *c;

	close_gate();
	a = add("a");
	b = add("b");
	c = add("c");
	open_gate();
	ck_assert_str_eq(stubs.calls, "prepare append commit ");
	ck_assert_uint_eq(stubs.appended_put, 3);
	ck_assert_uint_eq(under_test.set->count, 4);
	ck_assert_str_eq(order, "gate a b c ");
	/* As if one had come after the other. */
	ck_assert_uint_eq(a->result.generation, 2);
	ck_assert_uint_eq(b->result.generation, 3);
	ck_assert_uint_eq(c->result.generation, 4);
	ck_assert_uint_eq(a->result.policy_count, 2);
	ck_assert_uint_eq(c->result.policy_count, 4);
	ck_assert_int_eq(a->r | b->r | c->r, 0);
}
END_TEST

START_TEST(one_that_is_refused_leaves_the_others)
{
	struct put *a, *file, *c;

	close_gate();
	a = add("a");
	file = add("file");
	c = add("c");
	open_gate();
	ck_assert_int_eq(file->r, -EPERM);
	ck_assert_int_eq(a->r | c->r, 0);
	ck_assert_uint_eq(stubs.appended_put, 2);
	ck_assert_uint_eq(c->result.generation, 3);
	ck_assert_uint_eq(under_test.set->count, 3);
}
END_TEST

START_TEST(a_group_that_fails_goes_one_by_one)
{
	struct put *a, *b, *c, *last;

	stubs.prepare_most = 3;
	close_gate();
	a = add("a");
	b = add("b");
	c = add("c");
	open_gate();
	ck_assert_int_eq(a->r | b->r, 0);
	ck_assert_int_eq(c->r, -ENOSPC);
	ck_assert_str_eq(stubs.calls,
			 "prepare prepare append commit prepare append commit prepare ");
	ck_assert_uint_eq(b->result.generation, 3);
	ck_assert_uint_eq(under_test.set->count, 3);
	stubs.prepare_most = 0;
	last = add("d");
	open_gate();
	ck_assert_int_eq(last->r, 0);
}
END_TEST

START_TEST(each_sees_what_the_ones_before_it_did)
{
	struct put *again, *removal;

	close_gate();
	add("a");
	again = add("a");
	removal = add_removal("a");
	add_removal("a");
	open_gate();
	ck_assert_uint_eq(again->result.unchanged, 1);
	ck_assert_uint_eq(removal->result.deleted, 1);
	ck_assert_uint_eq(all_puts[put_count - 1].result.deleted, 0);
	ck_assert_uint_eq(under_test.set->count, 1);
	/* What came and went is in no journal. */
	ck_assert_str_eq(stubs.calls, "prepare commit ");
}
END_TEST

START_TEST(a_policy_can_be_replaced_and_removed_in_a_group)
{
	add("a");
	open_gate();
	close_gate();
	add_removal("a");
	add("a");
	add("b");
	add_removal("a");
	open_gate();
	ck_assert_uint_eq(stubs.appended_put, 1);
	ck_assert_uint_eq(stubs.appended_removed, 1);
	ck_assert_ptr_null(policyset_find(under_test.set, "a"));
	ck_assert_ptr_nonnull(policyset_find(under_test.set, "b"));
}
END_TEST

START_TEST(a_dry_run_goes_alone)
{
	struct put *dry;

	close_gate();
	add("a");
	dry = new_put("dry");
	dry->commit.dry_run = true;
	dry->set = set_of("[{\"id\":\"x\",\"action\":\"BLOCK\"}]", false);
	commits_add(under_test.commits, &dry->commit);
	add("b");
	open_gate();
	ck_assert_str_eq(stubs.calls,
			 "prepare append commit prepare abandon prepare append commit ");
	ck_assert_uint_eq(dry->result.created, 1);
	ck_assert_uint_eq(dry->result.generation, 2);
	ck_assert_ptr_null(policyset_find(under_test.set, "x"));
}
END_TEST

START_TEST(a_full_group_goes_without_the_rest)
{
	struct put *last;

	close_gate();
	add_many("many", 1500);
	last = add("z");
	open_gate();
	ck_assert_str_eq(stubs.calls, "prepare append commit prepare append commit ");
	ck_assert_int_eq(last->r, 0);
	ck_assert_uint_eq(under_test.set->count, 1502);
}
END_TEST

START_TEST(what_cannot_be_put_in_force_is_not_stored)
{
	struct put *a;

	stubs.promote_error = -ENOMEM;
	a = add("a");
	open_gate();
	ck_assert_int_eq(a->r, -ENOMEM);
	ck_assert_str_eq(stubs.calls, "prepare append take_back abandon ");
	ck_assert_int_eq(stubs.open_changes, 0);
	ck_assert_uint_eq(under_test.set->count, 1);
}
END_TEST

START_TEST(closing_ends_what_is_under_way_and_fails_the_rest)
{
	struct put *a, *b;

	close_gate();
	a = add("a");
	b = add("b");
	sem_post(&gate);
	commits_close(&under_test.commits);
	ck_assert_uint_eq(finished, put_count);
	ck_assert_int_eq(a->r, -ECANCELED);
	ck_assert_int_eq(b->r, -ECANCELED);
	ck_assert_int_eq(stubs.open_changes, 0);
	ck_assert_uint_eq(under_test.set->count, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("commits");
	TCase *tests = tcase_create("commits");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, what_comes_meanwhile_goes_together);
	tcase_add_test(tests, one_that_is_refused_leaves_the_others);
	tcase_add_test(tests, a_group_that_fails_goes_one_by_one);
	tcase_add_test(tests, each_sees_what_the_ones_before_it_did);
	tcase_add_test(tests, a_policy_can_be_replaced_and_removed_in_a_group);
	tcase_add_test(tests, a_dry_run_goes_alone);
	tcase_add_test(tests, a_full_group_goes_without_the_rest);
	tcase_add_test(tests, what_cannot_be_put_in_force_is_not_stored);
	tcase_add_test(tests, closing_ends_what_is_under_way_and_fails_the_rest);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
