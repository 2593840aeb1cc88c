// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "address_set.h"
#include "address_sets.h"
#include "cleanup.h"
#include "set_text.h"
#include "settings_fixture.h"

static struct address_sets *sets;

/* With an empty sets.d beside the policies' file. */
static void begin(void)
{
	CLEANUP(cleanup_free) char *text = NULL;

	ck_assert_int_gt(
		asprintf(&text, "{\"policy\":{\"policies_file\":\"%s\"}}", path_of("p.json")), 0);
	ck_assert_int_eq(parse(text), 0);
	problems_clear(&problems);
	ck_assert_int_eq(mkdir(path_of("sets.d"), 0700), 0);
}

START_TEST(no_directory_is_no_sets)
{
	begin();
	ck_assert_int_eq(rmdir(path_of("sets.d")), 0);
	ck_assert_int_eq(settings_load_sets(settings, &sets, &problems), 0);
	ck_assert_uint_eq(sets->count, 0);
	address_sets_put(&sets);
}
END_TEST

START_TEST(sets_come_from_both_kinds_of_files)
{
	begin();
	write_file("sets.d/b.txt", "10.0.0.1 # one\n10.0.0.2 expires=2000-01-01T00:00:00Z\n");
	write_file("sets.d/a.b.json", "{\"entries\": [\"10.0.0.3\"]} // with a comment");
	write_file("sets.d/.c.txt", "nonsense");
	write_file("sets.d/c.txt~", "nonsense");
	write_file("sets.d/.txt", "nonsense");
	ck_assert_int_eq(settings_load_sets(settings, &sets, &problems), 0);
	ck_assert_uint_eq(sets->count, 2);
	ck_assert_str_eq(sets->set[0]->name, "a.b");
	ck_assert_str_eq(set_text(sets->set[0]), "10.0.0.3 ");
	ck_assert_str_eq(set_text(sets->set[1]), "10.0.0.1 ");
	ck_assert_int_eq(sets->set[1]->origin, ORIGIN_FILE);
	ck_assert_uint_eq(problems.errors, 0);
	ck_assert_uint_eq(problems.count, 1); /* the one that has ended */
	address_sets_put(&sets);
}
END_TEST

START_TEST(every_bad_file_is_reported)
{
	char place[128];

	begin();
	write_file("sets.d/a.txt", "10.0.0.1\nx\n");
	write_file("sets.d/b.json", "{\"entries\": [5]}");
	write_file("sets.d/c.json", "{");
	write_file("sets.d/d d.txt", "");
	write_file("sets.d/e.txt", "");
	write_file("sets.d/e.json", "{\"entries\":[]}");
	ck_assert_int_eq(mkdir(path_of("sets.d/f.txt"), 0700), 0);
	ck_assert_int_eq(settings_load_sets(settings, &sets, &problems), -EINVAL);
	ck_assert_ptr_null(sets);
	snprintf(place, sizeof(place), "%s:2", path_of("sets.d/a.txt"));
	ck_assert_ptr_nonnull(problem_at(place));
	ck_assert_ptr_nonnull(problem_at(path_of("sets.d/b.json/entries/0")));
	ck_assert_ptr_nonnull(problem_at(path_of("sets.d/c.json")));
	ck_assert_ptr_nonnull(problem_at(path_of("sets.d/d d.txt")));
	ck_assert_ptr_nonnull(strstr(problem_at(path_of("sets.d/e.txt"))->detail, "leave one"));
	ck_assert_ptr_nonnull(problem_at(path_of("sets.d/f.txt")));
	ck_assert_uint_eq(problems.errors, 6);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("settings_sets");

	tcase_add_test(tcase, no_directory_is_no_sets);
	tcase_add_test(tcase, sets_come_from_both_kinds_of_files);
	tcase_add_test(tcase, every_bad_file_is_reported);
	return run_case(tcase);
}
