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
#define TRIED 6 /* windows that are tried for real */
#define COPY_PRICE 1.0 /* of doubling the rules, in halvings of the list */
#define COPY_PRICE_FAT 0.3 /* where many rules are still together */
#define FAT 48
#define TABLE_PRICE 0.35 /* of a table as large as the list's rules */
#define SCORE_LEAST 0.25

struct bit_sums {
	/* of the bits below, per word: halvings of the list, doublings of the rules */
	double gain[33], copies[33];
	uint32_t usable; /* bits not cut on yet that some rule fixes */
};

static double copy_price(size_t count)
{
	return count > FAT ? COPY_PRICE_FAT : COPY_PRICE;
}

static double table_price(size_t count, unsigned int bits, bool ipv6)
{
	double rules = (double)count * (ipv6 ? sizeof(struct pep_rule6) : sizeof(struct pep_rule4));

	return TABLE_PRICE * (double)(8U << bits) / rules;
}

static void count_bits(const struct tree_builder *b, const uint32_t *list, size_t count,
		       unsigned int word, uint32_t ones[32], uint32_t fixed[32])
{
	memset(ones, 0, 32 * sizeof(*ones));
	memset(fixed, 0, 32 * sizeof(*fixed));
	for (size_t i = 0; i < count; i++) {
		const struct box *box = &b->boxes[list[i]];
		uint32_t f = box->fixed[word], v = box->value[word];

		if (!f)
			continue;
		for (unsigned int bit = 0; bit < 32; bit++) {
			fixed[bit] += f >> bit & 1;
			ones[bit] += (f & v) >> bit & 1;
		}
	}
}

static void sum_bits(const struct tree_builder *b, const uint32_t *list, size_t count,
		     const struct region *region, unsigned int word, struct bit_sums *ret)
{
	uint32_t ones[32], fixed[32];
	double n = (double)count;

	count_bits(b, list, count, word, ones, fixed);
	memset(ret, 0, sizeof(*ret));
	for (unsigned int bit = 0; bit < 32; bit++) {
		double open = n - fixed[bit], one = ones[bit], zero = fixed[bit] - one;
		double list_share = ((zero + open / 2) * (zero + open) +
				     (one + open / 2) * (one + open)) / (n * n);

		ret->gain[bit + 1] = ret->gain[bit] - log2(list_share);
		ret->copies[bit + 1] = ret->copies[bit] + log2((n + open) / n);
		if (fixed[bit] && !(region->known[word] >> bit & 1))
			ret->usable |= 1U << bit;
	}
}

static void keep_best(struct cut *best, size_t room, const struct cut *cut)
{
	size_t at = room;

	while (at > 0 && cut->score > best[at - 1].score)
		at--;
	if (at == room)
		return;
	memmove(&best[at + 1], &best[at], (room - 1 - at) * sizeof(*best));
	best[at] = *cut;
}

/* Estimates every window of a word; the best one of each start competes. */
static void estimate_windows(const struct tree_builder *b, const struct bit_sums *sums,
			     unsigned int word, size_t count, struct cut best[TRIED])
{
	double price = copy_price(count);

	for (unsigned int shift = 0; shift < 32; shift++) {
		struct cut winner = { .score = -INFINITY };

		for (unsigned int bits = 1; bits <= WINDOW_BITS_MOST && shift + bits <= 32; bits++) {
			unsigned int end = shift + bits;
			struct cut cut = { .word = (uint8_t)word, .shift = (uint8_t)shift,
					   .bits = (uint8_t)bits };

			if (!(sums->usable >> (end - 1) & 1) || 1U << bits > 4 * count)
				break;
			cut.score = sums->gain[end] - sums->gain[shift] -
				    price * (sums->copies[end] - sums->copies[shift]) -
				    table_price(count, bits, b->ipv6);
			if (cut.score > winner.score)
				winner = cut;
		}
		if (winner.bits)
			keep_best(best, TRIED, &winner);
	}
}

/* ---- trying for real */

struct trial {
	uint32_t *count; /* of each child */
	float *weight; /* share of the rules' space that lies in it */
};

