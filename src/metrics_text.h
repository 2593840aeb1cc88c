/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two text formats of Prometheus: 0.0.4, and OpenMetrics 1.0, which names
 * families of counters and information without their suffix and has an end.
 */
#ifndef METRICS_TEXT_H
#define METRICS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct histogram;

#define METRICS_TYPE_TEXT "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_TYPE_OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define METRICS_LABELS_MAX 4

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_UNTYPED, METRIC_INFO, METRIC_HISTOGRAM };

struct metrics_text {
	FILE *out; /* whose error indicator says whether all of it was written */
	bool openmetrics;
	const char *name; /* of the family that is being written */
};

struct metrics_label {
	const char *name; /* NULL ends the list */
	const char *value;
};

/** Whether an Accept header prefers OpenMetrics; NULL does not. */
bool metrics_wants_openmetrics(const char *accept);

/** Begins a family: its samples follow. */
void metrics_family(struct metrics_text *text, const char *name, enum metric_type type,
		    const char *help);

/** One sample; @labels may be NULL. */
void metrics_sample(struct metrics_text *text, const struct metrics_label *labels, uint64_t value);

/** One sample in seconds. */
void metrics_seconds(struct metrics_text *text, uint64_t value_ns);

/** All samples of a histogram. */
void metrics_histogram(struct metrics_text *text, const struct histogram *histogram);

/** The end of the document. */
void metrics_end(struct metrics_text *text);

#endif
