/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long things take, in buckets as Prometheus has them.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 12

/* Upper bounds; what is longer counts in the last, unbounded one. */
extern const uint64_t histogram_bounds_ns[HISTOGRAM_BUCKETS];

struct histogram {
	uint64_t bucket[HISTOGRAM_BUCKETS + 1]; /* each without those below */
	uint64_t sum_ns;
};

/** Counts one duration. */
void histogram_observe(struct histogram *histogram, uint64_t duration_ns);

#endif
