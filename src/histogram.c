/* SPDX-License-Identifier: Apache-2.0 */
#include "histogram.h"

#define US 1000ULL
#define MS 1000000ULL

const uint64_t histogram_bounds_ns[HISTOGRAM_BUCKETS] = {
	100 * US, 250 * US, 500 * US, 1 * MS,	2500 * US, 5 * MS,
	10 * MS,  25 * MS,  50 * MS,  100 * MS, 500 * MS,  2500 * MS,
};

void histogram_observe(struct histogram *histogram, uint64_t duration_ns)
{
	size_t bucket = 0;

	while (bucket < HISTOGRAM_BUCKETS && duration_ns > histogram_bounds_ns[bucket])
		bucket++;
	histogram->bucket[bucket]++;
	histogram->sum_ns += duration_ns;
}
