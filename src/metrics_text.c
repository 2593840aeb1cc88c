/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "histogram.h"
#include "json_string.h"

#define NS_PER_SECOND UINT64_C(1000000000)

static void print_labels(struct metrics_text *text, const struct metrics_label *labels);
static void print_escaped(struct metrics_text *text, const char *value);
static void print_seconds(struct metrics_text *text, uint64_t value_ns);
static int family_length(const char *name, enum metric_type type);
static double quality(const char *range);

/* "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2,*.*" */
bool metrics_wants_openmetrics(const char *accept)
{
	double open = 0, plain = 0;

	while (accept && *accept) {
		accept += strspn(accept, " \t,");
		if (!strncmp(accept, "application/openmetrics-text",
			     strlen("application/openmetrics-text")))
			open = quality(accept);
		else if (!strncmp(accept, "text/plain", strlen("text/plain")))
			plain = quality(accept);
		accept += strcspn(accept, ",");
	}
	return open > 0 && open >= plain;
}

void metrics_family(struct metrics_text *text, const char *name, enum metric_type type,
		    const char *help)
{
	static const char *const plain[] = { "counter", "gauge", "untyped", "gauge", "histogram" };
	static const char *const open[] = { "counter", "gauge", "unknown", "info", "histogram" };
	int length = text->openmetrics ? family_length(name, type) : (int)strlen(name);

	text->name = name;
	fprintf(text->out, "# HELP %.*s %s\n", length, name, help);
	fprintf(text->out, "# TYPE %.*s %s\n", length, name,
		(text->openmetrics ? open : plain)[type]);
}

void metrics_sample(struct metrics_text *text, const struct metrics_label *labels, uint64_t value)
{
	fprintf(text->out, "%s", text->name);
	print_labels(text, labels);
	fprintf(text->out, " %" PRIu64 "\n", value);
}

void metrics_seconds(struct metrics_text *text, uint64_t value_ns)
{
	fprintf(text->out, "%s ", text->name);
	print_seconds(text, value_ns);
	fprintf(text->out, "\n");
}

void metrics_histogram(struct metrics_text *text, const struct histogram *histogram)
{
	uint64_t count = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		count += histogram->bucket[i];
		fprintf(text->out, "%s_bucket{le=\"", text->name);
		print_seconds(text, histogram_bounds_ns[i]);
		fprintf(text->out, "\"} %" PRIu64 "\n", count);
	}
	count += histogram->bucket[HISTOGRAM_BUCKETS];
	fprintf(text->out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", text->name, count);
	fprintf(text->out, "%s_sum ", text->name);
	print_seconds(text, histogram->sum_ns);
	fprintf(text->out, "\n%s_count %" PRIu64 "\n", text->name, count);
}

void metrics_end(struct metrics_text *text)
{
	if (text->openmetrics)
		fprintf(text->out, "# EOF\n");
}

static void print_labels(struct metrics_text *text, const struct metrics_label *labels)
{
	const char *before = "{";

	if (!labels || !labels->name)
		return;
	for (; labels->name; labels++) {
		fprintf(text->out, "%s%s=\"", before, labels->name);
		print_escaped(text, labels->value);
		fprintf(text->out, "\"");
		before = ",";
	}
	fprintf(text->out, "}");
}

/* A value that is not UTF-8 would make Prometheus refuse the whole page. */
static void print_escaped(struct metrics_text *text, const char *value)
{
	size_t left = strlen(value);

	while (left) {
		size_t plain = strcspn(value, "\\\"\n");
		size_t length = 0, whole = 0;

		while (whole < plain && (length = utf8_sequence(value + whole, left - whole)))
			whole += length;
		fwrite(value, 1, whole, text->out);
		value += whole;
		left -= whole;
		if (!left)
			break;
		if (whole < plain)
			fprintf(text->out, "\xef\xbf\xbd");
		else if (*value == '\n')
			fprintf(text->out, "\\n");
		else
			fprintf(text->out, "\\%c", *value);
		value++;
		left--;
	}
}

/* Exactly, and without a locale's idea of a decimal point. */
static void print_seconds(struct metrics_text *text, uint64_t value_ns)
{
	uint64_t fraction = value_ns % NS_PER_SECOND;
	int digits = 9;

	fprintf(text->out, "%" PRIu64, value_ns / NS_PER_SECOND);
	while (digits > 1 && fraction % 10 == 0) {
		fraction /= 10;
		digits--;
	}
	fprintf(text->out, ".%0*" PRIu64, digits, fraction);
}

static int family_length(const char *name, enum metric_type type)
{
	const char *suffix = type == METRIC_COUNTER ? "_total" : type == METRIC_INFO ? "_info" : "";
	size_t length = strlen(name), end = strlen(suffix);

	if (length > end && !strcmp(name + length - end, suffix))
		length -= end;
	return (int)length;
}

/* Of a media range, whose parameters end with the next comma. */
static double quality(const char *range)
{
	size_t length = strcspn(range, ",");

	for (const char *at = range; at + 2 < range + length; at++)
		if ((*at == ';' || *at == ' ') && at[1] == 'q' && at[2] == '=')
			return strtod(at + 3, NULL);
	return 1;
}
