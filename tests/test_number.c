// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "number.h"
#include "policy_text.h"
#include "reason.h"
#include "suggest.h"

START_TEST(numbers_are_strict)
{
	uint64_t number = 7;

	ck_assert_int_eq(number_parse("0", 9, &number), 0);
	ck_assert_uint_eq(number, 0);
	ck_assert_int_eq(number_parse("18446744073709551615", UINT64_MAX, &number), 0);
	ck_assert_uint_eq(number, UINT64_MAX);
	ck_assert_int_eq(number_parse("18446744073709551616", UINT64_MAX, &number), -ERANGE);
	ck_assert_int_eq(number_parse("65536", 65535, &number), -ERANGE);
	ck_assert_int_eq(number_parse("9", 8, &number), -ERANGE);
	ck_assert_int_eq(number_parse("", 8, &number), -EINVAL);
	ck_assert_int_eq(number_parse("01", 8, &number), -EINVAL);
	ck_assert_int_eq(number_parse("+1", 8, &number), -EINVAL);
	ck_assert_int_eq(number_parse("1 ", 8, &number), -EINVAL);
	ck_assert_uint_eq(number, UINT64_MAX);
}
END_TEST

START_TEST(ranges_are_read_and_printed)
{
	static const char *const right[] = { "0", "80", "0-65535", "1000-2000" };
	static const char *const wrong[] = { "",      "-",    "1-",    "-1",	  "2-1",
					     "1-2-3", "a",    "65536", "1-65536", " 1",
					     "1 - 2", "0080", "1:2" };
	struct number_range range;
	char text[NUMBER_TEXT_MAX];
	struct reason reason;

	for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
		ck_assert_int_eq(number_range_parse(right[i], 65535, &range, &reason), 0);
		number_range_print(&range, text);
		ck_assert_str_eq(text, right[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_msg(number_range_parse(wrong[i], 65535, &range, &reason) == -EINVAL, "%s",
			      wrong[i]);
}
END_TEST

START_TEST(spans_are_of_the_union)
{
	struct number_range ranges[] = { { 10, 19 }, { 5, 12 },	 { 19, 19 },
					 { 30, 30 }, { 20, 20 }, { 65535, 65535 } };
	struct number_range all[] = { { 0, 65535 }, { 5, 6 } };

	ck_assert_uint_eq(number_list_span(&(struct number_list){ NULL, 0 }), 65536);
	ck_assert_uint_eq(number_list_span(&(struct number_list){ ranges, 1 }), 10);
	ck_assert_uint_eq(number_list_span(&(struct number_list){ ranges, 2 }), 15);
	ck_assert_uint_eq(number_list_span(&(struct number_list){ ranges, 6 }), 18);
	ck_assert_uint_eq(number_list_span(&(struct number_list){ all, 2 }), 65536);
}
END_TEST

START_TEST(near_words_are_suggested)
{
	static const char *const known[] = { "priority", "protocol", "log", "interface" };
	static const struct {
		const char *wrong, *best;
	} cases[] = {
		{ "prioritty", "priority" },
		{ "PROTOCOL", "protocol" },
		{ "lgo", "log" },
		{ "interfaces", "interface" },
		{ "x", NULL },
		{ "", NULL },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct suggestion suggestion = { .wrong = cases[i].wrong };

		for (size_t j = 0; j < ARRAY_SIZE(known); j++)
			suggest(&suggestion, known[j]);
		if (cases[i].best)
			ck_assert_str_eq(suggestion.best, cases[i].best);
		else
			ck_assert_ptr_null(suggestion.best);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("number");

	tcase_add_test(tcase, numbers_are_strict);
	tcase_add_test(tcase, ranges_are_read_and_printed);
	tcase_add_test(tcase, spans_are_of_the_union);
	tcase_add_test(tcase, near_words_are_suggested);
	return run_case("number", tcase);
}
