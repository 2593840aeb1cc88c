// SPDX-License-Identifier: Apache-2.0
#include "store_opened.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "store_text.h"

struct store *store;
struct policyset *set;
struct problems problems;

static int nothing(int fd)
{
	(void)fd;
	return 0;
}

/* Without waiting for the disk: these tests do not cut the power. */
static struct store_io quick;

static void set_up(void)
{
	quick = store_io_system;
	quick.sync = quick.sync_data = nothing;
	fixture_make();
}

void close_all(void)
{
	store_close(&store);
	policyset_put(&set);
	problems_clear(&problems);
}

static void tear_down(void)
{
	close_all();
	fixture_remove(fixture_base);
}

int reopen(void)
{
	close_all();
	return store_open_io(&quick, fixture_directory, &store, &set, &problems);
}

void assert_opens(void)
{
	int error = reopen();

	ck_assert_msg(error == 0, "%s: %s", strerror(-error),
		      problems.count ? problems.list[0].detail : "");
}

void assert_opens_clean(void)
{
	assert_opens();
	ck_assert_msg(problems.count == 0, "%s", problems.count ? problems.list[0].detail : "");
	ck_assert_int_eq(store_error(store), 0);
}

void append_up_to(unsigned int last)
{
	for (unsigned int number = 1; number <= last; number++)
		ck_assert_int_eq(fixture_append(store, number), 0);
}

void write_line(const char *name, const char *body)
{
	CLEANUP(cleanup_free) struct store_writer *writer = malloc(sizeof(*writer));
	int fd;

	ck_assert_ptr_nonnull(writer);
	ck_assert(mkdir(fixture_directory, 0700) == 0 || errno == EEXIST);
	fd = open(fixture_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	store_writer_start(writer, &store_io_system, fd);
	store_writer_add(writer, body, strlen(body));
	ck_assert_int_eq(store_writer_finish(writer), 0);
	close(fd);
}

int run_case(TCase *tcase)
{
	Suite *suite = suite_create("store");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
