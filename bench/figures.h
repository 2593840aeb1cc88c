/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What came of rounds: a measurement is a matrix of rounds x slices.
 */
#ifndef FIGURES_H
#define FIGURES_H

#include <stddef.h>

struct series {
	double *ns; /* rounds x slices */
	size_t rounds, slices;
};

/* Best, and middle, of each slice over the rounds; then the mean over the slices. */
struct summary {
	double min, median;
};

/* Median of the rounds' ratios, and where it is with a probability of 95 %. */
struct ratio {
	double low, median, high;
};

/** Makes room for @rounds x @slices; exits without memory. */
void series_open(struct series *series, size_t rounds, size_t slices);
void series_close(struct series *series);

/** What a round, a slice took. */
void series_put(struct series *series, size_t round, size_t slice, double ns);

struct summary series_summary(const struct series *series);

/** (a - base) / (b - base), round by round; @base may be NULL. All have the same shape. */
struct ratio series_ratio(const struct series *a, const struct series *b,
			  const struct series *base);

#endif
