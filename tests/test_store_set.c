// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "address_set.h"
#include "address_sets.h"
#include "cleanup.h"
#include "faulty_io.h"
#include "problem.h"
#include "set_text.h"
#include "store_fixture.h"
#include "store_state.h"

static void set_up(void)
{
	fixture_make();
	fault_none();
}

static void tear_down(void)
{
	fixture_remove(fixture_base);
}

static struct store *open_store(void)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(policyset_put) struct policyset *set = NULL;
	struct store *store = NULL;

	ck_assert_int_eq(store_open_io(&faulty, fixture_directory, &store, &set, &problems), 0);
	return store;
}

/* "a=10.0.0.1 ;b=;" of what is stored. */
static void stored(char text[TEXT_MAX], size_t *ret_errors)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(store_close) struct store *store = open_store();
	CLEANUP(address_sets_put) struct address_sets *sets = NULL;
	size_t length = 0;

	ck_assert_int_eq(store_load_sets(store, &sets, &problems), 0);
	text[0] = '\0';
	for (size_t i = 0; i < sets->count; i++) {
		ck_assert_int_eq(sets->set[i]->origin, ORIGIN_API);
		length += (size_t)snprintf(text + length, TEXT_MAX - length, "%s=%s;",
					   sets->set[i]->name, set_text(sets->set[i]));
	}
	*ret_errors = problems.errors;
}

static void assert_stored(const char *expected)
{
	char text[TEXT_MAX];
	size_t errors;

	stored(text, &errors);
	ck_assert_str_eq(text, expected);
	ck_assert_uint_eq(errors, 0);
}

static int put(const struct store *store, const char *name, const char *text, const char *before)
{
	CLEANUP(address_set_put) struct address_set *set = set_from(name, text);
	CLEANUP(address_set_put)
	struct address_set *old = before ? set_from(name, before) : NULL;

	set->created_at = 5;
	set->updated_at = 6;
	return store_put_set(store, set, old);
}

START_TEST(sets_come_back)
{
	CLEANUP(store_close) struct store *store = open_store();
	CLEANUP(address_set_put) struct address_set *b = set_from("b", "");
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(address_sets_put) struct address_sets *sets = NULL;

	store_close(&store);
	assert_stored("");
	store = open_store();
	ck_assert_int_eq(put(store, "a", "10.0.0.1 fe80::/10 10.0.0.2_expires=2099-01-01T00:00:00Z",
			     NULL),
			 0);
	ck_assert_int_eq(put(store, "a.tmp", "10.0.0.9", NULL), 0);
	ck_assert_int_eq(put(store, "b", "10.0.0.2", NULL), 0);
	ck_assert_int_eq(put(store, "c", "10.0.0.3", NULL), 0);
	ck_assert_int_eq(put(store, "c", "10.0.0.4", "10.0.0.3"), 0);
	ck_assert_int_eq(store_delete_set(store, b), 0);
	ck_assert_int_eq(store_load_sets(store, &sets, &problems), 0);
	ck_assert_int_eq(sets->set[0]->created_at, 5);
	ck_assert_int_eq(sets->set[0]->updated_at, 6);
	store_close(&store);
	assert_stored("a=10.0.0.1 10.0.0.2 expires=2099-01-01T00:00:00Z fe80::/10 ;"
		      "a.tmp=10.0.0.9 ;c=10.0.0.4 ;");
}
END_TEST

static const struct {
	const char *text;
	size_t flip; /* index of a byte to be changed, from the end; 0: none */
} damages[] = {
	{ NULL, 40 },
	{ "", 0 },
	{ "{}", 0 },
	{ "{\"format\":1,\"crc\":\"00000000\"}", 0 },
};

START_TEST(what_is_damaged_is_kept_aside_and_empty)
{
	CLEANUP(store_close) struct store *store = open_store();
	char content[FILE_MAX], text[TEXT_MAX];
	size_t size, errors;

	ck_assert_int_eq(put(store, "a", "10.0.0.1", NULL), 0);
	ck_assert_int_eq(put(store, "b", "10.0.0.2", NULL), 0);
	store_close(&store);
	size = fixture_read(STORE_SETS "/a.set", content);
	if (damages[_i].text)
		size = (size_t)snprintf(content, sizeof(content), "%s", damages[_i].text);
	else
		content[size - damages[_i].flip] ^= 1;
	fixture_write(STORE_SETS "/a.set", content, size);
	stored(text, &errors);
	ck_assert_str_eq(text, "a=;b=10.0.0.2 ;");
	ck_assert_uint_eq(errors, 1);
	ck_assert(fixture_exists(STORE_SETS "/a.set.bad-1"));
	assert_stored("a=;b=10.0.0.2 ;");
}
END_TEST