/* How many copies; 0 when there are far too many. */
static size_t fill_trial(const struct tree_builder *b, const uint32_t *list, size_t count,
			 const struct cut *cut, struct trial *trial)
{
	uint32_t mask = (1U << cut->bits) - 1;
	size_t copies = 0, most = 16 * count + 64;

	for (size_t i = 0; i < count; i++) {
		const struct box *box = &b->boxes[list[i]];
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

static void score_trial(size_t count, bool ipv6, size_t copies, const struct trial *trial,
			struct cut *cut)
{
	double met = 0, n = (double)count;

	for (uint32_t i = 0; i < 1U << cut->bits; i++)
		met += (double)trial->weight[i] * trial->count[i];
	cut->replication = (double)copies / n;
	cut->score = log2(n * n / (met + 1e-9)) - copy_price(count) * log2(cut->replication) -
		     table_price(count, cut->bits, ipv6);
}

static void try_window(const struct tree_builder *b, const uint32_t *list, size_t count,
		       struct cut *cut)
{
	size_t children = 1UL << cut->bits, copies = 0;
	struct trial trial = { calloc(children, sizeof(*trial.count)),
			       calloc(children, sizeof(*trial.weight)) };

	if (trial.count && trial.weight)
		copies = fill_trial(b, list, count, cut, &trial);
	cut->score = -INFINITY;
	if (copies)
		score_trial(count, b->ipv6, copies, &trial, cut);
	free(trial.count);
	free(trial.weight);
}

/* ---- thresholds */

static int compare_ports(const void *a, const void *b)
{
	return *(const uint32_t *)a < *(const uint32_t *)b ? -1 :
	       *(const uint32_t *)a > *(const uint32_t *)b;
}

/* Values at which some rule begins or ends within the region. */
static size_t threshold_candidates(const struct tree_builder *b, const uint32_t *list,
				   size_t count, const struct region *region, unsigned int port,
				   uint32_t *low, uint32_t *high)
{
	size_t inside = 0;

	for (size_t i = 0; i < count; i++) {
		const struct box *box = &b->boxes[list[i]];

		low[i] = box->port_low[port];
		high[i] = box->port_high[port];
		inside += low[i] > region->port_low[port] || high[i] < region->port_high[port];
	}
	qsort(low, count, sizeof(*low), compare_ports);
	qsort(high, count, sizeof(*high), compare_ports);
	return inside;
}

static void score_threshold(size_t count, double below, double above, struct cut *cut)
{
	double n = (double)count, copies = below + above;
	double met = (below * below + above * above) / copies;

	cut->replication = copies / n;
	cut->score = log2(n / met) - copy_price(count) * log2(cut->replication);
}

/* One sweep over all lower ends: below are the rules that begin before, above those that
 * end at or behind it. */
static void sweep_thresholds(size_t count, const struct region *region, unsigned int port,
			     const uint32_t *low, const uint32_t *high, struct cut *best)
{
	size_t ended = 0;

	for (size_t i = 1; i < count; i++) {
		struct cut cut = { .word = PEP_KEY_PORTS, .shift = port ? 16 : 0,
				   .threshold = low[i] };

		if (low[i] == low[i - 1] || low[i] <= region->port_low[port] ||
		    low[i] > region->port_high[port])
			continue;
		while (ended < count && high[ended] < low[i])
			ended++;
		score_threshold(count, (double)i, (double)(count - ended), &cut);
		if (cut.score > best->score)
			*best = cut;
	}
}

static void try_thresholds(const struct tree_builder *b, const uint32_t *list, size_t count,
			   const struct region *region, struct cut *best)
{
	uint32_t *low CLEANUP(cleanup_free) = malloc(count * sizeof(*low));
	uint32_t *high CLEANUP(cleanup_free) = malloc(count * sizeof(*high));

	if (!low || !high)
		return;
	for (unsigned int port = 0; port < 2; port++) {
		if (threshold_candidates(b, list, count, region, port, low, high))
			sweep_thresholds(count, region, port, low, high, best);
	}
}

static bool fits(const struct tree_builder *b, const struct region *region, const struct cut *cut)
{
	return region->copies * cut->replication <= b->budget;
}

bool cut_choose(const struct tree_builder *builder, const uint32_t *list, size_t count,
		const struct region *region, struct cut *ret)
{
	struct cut tried[TRIED], best = { .score = -INFINITY };
	struct bit_sums sums;

	if (count <= builder->leaf_rules)
		return false;
	for (size_t i = 0; i < TRIED; i++)
		tried[i].score = -INFINITY;
	for (unsigned int word = 0; word < PEP_KEY_WORDS; word++) {
		sum_bits(builder, list, count, region, word, &sums);
		if (sums.usable)
			estimate_windows(builder, &sums, word, count, tried);
	}
	for (size_t i = 0; i < TRIED && tried[i].score > 0; i++) {
		try_window(builder, list, count, &tried[i]);
		if (tried[i].score > best.score && fits(builder, region, &tried[i]))
			best = tried[i];
	}
	if (best.score < 1) {
		struct cut threshold = { .score = -INFINITY };

		try_thresholds(builder, list, count, region, &threshold);
		if (threshold.score > best.score && fits(builder, region, &threshold))
			best = threshold;
	}
	if (best.score < SCORE_LEAST)
		return false;
	*ret = best;
	return true;
}
