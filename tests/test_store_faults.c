// SPDX-License-Identifier: Apache-2.0
/*
 * A store whose disk is full, broken or without power: each system call of a
 * series of transactions and snapshots goes wrong once, in each way, and what
 * was acknowledged is there afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "faulty_io.h"
#include "problem.h"
#include "store_fixture.h"
#include "store_state.h"

static unsigned int acknowledged; /* transactions, a bit each */
static int report = -1; /* where a process that will be killed tells them */

/* ---- the series */

#define BEFORE 3 /* transactions of an earlier process */
#define LAST 9

static void set_up(void)
{
	fixture_make();
	fault_none();
	acknowledged = 0;
}

static void tear_down(void)
{
	fixture_remove(fixture_base);
}

static void acknowledge(unsigned int number, struct policyset **set)
{
	unsigned char byte = (unsigned char)number;

	acknowledged |= 1u << number;
	fixture_apply(set, number);
	if (report >= 0 && write(report, &byte, 1) != 1)
		_exit(4);
}

/* A directory as an earlier process leaves it that was killed while it wrote. */
static void make_start(void)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct policyset *set = NULL;
	struct store *store = NULL;
	FILE *journal;

	fixture_remove(fixture_directory);
	fault_none();
	acknowledged = 0;
	ck_assert_int_eq(store_open_io(&faulty, fixture_directory, &store, &set, &problems), 0);
	for (unsigned int number = 1; number <= BEFORE; number++) {
		ck_assert_int_eq(fixture_append(store, number), 0);
		acknowledge(number, &set);
		if (number == 1)
			ck_assert_int_eq(store_write_snapshot(store, set), 0);
	}
	store_close(&store);
	policyset_put(&set);
	journal = fopen(fixture_path(STORE_JOURNAL), "a");
	ck_assert_ptr_nonnull(journal);
	ck_assert_int_ge(fputs("{\"format\":1,\"seq", journal), 0);
	ck_assert_int_eq(fclose(journal), 0);
}

/* As the daemon does; returns the transaction that failed first, or 0. */
static unsigned int run_series(bool *ret_broken)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct policyset *set = NULL;
	struct store *store = NULL;
	unsigned int failed = 0;

	*ret_broken = false;
	if (store_open_io(&faulty, fixture_directory, &store, &set, &problems) < 0)
		return 0;
	for (unsigned int number = BEFORE + 1; number <= LAST; number++) {
		if (fixture_append(store, number) == 0)
			acknowledge(number, &set);
		else if (!failed)
			failed = number;
		/* Errors show in what is found afterwards. */
		if (number % 3 == 2)
			(void)store_write_snapshot(store, set);
		else
			(void)store_compact(store, set);
	}
	*ret_broken = store_error(store) != 0;
	store_close(&store);
	policyset_put(&set);
	return failed;
}

/* All that was acknowledged, and of @perhaps all or nothing. */
static void check_result(unsigned int perhaps, const char *what)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct policyset *set = NULL;
	struct store *store = NULL;
	char text[TEXT_MAX];
	int error;

	fault.step = 0;
	error = store_open_io(&faulty, fixture_directory, &store, &set, &problems);
	ck_assert_msg(error == 0, "%s, step %d: %s", what, fault.step, strerror(-error));
	fixture_text(set, text);
	ck_assert_msg(fixture_is(set, acknowledged) ||
			      (perhaps && fixture_is(set, acknowledged | 1u << perhaps)),
		      "%s: %x acknowledged, %s found", what, acknowledged, text);
	ck_assert_msg(problems.errors == 0, "%s: %s", what,
		      problems.count ? problems.list[0].detail : "");
	ck_assert_int_eq(store_error(store), 0);
	ck_assert_int_eq(fixture_append(store, 20), 0);
	store_close(&store);
	policyset_put(&set);
}

static int count_steps(void)
{
	bool broken;

	make_start();
	fault.steps = 0;
	ck_assert_uint_eq(run_series(&broken), 0);
	ck_assert(!broken);
	check_result(0, "nothing wrong");
	return fault.steps;
}

static const struct {
	const char *name;
	enum way way;
	int error;
} failures[] = {
	{ "full once", FAIL_ONCE, ENOSPC },	  { "broken once", FAIL_ONCE, EIO },
	{ "interrupted", FAIL_ONCE, EINTR },	  { "full from here", FAIL_FROM, ENOSPC },
	{ "broken from here", FAIL_FROM, EIO },	  { "short", SHORT, 0 },
	{ "short and full", SHORT_FAIL, ENOSPC },
};

START_TEST(what_fails_is_not_seen_again)
{
	int steps = count_steps();

	for (int step = 1; step <= steps; step++) {
		bool broken;
		unsigned int failed;
		char what[64];

		make_start();
		fault.way = failures[_i].way;
		fault.error = failures[_i].error;
		fault.fail_next_write = false;
		fault.steps = 0;
		fault.step = step;
		snprintf(what, sizeof(what), "%s at step %d", failures[_i].name, step);
		failed = run_series(&broken);
		ck_assert_msg(!broken || fault.way == FAIL_FROM, "%s: stays broken", what);
		/* A disk that takes nothing any more cannot take anything back. */
		check_result(broken ? failed : 0, what);
	}
}
END_TEST