START_TEST(a_newer_format_is_refused_and_stays)
{
	static const char newer[] = "{\"format\":99,\"crc\":\"00000000\"}\n";
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(store_close) struct store *store = open_store();
	CLEANUP(address_sets_put) struct address_sets *sets = NULL;

	ck_assert_int_eq(put(store, "a", "10.0.0.1", NULL), 0);
	fixture_write(STORE_SETS "/a.set", newer, strlen(newer));
	ck_assert_int_eq(store_load_sets(store, &sets, &problems), -EPROTO);
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert(!fixture_exists(STORE_SETS "/a.set.bad-1"));
}
END_TEST

/* ---- faults */

/* A series of changes, and what is stored after each. */
static const char *const states[] = {
	"a=10.0.0.1 ;",
	"a=10.0.0.2 ;",
	"a=10.0.0.2 ;b=10.0.0.3 ;",
	"b=10.0.0.3 ;",
};

static int change(const struct store *store, size_t number)
{
	CLEANUP(address_set_put) struct address_set *a = set_from("a", "10.0.0.2");

	if (number == 0)
		return put(store, "a", "10.0.0.2", "10.0.0.1");
	if (number == 1)
		return put(store, "b", "10.0.0.3", NULL);
	return store_delete_set(store, a);
}

/* The calls from @step on go wrong, opening aside. Returns how far it came; says so to @report. */
static size_t run_series(struct fault plan, int report)
{
	CLEANUP(store_close) struct store *store = open_store();
	size_t done = 0;

	fault = plan;
	while (done + 1 < ARRAY_SIZE(states) && change(store, done) == 0) {
		done++;
		if (report >= 0 && write(report, "x", 1) != 1)
			_exit(4);
	}
	return done;
}

static void make_start(void)
{
	CLEANUP(store_close) struct store *store = NULL;

	fixture_remove(fixture_directory);
	fault_none();
	store = open_store();
	ck_assert_int_eq(put(store, "a", "10.0.0.1", NULL), 0);
}

static int count_steps(void)
{
	make_start();
	ck_assert_uint_eq(run_series((struct fault){ 0 }, -1), 3);
	return fault.steps;
}

/* What was done last, or if @perhaps what would have been next. */
static void check_result(size_t done, bool perhaps, int step)
{
	char text[TEXT_MAX];
	size_t errors;

	fault_none();
	stored(text, &errors);
	ck_assert_msg(!strcmp(text, states[done]) || (perhaps && done + 1 < ARRAY_SIZE(states) &&
						      !strcmp(text, states[done + 1])),
		      "step %d, %zu done: %s", step, done, text);
	ck_assert_uint_eq(errors, 0);
}

static const struct {
	enum way way;
	int error;
} failures[] = {
	{ FAIL_ONCE, ENOSPC }, { FAIL_ONCE, EIO },     { FAIL_FROM, ENOSPC },
	{ FAIL_FROM, EIO },    { SHORT_FAIL, ENOSPC }, { SHORT, 0 },
};

START_TEST(what_fails_is_not_seen_again)
{
	int steps = count_steps();

	ck_assert_int_gt(steps, 10);
	for (int step = 1; step <= steps; step++) {
		const struct fault plan = { .way = failures[_i].way,
					    .error = failures[_i].error,
					    .step = step };
		size_t done;

		make_start();
		done = run_series(plan, -1);
		/* A disk that takes nothing any more cannot take anything back. */
		check_result(done, plan.way == FAIL_FROM, step);
	}
}
END_TEST

static const enum way deaths[] = { KILL_BEFORE, KILL_HALF, KILL_AFTER, POWER_OFF };

/* Runs the series in a process that dies; returns what it acknowledged. */
static size_t run_to_death(struct fault plan)
{
	size_t done = 0;
	int fds[2], status;
	pid_t child;
	char byte;

	ck_assert_int_eq(pipe(fds), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		run_series(plan, fds[1]);
		_exit(5);
	}
	close(fds[1]);
	while (read(fds[0], &byte, 1) == 1)
		done++;
	close(fds[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 5));
	return done;
}

START_TEST(what_was_acknowledged_outlives_the_process)
{
	int steps = count_steps();

	for (int step = 1; step <= steps; step++) {
		const struct fault plan = { .way = deaths[_i], .step = step };

		make_start();
		check_result(run_to_death(plan), true, step);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("store_set");
	Suite *suite = suite_create("store_set");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, sets_come_back);
	tcase_add_loop_test(tcase, what_is_damaged_is_kept_aside_and_empty, 0, ARRAY_SIZE(damages));
	tcase_add_test(tcase, a_newer_format_is_refused_and_stays);
	tcase_add_loop_test(tcase, what_fails_is_not_seen_again, 0, ARRAY_SIZE(failures));
	tcase_add_loop_test(tcase, what_was_acknowledged_outlives_the_process, 0,
			    ARRAY_SIZE(deaths));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
