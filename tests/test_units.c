// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "policy_text.h"
#include "reason.h"
#include "units.h"

static const struct {
	enum units_kind kind;
	bool per_second;
	const char *text;
	uint64_t amount;
	const char *printed;
} valid[] = {
	{ UNITS_BYTES, true, "10MB/s", 10000000, "10MB/s" },
	{ UNITS_BYTES, true, "10 MB/s", 10000000, "10MB/s" },
	{ UNITS_BYTES, true, "100Mbit/s", 12500000, "12500kB/s" },
	{ UNITS_BYTES, true, "8bit/s", 1, "1B/s" },
	{ UNITS_BYTES, true, "1000", 1000, "1kB/s" },
	{ UNITS_BYTES, true, "1.5KiB/s", 1536, "1536B/s" },
	{ UNITS_BYTES, false, "64KiB", 65536, "64KiB" },
	{ UNITS_BYTES, false, "1500", 1500, "1500B" },
	{ UNITS_BYTES, false, "0", 0, "0B" },
	{ UNITS_BYTES, false, "1.5GB", 1500000000, "1500MB" },
	{ UNITS_BYTES, false, "1TB", 1000000000000, "1TB" },
	{ UNITS_BYTES, false, "8Tbit", 1000000000000, "1TB" },
	{ UNITS_BYTES, false, "1048576B", 1048576, "1MiB" },
	{ UNITS_PACKETS, true, "1000/s", 1000, "1k/s" },
	{ UNITS_PACKETS, true, "1000pps", 1000, "1k/s" },
	{ UNITS_PACKETS, true, "7", 7, "7/s" },
	{ UNITS_PACKETS, true, "1.25M/s", 1250000, "1250k/s" },
	{ UNITS_PACKETS, false, "10k", 10000, "10k" },
};

START_TEST(amounts_are_read_and_printed)
{
	struct reason reason = { "" };
	char text[UNITS_TEXT_MAX];
	uint64_t amount = 1;

	ck_assert_msg(!units_parse(valid[_i].text, valid[_i].kind, valid[_i].per_second, &amount,
				   &reason),
		      "%s %s", valid[_i].text, reason.text);
	ck_assert_uint_eq(amount, valid[_i].amount);
	units_print(amount, valid[_i].kind, valid[_i].per_second, text);
	ck_assert_str_eq(text, valid[_i].printed);
	ck_assert_int_eq(units_parse(text, valid[_i].kind, valid[_i].per_second, &amount, &reason),
			 0);
	ck_assert_uint_eq(amount, valid[_i].amount);
}
END_TEST

static const struct {
	enum units_kind kind;
	bool per_second;
	const char *text, *reason;
} invalid[] = {
	{ UNITS_BYTES, true, "", "is not a number with a unit" },
	{ UNITS_BYTES, true, "MB/s", "is not a number with a unit" },
	{ UNITS_BYTES, true, "-1MB/s", "is not a number with a unit" },
	{ UNITS_BYTES, true, ".5MB/s", "is not a number with a unit" },
	{ UNITS_BYTES, true, "5.MB/s", "is not a number with a unit" },
	{ UNITS_BYTES, true, "10MB", "is not a rate" },
	{ UNITS_BYTES, true, "10mb/s", "unknown unit" },
	{ UNITS_BYTES, true, "10Mb/s", "unknown unit" },
	{ UNITS_BYTES, true, "10MB/s ", "is not a rate" },
	{ UNITS_BYTES, true, "10  MB/s", "unknown unit" },
	{ UNITS_BYTES, false, "10MB/s", "unknown unit" },
	{ UNITS_BYTES, true, "1bit/s", "is not a whole number of bytes" },
	{ UNITS_BYTES, false, "1.0001kB", "is not a whole number of bytes" },
	{ UNITS_BYTES, false, "2TB", "is more than 10^12" },
	{ UNITS_BYTES, false, "999999999999999999TB", "is more than 10^12" },
	{ UNITS_BYTES, false, "18446744073709551616", "is not a number with a unit" },
	{ UNITS_PACKETS, true, "1.5/s", "is not a whole number of packets" },
	{ UNITS_PACKETS, true, "10MB/s", "unknown unit" },
	{ UNITS_PACKETS, false, "10pps", "unknown unit" },
	{ UNITS_PACKETS, false, "1.2.3k", "unknown unit" },
};

START_TEST(what_is_no_amount_is_refused)
{
	struct reason reason = { "" };
	uint64_t amount;

	ck_assert_int_eq(units_parse(invalid[_i].text, invalid[_i].kind, invalid[_i].per_second,
				     &amount, &reason),
			 -EINVAL);
	ck_assert_msg(strstr(reason.text, invalid[_i].reason) != NULL, "%s %s", invalid[_i].text,
		      reason.text);
}
END_TEST

START_TEST(bytes_are_told_from_packets)
{
	ck_assert(units_are_bytes("10MB/s"));
	ck_assert(units_are_bytes("1kbit"));
	ck_assert(!units_are_bytes("1000/s"));
	ck_assert(!units_are_bytes("10k"));
	ck_assert(!units_are_bytes("1000"));
	ck_assert(!units_are_bytes("MB"));
}
END_TEST

START_TEST(durations)
{
	static const struct {
		const char *text;
		uint64_t seconds;
		const char *printed;
	} cases[] = {
		{ "90", 90, "1m30s" },	{ "90s", 90, "1m30s" }, { "1h30m", 5400, "1h30m" },
		{ "2d", 172800, "2d" }, { "1w", 604800, "1w" }, { "1w1s", 604801, "1w" },
		{ "0", 0, "0s" },	{ "59", 59, "59s" },	{ "1d1h1m1s", 90061, "1d1h" },
	};
	static const char *const wrong[] = { "",     "h",   "1x",   "1m1h", "1h30",
					     "1h1h", "-1s", "1.5h", "1 h",  "9999999999999s" };
	struct reason reason;
	char text[UNITS_TEXT_MAX];
	uint64_t seconds;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_int_eq(duration_parse(cases[i].text, &seconds, &reason), 0);
		ck_assert_uint_eq(seconds, cases[i].seconds);
		duration_print(seconds, text);
		ck_assert_str_eq(text, cases[i].printed);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_msg(duration_parse(wrong[i], &seconds, &reason) == -EINVAL, "%s",
			      wrong[i]);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("units");

	tcase_add_loop_test(tcase, amounts_are_read_and_printed, 0, ARRAY_SIZE(valid));
	tcase_add_loop_test(tcase, what_is_no_amount_is_refused, 0, ARRAY_SIZE(invalid));
	tcase_add_test(tcase, bytes_are_told_from_packets);
	tcase_add_test(tcase, durations);
	return run_case("units", tcase);
}
