// SPDX-License-Identifier: Apache-2.0
/*
 * Which windows of bits look promising.  For every bit of the key a node knows
 * how many rules have it 0, 1 and open.  As if bits were independent, that
 * tells how far a window would shrink the list that a packet meets, and how
 * often rules would be copied.
 *
 * Counting is what a large node spends its time on, so it looks at a sample,
 * and counts all bits of a word at once: plane n holds bit n of 64 counters,
 * and adding to them is adding with carry (Harley and Seal's counters, as in
 * Warren's Hacker's Delight).
 */
#include <math.h>
#include <string.h>

#include "tree_cut.h"

#define SAMPLE 2047 /* rules; below 2^PLANES */
#define PLANES 11

static const unsigned int size_bits[WINDOW_SIZES] = { WINDOW_BITS_MOST, 8, 4, 2 };

struct bit_sums {
	/* of the bits below, per word: halvings of the list, doublings of the rules */
	double gain[33], copies[33];
	uint32_t usable; /* bits not cut on yet that some rule fixes */
};

/* Lanes 0 to 31 are ones, 32 to 63 fixed bits. How many rules were counted. */
static uint32_t count_bits(const struct search *s, unsigned int word, uint64_t plane[PLANES])
{
	size_t step = s->count / SAMPLE + 1;
	uint32_t counted = 0;

	memset(plane, 0, PLANES * sizeof(*plane));
	for (size_t i = 0; i < s->count; i += step) {
		const struct box *box = &s->builder->boxes[s->list[i]];
		uint32_t fixed = box_fixed(box, word);
		uint64_t carry = (uint64_t)fixed << 32 | (fixed & box_value(box, word));

		for (unsigned int p = 0; carry; p++) {
			uint64_t both = plane[p] & carry;

			plane[p] ^= carry;
			carry = both;
		}
		counted++;
	}
	return counted;
}

static uint32_t lane(const uint64_t plane[PLANES], unsigned int n)
{
	uint32_t count = 0;

	for (unsigned int p = 0; p < PLANES; p++)
		count |= (uint32_t)(plane[p] >> n & 1) << p;
	return count;
}

/* False: no rule fixes a bit that is not known. */
static bool sum_bits(const struct search *s, unsigned int word, struct bit_sums *ret)
{
	uint64_t plane[PLANES], any = 0;
	double n = count_bits(s, word, plane);

	for (unsigned int p = 0; p < PLANES; p++)
		any |= plane[p];
	ret->usable = (uint32_t)(any >> 32) & ~s->region->known[word];
	ret->gain[0] = ret->copies[0] = 0;
	for (unsigned int bit = 0; bit < 32 && ret->usable; bit++) {
		double fixed, open, one, zero;

		ret->gain[bit + 1] = ret->gain[bit];
		ret->copies[bit + 1] = ret->copies[bit] + 1;
		if (!(ret->usable >> bit & 1))
			continue;
		fixed = lane(plane, 32 + bit);
		open = n - fixed;
		one = lane(plane, bit);
		zero = fixed - one;
		ret->gain[bit + 1] -=
			log2(((zero + open / 2) * (zero + open) + (one + open / 2) * (one + open)) /
			     (n * n));
		ret->copies[bit + 1] += log2((n + open) / n) - 1;
	}
	return ret->usable;
}

/*
 * Estimates every window of a word, for the best one of each size.  Bits are
 * not independent, so a large window may turn out to copy far too much.
 */
static void estimate_word(const struct search *s, const struct bit_sums *sums, unsigned int word,
			  struct cut best[WINDOW_SIZES])
{
	for (unsigned int shift = 0; shift < 32; shift++) {
		if (!(sums->usable >> shift & 1))
			continue;
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
				    s->table_price[bits];
			for (unsigned int i = 0; i < WINDOW_SIZES && bits <= size_bits[i]; i++) {
				if (cut.score > best[i].score)
					best[i] = cut;
			}
		}
	}
}

static void insert(struct windows *windows, const struct cut *cut)
{
	unsigned int at = windows->count++;

	for (; at > 0 && windows->cut[at - 1].score < cut->score; at--)
		windows->cut[at] = windows->cut[at - 1];
	windows->cut[at] = *cut;
}

void windows_estimate(struct search *s, struct windows *ret)
{
	ret->count = 0;
	for (uint32_t words = s->builder->words; words; words &= words - 1) {
		unsigned int word = (unsigned int)__builtin_ctz(words);
		struct cut best[WINDOW_SIZES];
		struct bit_sums sums;

		if (!sum_bits(s, word, &sums))
			continue;
		for (unsigned int i = 0; i < WINDOW_SIZES; i++)
			best[i] = (struct cut){ .score = -INFINITY };
		estimate_word(s, &sums, word, best);
		for (unsigned int i = 0; i < WINDOW_SIZES; i++) {
			if (best[i].bits && (i == 0 || best[i].bits != best[i - 1].bits))
				insert(ret, &best[i]);
		}
	}
}
