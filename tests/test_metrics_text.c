/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "histogram.h"
#include "metrics.h"
#include "metrics_text.h"
#include "policy_text.h"

static struct metrics_text text;
static char *written;
static size_t written_bytes;

static void begin(void)
{
	text = (struct metrics_text){ .out = open_memstream(&written, &written_bytes),
				      .name = "pepctl_x" };
	ck_assert_ptr_nonnull(text.out);
}

static void end(void)
{
	fclose(text.out);
	free(written);
}

static void assert_written(const char *expected)
{
	ck_assert_int_eq(fflush(text.out), 0);
	ck_assert_str_eq(written, expected);
}

START_TEST(values_are_exact_integers)
{
	metrics_sample(&text, NULL, UINT64_MAX);
	metrics_sample(&text, NULL, (UINT64_C(1) << 53) + 1);
	assert_written("pepctl_x 18446744073709551615\npepctl_x 9007199254740993\n");
}
END_TEST

START_TEST(labels_are_escaped)
{
	const struct metrics_label labels[] = {
		{ "a", "a\"b, back\\slash" },	  { "b", "new\nline" }, { "c", "" },
		{ "d", "no \xff utf8 \xc3\xa4" }, { NULL, NULL },
	};

	metrics_sample(&text, labels, 1);
	assert_written("pepctl_x{a=\"a\\\"b, back\\\\slash\",b=\"new\\nline\",c=\"\","
		       "d=\"no \xef\xbf\xbd utf8 \xc3\xa4\"} 1\n");
}
END_TEST

START_TEST(seconds_are_exact)
{
	metrics_seconds(&text, 0);
	metrics_seconds(&text, 1);
	metrics_seconds(&text, UINT64_C(1500000000));
	metrics_seconds(&text, UINT64_C(1800000000123456789));
	assert_written("pepctl_x 0.0\npepctl_x 0.000000001\npepctl_x 1.5\n"
		       "pepctl_x 1800000000.123456789\n");
}
END_TEST

START_TEST(families_in_both_formats)
{
	metrics_family(&text, "pepctl_a_total", METRIC_COUNTER, "A.");
	metrics_family(&text, "pepctl_b_info", METRIC_INFO, "B.");
	metrics_family(&text, "pepctl_c_total", METRIC_UNTYPED, "C.");
	metrics_end(&text);
	text.openmetrics = true;
	metrics_family(&text, "pepctl_a_total", METRIC_COUNTER, "A.");
	metrics_family(&text, "pepctl_b_info", METRIC_INFO, "B.");
	metrics_family(&text, "pepctl_c_total", METRIC_UNTYPED, "C.");
	metrics_end(&text);
	assert_written("# HELP pepctl_a_total A.\n# TYPE pepctl_a_total counter\n"
		       "# HELP pepctl_b_info B.\n# TYPE pepctl_b_info gauge\n"
		       "# HELP pepctl_c_total C.\n# TYPE pepctl_c_total untyped\n"
		       "# HELP pepctl_a A.\n# TYPE pepctl_a counter\n"
		       "# HELP pepctl_b B.\n# TYPE pepctl_b info\n"
		       "# HELP pepctl_c_total C.\n# TYPE pepctl_c_total unknown\n# EOF\n");
}
END_TEST

START_TEST(histograms_are_cumulative)
{
	struct histogram histogram = { .sum_ns = 0 };

	histogram_observe(&histogram, 0);
	histogram_observe(&histogram, histogram_bounds_ns[0]);
	histogram_observe(&histogram, histogram_bounds_ns[0] + 1);
	histogram_observe(&histogram, histogram_bounds_ns[HISTOGRAM_BUCKETS - 1] + 1);
	metrics_histogram(&text, &histogram);
	ck_assert_int_eq(fflush(text.out), 0);
	ck_assert_ptr_eq(strstr(written, "pepctl_x_bucket{le=\"0.0001\"} 2\n"), written);
	ck_assert_ptr_nonnull(strstr(written, "pepctl_x_bucket{le=\"0.00025\"} 3\n"));
	ck_assert_ptr_nonnull(strstr(written, "pepctl_x_bucket{le=\"2.5\"} 3\n"));
	ck_assert_ptr_nonnull(strstr(written, "pepctl_x_bucket{le=\"+Inf\"} 4\n"));
	ck_assert_ptr_nonnull(strstr(written, "pepctl_x_sum 2.500200002\npepctl_x_count 4\n"));
}
END_TEST

static const struct {
	const char *accept;
	bool openmetrics;
} accepts[] = {
	{ NULL, false },
	{ "", false },
	{ "*/*", false },
	{ "text/plain", false },
	{ "application/openmetrics-text", true },
	{ "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
	  "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
	  true },
	{ "application/openmetrics-text; version=1.0.0; q=0.2, text/plain; q=0.9", false },
	{ "text/plain;q=0.1, application/openmetrics-text;q=0.2", true },
	{ "application/openmetrics-text;q=0", false },
	{ ",,,", false },
};

START_TEST(accept_decides_the_format)
{
	ck_assert_int_eq(metrics_wants_openmetrics(accepts[_i].accept), accepts[_i].openmetrics);
}
END_TEST

START_TEST(every_row_has_a_name_of_its_own_and_all_it_needs)
{
	for (size_t i = 0; i < metrics_count; i++) {
		const struct metric *metric = &metrics_table[i];
		size_t length = strlen(metric->name);

		ck_assert_str_ne(metric->help, "");
		ck_assert(metric->emit);
		if (metric->type == METRIC_COUNTER)
			ck_assert_str_eq(metric->name + length - strlen("_total"), "_total");
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(metric->name, metrics_table[j].name);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("metrics_text");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, values_are_exact_integers);
	tcase_add_test(tcase, labels_are_escaped);
	tcase_add_test(tcase, seconds_are_exact);
	tcase_add_test(tcase, families_in_both_formats);
	tcase_add_test(tcase, histograms_are_cumulative);
	tcase_add_loop_test(tcase, accept_decides_the_format, 0, ARRAY_SIZE(accepts));
	tcase_add_test(tcase, every_row_has_a_name_of_its_own_and_all_it_needs);
	return run_case("metrics_text", tcase);
}
