// SPDX-License-Identifier: Apache-2.0
/*
 * Where to cut.  For every bit of the key a node knows how many rules have it
 * 0, 1 and open.  As if bits were independent, that tells how far a window
 * would shrink the list that a packet meets, and how often rules would be
 * copied; the best windows by that estimate are then tried for real.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "tree.h"

#define WINDOW_BITS_MOST 15
#define SIZES 4 /* of windows, of which the best of each word is tried for real */
#define COPY_PRICE 1.0 /* of doubling the rules, in halvings of the list */
#define COPY_PRICE_FAT 0.3 /* where a long list finds no other cut */
#define FAT 32
#define TABLE_PRICE 0.35 /* of a table as large as the list's rules */
#define SCORE_LEAST 0.25
#define SCORE_LEAST_FAT 0.02
#define SCORE_GOOD 1 /* no need to look for thresholds */

static const unsigned int size_bits[SIZES] = { WINDOW_BITS_MOST, 8, 4, 2 };

/* A node that looks for its cut. */
struct search {
	const struct tree_builder *builder;
	const uint32_t *list;
	size_t count;
	const struct region *region;
	double price; /* COPY_PRICE or less */
};

struct bit_sums {
	/* of the bits below, per word: halvings of the list, doublings of the rules */
	double gain[33], copies[33];
	uint32_t usable; /* bits not cut on yet that some rule fixes */
};

static const struct box *box_at(const struct search *s, size_t i)
{
	return &s->builder->boxes[s->list[i]];
}

static double table_price(const struct search *s, unsigned int bits)
{
	double record = s->builder->ipv6 ? sizeof(struct pep_rule6) : sizeof(struct pep_rule4);

	return TABLE_PRICE * (double)(8U << bits) / (record * (double)s->count);
}

/* False: no rule fixes any bit. */
static bool count_bits(const struct search *s, unsigned int word, uint32_t ones[32],
		       uint32_t fixed[32])
{
	uint32_t any = 0;

	memset(ones, 0, 32 * sizeof(*ones));
	memset(fixed, 0, 32 * sizeof(*fixed));
	for (size_t i = 0; i < s->count; i++) {
		uint32_t f = box_at(s, i)->fixed[word], v = box_at(s, i)->value[word];

		if (!f)
			continue;
		any |= f;
		for (unsigned int bit = 0; bit < 32; bit++) {
			fixed[bit] += f >> bit & 1;
			ones[bit] += (f & v) >> bit & 1;
		}
	}
	return any & ~s->region->known[word];
}

static bool sum_bits(const struct search *s, unsigned int word, struct bit_sums *ret)
{
	uint32_t ones[32], fixed[32];
	double n = (double)s->count;

	if (!count_bits(s, word, ones, fixed))
		return false;
	memset(ret, 0, sizeof(*ret));
	for (unsigned int bit = 0; bit < 32; bit++) {
		double open = n - fixed[bit], one = ones[bit], zero = fixed[bit] - one;
		double list_share =
			((zero + open / 2) * (zero + open) + (one + open / 2) * (one + open)) /
			(n * n);

		ret->gain[bit + 1] = ret->gain[bit] - log2(list_share);
		ret->copies[bit + 1] = ret->copies[bit] + log2((n + open) / n);
		if (fixed[bit] && !(s->region->known[word] >> bit & 1))
			ret->usable |= 1U << bit;
	}
	return true;
}

/*
 * Estimates every window of a word, for the best one of each size.  Bits are
 * not independent, so a large window may turn out to copy far too much.
 */
static void estimate_windows(const struct search *s, const struct bit_sums *sums, unsigned int word,
			     struct cut best[SIZES])
{
	for (unsigned int shift = 0; shift < 32; shift++) {
		for (unsigned int bits = 1; bits <= WINDOW_BITS_MOST && shift + bits <= 32;
		     bits++) {
			unsigned int end = shift + bits;
			struct cut cut = { .word = (uint8_t)word,
					   .shift = (uint8_t)shift,
					   .bits = (uint8_t)bits };

			if (!(sums->usable >> (end - 1) & 1) || 1U << bits > 4 * s->count)
				break;
			cut.score = sums->gain[end] - sums->gain[shift] -
				    s->price * (sums->copies[end] - sums->copies[shift]) -
				    table_price(s, bits);
			for (unsigned int i = 0; i < SIZES && bits <= size_bits[i]; i++) {
				if (cut.score > best[i].score)
					best[i] = cut;
			}
		}
	}
}

/* ---- trying for real */

struct trial {
	uint32_t *count; /* of each child */
	float *weight; /* share of the rules' space that lies in it */
};

/* How many copies; 0 when there are far too many. */
static size_t fill_trial(const struct search *s, const struct cut *cut, struct trial *trial)
{
	uint32_t mask = (1U << cut->bits) - 1;
	size_t copies = 0, most = 16 * s->count + 64;

	for (size_t i = 0; i < s->count; i++) {
		const struct box *box = box_at(s, i);
		uint32_t value = window_of(box->value[cut->word], cut->shift, cut->bits);
		uint32_t fixed = window_of(box->fixed[cut->word], cut->shift, cut->bits);
		uint32_t open = ~fixed & mask, sub = 0;
		float share = 1.0f / (float)(1U << __builtin_popcount(open));

		copies += 1UL << __builtin_popcount(open);
		if (copies > most)
			return 0;
		do {
			trial->count[(value & fixed) | sub]++;
			trial->weight[(value & fixed) | sub] += share;
			sub = (sub - open) & open;
		} while (sub);
	}
	return copies;
}

