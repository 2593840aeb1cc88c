// SPDX-License-Identifier: Apache-2.0
/*
 * Others use the machine too, and what they take from a round takes the time of
 * some slices only.  So slices are compared with themselves in other rounds,
 * and a round's figure is the median of its slices, which are all alike: the
 * trace is in random order.
 */
#include "figures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"

static double *allocate(size_t count)
{
	double *memory = calloc(count, sizeof(*memory));

	if (memory)
		return memory;
	perror("memory");
	exit(1);
}

void series_open(struct series *series, size_t rounds, size_t slices)
{
	series->ns = allocate(rounds * slices);
	series->rounds = rounds;
	series->slices = slices;
}

void series_close(struct series *series)
{
	free(series->ns);
	series->ns = NULL;
}

void series_put(struct series *series, size_t round, size_t slice, double ns)
{
	series->ns[round * series->slices + slice] = ns;
}

static int compare(const void *a, const void *b)
{
	return (int)(*(const double *)a > *(const double *)b) -
	       (int)(*(const double *)a < *(const double *)b);
}

static double median(double *sorted, size_t count)
{
	qsort(sorted, count, sizeof(*sorted), compare);
	return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

struct summary series_summary(const struct series *series)
{
	CLEANUP(cleanup_free) double *column = allocate(series->rounds);
	struct summary summary = { 0, 0 };

	for (size_t slice = 0; slice < series->slices; slice++) {
		for (size_t round = 0; round < series->rounds; round++)
			column[round] = series->ns[round * series->slices + slice];
		summary.median += median(column, series->rounds) / (double)series->slices;
		summary.min += column[0] / (double)series->slices;
	}
	return summary;
}

static double round_ns(const struct series *series, size_t round)
{
	CLEANUP(cleanup_free) double *row = allocate(series->slices);

	for (size_t slice = 0; slice < series->slices; slice++)
		row[slice] = series->ns[round * series->slices + slice];
	return median(row, series->slices);
}

/* The interval of a median is between two of its sorted values (the binomial distribution's). */
struct ratio series_ratio(const struct series *a, const struct series *b, const struct series *base)
{
	CLEANUP(cleanup_free) double *ratios = allocate(a->rounds);
	size_t count = a->rounds;
	double away = 0.98 * sqrt((double)count), below = floor((double)count / 2 - away);
	size_t low = below < 1 ? 0 : (size_t)below - 1;
	struct ratio ratio;

	for (size_t round = 0; round < count; round++) {
		double zero = base ? round_ns(base, round) : 0;

		ratios[round] = (round_ns(a, round) - zero) / (round_ns(b, round) - zero);
	}
	ratio.median = median(ratios, count);
	ratio.low = ratios[low];
	ratio.high = ratios[count - 1 - low];
	return ratio;
}