static const struct {
	const char *name;
	enum way way;
} deaths[] = {
	{ "killed before", KILL_BEFORE },
	{ "killed within", KILL_HALF },
	{ "killed after", KILL_AFTER },
	{ "power lost", POWER_OFF },
};

/* Runs the series in a process that dies, and learns what it acknowledged. */
static void run_to_death(void)
{
	int fds[2], status;
	unsigned char number;
	bool broken;
	pid_t child;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		report = fds[1];
		run_series(&broken);
		_exit(5);
	}
	close(fds[1]);
	while (read(fds[0], &number, 1) == 1)
		acknowledged |= 1u << number;
	close(fds[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 5),
		      "status %x", status);
}

static unsigned int first_unacknowledged(void)
{
	unsigned int number = 1;

	while (acknowledged >> number & 1)
		number++;
	return number;
}

START_TEST(what_was_acknowledged_outlives_the_process)
{
	int steps = count_steps();

	for (int step = 1; step <= steps; step++) {
		char what[64];

		make_start();
		fault.way = deaths[_i].way;
		fault.steps = 0;
		fault.step = step;
		snprintf(what, sizeof(what), "%s at step %d", deaths[_i].name, step);
		run_to_death();
		check_result(first_unacknowledged(), what);
	}
}
END_TEST

/* A store that cannot be repaired is read and refuses changes, until it can. */
START_TEST(a_full_disk_does_not_hide_what_is_there)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct policyset *set = NULL;
	struct store *store = NULL;
	char journal[FILE_MAX];
	size_t size;

	make_start();
	size = fixture_read(STORE_JOURNAL, journal);
	journal[size - 30] ^= 1;
	fixture_write(STORE_JOURNAL, journal, size);
	fault.way = FAIL_FROM;
	fault.error = ENOSPC;
	fault.steps = 0;
	for (fault.step = 1; !store; fault.step++) {
		fault.steps = 0;
		problems_clear(&problems);
		(void)store_open_io(&faulty, fixture_directory, &store, &set, &problems);
	}
	ck_assert_uint_ge(problems.errors, 2);
	ck_assert(fixture_is(set, 1 << 1 | 1 << 2));
	ck_assert_int_eq(store_error(store), -ENOSPC);
	ck_assert_int_eq(fixture_append(store, 4), -ENOSPC);
	ck_assert_int_eq(store_compact(store, set), -ENOSPC);
	fault.step = 0;
	ck_assert_int_eq(store_compact(store, set), 0);
	ck_assert_int_eq(fixture_append(store, 4), 0);
	ck_assert(fixture_exists(STORE_JOURNAL ".bad-1"));
	store_close(&store);
	policyset_put(&set);
	acknowledged = 1 << 1 | 1 << 2 | 1 << 4;
	check_result(0, "repaired");
}
END_TEST

static int fail_truncate(int fd, off_t size)
{
	(void)fd;
	(void)size;
	errno = EIO;
	return -1;
}

static int fail_sync(int fd)
{
	(void)fd;
	errno = EIO;
	return -1;
}

/* A transaction that failed, and could not be taken back, is undone by the next snapshot. */
START_TEST(a_snapshot_takes_back_what_could_not_be_cut_off)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct store_io stuck = store_io_system;
	struct policyset *set = NULL;
	struct store *store = NULL;

	ck_assert_int_eq(store_open_io(&stuck, fixture_directory, &store, &set, &problems), 0);
	stuck.truncate = fail_truncate;
	stuck.sync_data = fail_sync;
	ck_assert_int_eq(fixture_append(store, 1), -EIO);
	ck_assert_int_eq(store_error(store), -EIO);
	stuck.sync_data = store_io_system.sync_data;
	ck_assert_int_eq(fixture_append(store, 2), -EIO);
	/* The journal cannot be emptied, so it is not to be trusted yet. */
	ck_assert_int_eq(store_compact(store, set), -EIO);
	ck_assert_int_eq(store_error(store), -EIO);
	store_close(&store);
	policyset_put(&set);
	check_result(0, "never emptied");
}
END_TEST

static TCase *make_case(void)
{
	TCase *tcase = tcase_create("faults");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, what_fails_is_not_seen_again, 0, ARRAY_SIZE(failures));
	tcase_add_loop_test(tcase, what_was_acknowledged_outlives_the_process, 0,
			    ARRAY_SIZE(deaths));
	tcase_add_test(tcase, a_full_disk_does_not_hide_what_is_there);
	tcase_add_test(tcase, a_snapshot_takes_back_what_could_not_be_cut_off);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("store");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, make_case());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