static void score_trial(const struct search *s, size_t copies, const struct trial *trial,
			struct cut *cut)
{
	double met = 0, n = (double)s->count;

	for (uint32_t i = 0; i < 1U << cut->bits; i++)
		met += (double)trial->weight[i] * trial->count[i];
	cut->replication = (double)copies / n;
	cut->score = log2(n * n / (met + 1e-9)) - s->price * log2(cut->replication) -
		     table_price(s, cut->bits);
}

static void try_window(const struct search *s, struct cut *cut)
{
	size_t children = 1UL << cut->bits, copies = 0;
	struct trial trial = { calloc(children, sizeof(*trial.count)),
			       calloc(children, sizeof(*trial.weight)) };

	if (trial.count && trial.weight)
		copies = fill_trial(s, cut, &trial);
	cut->score = -INFINITY;
	if (copies)
		score_trial(s, copies, &trial, cut);
	free(trial.count);
	free(trial.weight);
}

static void compete(const struct search *s, const struct cut *cut, struct cut *best)
{
	if (cut->score > best->score && s->region->copies * cut->replication <= s->builder->budget)
		*best = *cut;
}

/* The best windows of a word against what was found in others. */
static void try_word(const struct search *s, unsigned int word, struct cut *best)
{
	struct cut windows[SIZES];
	struct bit_sums sums;

	if (!sum_bits(s, word, &sums))
		return;
	for (unsigned int i = 0; i < SIZES; i++) {
		windows[i].score = -INFINITY;
		windows[i].bits = 0;
	}
	estimate_windows(s, &sums, word, windows);
	for (unsigned int i = 0; i < SIZES; i++) {
		if (!windows[i].bits || (i > 0 && windows[i].bits == windows[i - 1].bits))
			continue;
		try_window(s, &windows[i]);
		compete(s, &windows[i], best);
	}
}

/* ---- thresholds */

static int compare_ports(const void *a, const void *b)
{
	return *(const uint32_t *)a < *(const uint32_t *)b
		       ? -1
		       : *(const uint32_t *)a > *(const uint32_t *)b;
}

/* The ends of all rules' ranges, sorted; false: all cover the region. */
static bool sort_ends(const struct search *s, unsigned int port, uint32_t *low, uint32_t *high)
{
	bool inside = false;

	for (size_t i = 0; i < s->count; i++) {
		low[i] = box_at(s, i)->port_low[port];
		high[i] = box_at(s, i)->port_high[port];
		inside |= low[i] > s->region->port_low[port] ||
			  high[i] < s->region->port_high[port];
	}
	if (!inside)
		return false;
	qsort(low, s->count, sizeof(*low), compare_ports);
	qsort(high, s->count, sizeof(*high), compare_ports);
	return true;
}

static void score_threshold(const struct search *s, double below, double above, struct cut *cut)
{
	double n = (double)s->count, copies = below + above;
	double met = (below * below + above * above) / copies;

	cut->replication = copies / n;
	cut->score = log2(n / met) - s->price * log2(cut->replication);
}

/* One sweep over the lower ends: below are the rules that begin before one, above those that
 * do not end before it. */
static void sweep_thresholds(const struct search *s, unsigned int port, const uint32_t *low,
			     const uint32_t *high, struct cut *best)
{
	size_t ended = 0;

	for (size_t i = 1; i < s->count; i++) {
		struct cut cut = { .word = PEP_KEY_PORTS,
				   .shift = port ? 16 : 0,
				   .threshold = low[i] };

		if (low[i] == low[i - 1] || low[i] <= s->region->port_low[port] ||
		    low[i] > s->region->port_high[port])
			continue;
		while (ended < s->count && high[ended] < low[i])
			ended++;
		score_threshold(s, (double)i, (double)(s->count - ended), &cut);
		compete(s, &cut, best);
	}
}

static void try_thresholds(const struct search *s, struct cut *best)
{
	uint32_t *low CLEANUP(cleanup_free) = malloc(s->count * sizeof(*low));
	uint32_t *high CLEANUP(cleanup_free) = malloc(s->count * sizeof(*high));

	if (!low || !high)
		return;
	for (unsigned int port = 0; port < 2; port++) {
		if (sort_ends(s, port, low, high))
			sweep_thresholds(s, port, low, high, best);
	}
}

static void search(const struct search *s, struct cut *best)
{
	for (unsigned int word = 0; word < PEP_KEY_WORDS; word++)
		try_word(s, word, best);
	if (best->score < SCORE_GOOD)
		try_thresholds(s, best);
}

bool cut_choose(const struct tree_builder *builder, const uint32_t *list, size_t count,
		const struct region *region, struct cut *ret)
{
	struct search s = { .builder = builder,
			    .list = list,
			    .count = count,
			    .region = region,
			    .price = COPY_PRICE };
	struct cut best = { .score = -INFINITY };

	if (count <= builder->leaf_rules)
		return false;
	search(&s, &best);
	if (best.score < SCORE_LEAST && count > FAT) {
		s.price = COPY_PRICE_FAT;
		search(&s, &best);
	}
	if (best.score < (count > FAT ? SCORE_LEAST_FAT : SCORE_LEAST))
		return false;
	*ret = best;
	return true;
}
