// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "policy_text.h"
#include "reason.h"
#include "timestamp.h"

static const struct {
	const char *text;
	int64_t us;
	const char *printed; /* NULL: as the text */
} valid[] = {
	{ "1970-01-01T00:00:00Z", 0, NULL },
	{ "2027-01-15T08:00:00Z", TEST_NOW_US, NULL },
	{ "2024-02-29T23:59:59.999999Z", 1709251199999999, NULL },
	{ "2027-01-15T08:00:00.5Z", TEST_NOW_US + 500000, "2027-01-15T08:00:00.500000Z" },
	{ "2027-01-15T08:00:00.000001999Z", TEST_NOW_US + 1, "2027-01-15T08:00:00.000001Z" },
	{ "2027-01-15T08:00:00.000Z", TEST_NOW_US, "2027-01-15T08:00:00Z" },
	{ "9999-12-31T23:59:59.999999Z", TIMESTAMP_MAX_US, NULL },
};

START_TEST(times_are_read_and_printed)
{
	char text[TIMESTAMP_TEXT_MAX];
	struct reason reason = { "" };
	int64_t us = -1;

	ck_assert_msg(!timestamp_parse(valid[_i].text, &us, &reason), "%s %s", valid[_i].text,
		      reason.text);
	ck_assert_int_eq(us, valid[_i].us);
	timestamp_print(us, text);
	ck_assert_str_eq(text, valid[_i].printed ? valid[_i].printed : valid[_i].text);
}
END_TEST

static const char *const invalid[] = {
	"",
	"now",
	"2027-01-15",
	"2027-01-15T08:00Z",
	"2027-01-15 08:00:00Z",
	"2027-01-15t08:00:00z",
	"2027-01-15T08:00:00",
	"2027-01-15T08:00:00+00:00",
	"2027-01-15T08:00:00Z ",
	"2027-01-15T08:00:00.Z",
	"2027-01-15T08:00:00.0000000001Z",
	"2027-02-29T08:00:00Z",
	"2027-13-01T08:00:00Z",
	"2027-00-01T08:00:00Z",
	"2027-01-00T08:00:00Z",
	"2027-01-32T08:00:00Z",
	"2027-01-15T24:00:00Z",
	"2027-01-15T08:60:00Z",
	"2027-01-15T08:00:60Z",
	"1969-12-31T23:59:59Z",
	"0000-01-01T00:00:00Z",
	"12027-01-15T08:00:00Z",
	"2027-1-15T08:00:00Z",
};

START_TEST(what_is_no_time_is_refused)
{
	struct reason reason = { "" };
	int64_t us;

	ck_assert_msg(timestamp_parse(invalid[_i], &us, &reason) == -EINVAL, "%s", invalid[_i]);
	ck_assert_str_ne(reason.text, "");
}
END_TEST

START_TEST(times_out_of_range_print_nothing)
{
	char text[TIMESTAMP_TEXT_MAX] = "x";

	timestamp_print(-1, text);
	ck_assert_str_eq(text, "");
	timestamp_print(TIMESTAMP_MAX_US + 1, text);
	ck_assert_str_eq(text, "");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("timestamp");

	tcase_add_loop_test(tcase, times_are_read_and_printed, 0, ARRAY_SIZE(valid));
	tcase_add_loop_test(tcase, what_is_no_time_is_refused, 0, ARRAY_SIZE(invalid));
	tcase_add_test(tcase, times_out_of_range_print_nothing);
	return run_case("timestamp", tcase);
}
