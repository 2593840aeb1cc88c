// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "settings_fixture.h"

static void use_policies_file(const char *name)
{
	CLEANUP(cleanup_free) char *text = NULL;

	ck_assert_int_gt(asprintf(&text, "{\"policy\":{\"policies_file\":\"%s\"}}", path_of(name)),
			 0);
	ck_assert_int_eq(parse(text), 0);
	problems_clear(&problems);
}

START_TEST(policies_come_from_all_files)
{
	use_policies_file("policies.json");
	write_file("policies.json", "[{\"id\":\"b\",\"action\":\"BLOCK\"}]");
	ck_assert_int_eq(mkdir(path_of("policies.d"), 0700), 0);
	write_file("policies.d/2.json", "{\"policies\":[{\"id\":\"a\",\"action\":\"BLOCK\"}]}");
	write_file("policies.d/1.json", "[] // none");
	write_file("policies.d/.3.json", "nonsense");
	write_file("policies.d/3.json~", "nonsense");
	ck_assert_int_eq(settings_load_policies(settings, &set, &problems), 0);
	ck_assert_uint_eq(set->count, 2);
	ck_assert_str_eq(set->policy[0]->id, "a");
	ck_assert_int_eq(set->policy[0]->origin, ORIGIN_FILE);
	ck_assert_uint_eq(set->policy[0]->references, 1);
}
END_TEST

START_TEST(id_in_two_files_names_both)
{
	use_policies_file("policies.json");
	write_file("policies.json", "[{\"id\":\"b\",\"action\":\"BLOCK\"}]");
	ck_assert_int_eq(mkdir(path_of("policies.d"), 0700), 0);
	write_file("policies.d/x.json", "[{\"id\":\"b\",\"action\":\"BLOCK\"}]");
	ck_assert_int_eq(settings_load_policies(settings, &set, &problems), -EINVAL);
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_str_eq(problems.list[0].pointer, path_of("policies.json"));
	ck_assert_ptr_nonnull(strstr(problems.list[0].detail, path_of("policies.d/x.json")));
	ck_assert_ptr_null(set);
}
END_TEST

START_TEST(every_bad_file_is_reported)
{
	use_policies_file("policies.json");
	write_file("policies.json", "[{\"id\":\"b\",\"action\":\"BLOCK\"},{}]");
	ck_assert_int_eq(mkdir(path_of("policies.d"), 0700), 0);
	write_file("policies.d/x.json", "[");
	write_file("policies.d/y.json",
		   "[{\"id\":\"c\",\"action\":\"BLOCK\",\"id\":\"d\"},{\"id\":\"e\"}]");
	ck_assert_int_lt(settings_load_policies(settings, &set, &problems), 0);
	ck_assert_ptr_nonnull(problem_at(path_of("policies.d/y.json/0/id")));
	ck_assert_ptr_nonnull(problem_at(path_of("policies.d/y.json/1/action")));
	ck_assert_ptr_nonnull(problem_at(path_of("policies.json/1/id")));
	ck_assert_ptr_nonnull(problem_at(path_of("policies.d/x.json")));
}
END_TEST

START_TEST(a_key_that_occurs_twice_is_an_error_by_itself)
{
	use_policies_file("policies.json");
	write_file("policies.json", "[{\"id\":\"b\",\"action\":\"BLOCK\",\"action\":\"ALLOW\"}]");
	ck_assert_int_lt(settings_load_policies(settings, &set, &problems), 0);
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_ptr_null(set);
}
END_TEST

START_TEST(only_a_named_file_must_be_there)
{
	use_policies_file("policies.json");
	ck_assert_int_eq(settings_load_policies(settings, &set, &problems), -ENOENT);
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_str_eq(problems.list[0].pointer, path_of("policies.json"));
	problems_clear(&problems);
	settings->policies_file_named = false;
	ck_assert_int_eq(settings_load_policies(settings, &set, &problems), 0);
	ck_assert_uint_eq(set->count, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("policies");

	tcase_add_test(tcase, policies_come_from_all_files);
	tcase_add_test(tcase, id_in_two_files_names_both);
	tcase_add_test(tcase, every_bad_file_is_reported);
	tcase_add_test(tcase, a_key_that_occurs_twice_is_an_error_by_itself);
	tcase_add_test(tcase, only_a_named_file_must_be_there);
	return run_case(tcase);
}
