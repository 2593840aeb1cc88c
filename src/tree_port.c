// SPDX-License-Identifier: Apache-2.0
/*
 * Cuts of ports.  A range fixes hardly any bit, so ports are also divided at
 * one value, where few ranges lie on both sides, and into equal intervals.
 */
#include <math.h>
#include <stdlib.h>

#include "cleanup.h"
#include "tree_cut.h"

#define EQUAL_BITS_MOST 4

/* The ends of a list's ranges of one port, sorted. */
struct ends {
	unsigned int port;
	uint16_t *low, *high, *spare;
};

/* By the lower byte, then by the upper one; @spare has room for as many. */
static void sort_ports(uint16_t *port, uint16_t *spare, size_t count)
{
	for (unsigned int shift = 0; shift < 16; shift += 8) {
		size_t start[257] = { 0 };
		uint16_t *swap;

		for (size_t i = 0; i < count; i++)
			start[(port[i] >> shift & 0xff) + 1]++;
		for (unsigned int n = 1; n < 257; n++)
			start[n] += start[n - 1];
		for (size_t i = 0; i < count; i++)
			spare[start[port[i] >> shift & 0xff]++] = port[i];
		swap = port;
		port = spare;
		spare = swap;
	}
}

/* False: all cover the region. */
static bool sort_ends(const struct search *s, struct ends *ends)
{
	unsigned int port = ends->port;
	bool inside = false;

	for (size_t i = 0; i < s->count; i++) {
		const struct box *box = &s->builder->boxes[s->list[i]];

		ends->low[i] = box->port_low[port];
		ends->high[i] = box->port_high[port];
		inside |= ends->low[i] > s->region->port_low[port] ||
			  ends->high[i] < s->region->port_high[port];
	}
	if (!inside)
		return false;
	sort_ports(ends->low, ends->spare, s->count);
	sort_ports(ends->high, ends->spare, s->count);
	return true;
}

static double threshold_score(const struct search *s, double below, double above)
{
	double n = (double)s->count, copies = below + above;
	double met = (below * below + above * above) / copies;

	return log2(n / met) - s->price * log2(copies / n);
}

/*
 * One sweep over all values at which a range begins or behind which one ends:
 * below are the rules that begin before it, above those that do not end before.
 */
static void sweep(const struct search *s, const struct ends *ends, struct cut *ret)
{
	uint32_t from = s->region->port_low[ends->port], to = s->region->port_high[ends->port];
	size_t begun = 0, ended = 0;

	while (begun < s->count || ended < s->count) {
		uint32_t begin = begun < s->count ? ends->low[begun] : UINT32_MAX;
		uint32_t end = ended < s->count ? ends->high[ended] + 1U : UINT32_MAX;
		uint32_t at = begin < end ? begin : end;
		double score;

		while (ended < s->count && ends->high[ended] < at)
			ended++;
		if (at > from && at <= to) {
			score = threshold_score(s, (double)begun, (double)(s->count - ended));
			if (score > ret->score)
				*ret = (struct cut){ .limits = 1,
						     .limit = { (uint16_t)at },
						     .score = score };
		}
		while (begun < s->count && ends->low[begun] <= at)
			begun++;
	}
	ret->word = PEP_KEY_PORTS;
	ret->shift = (uint8_t)(16 * ends->port);
}

static void try_equal(struct search *s, unsigned int port)
{
	uint32_t spread = (uint32_t)s->region->port_low[port] ^ s->region->port_high[port];
	unsigned int top = spread ? 32 - (unsigned int)__builtin_clz(spread) : 0;

	for (unsigned int bits = 1; bits <= EQUAL_BITS_MOST && bits <= top; bits++) {
		struct cut cut = { .word = PEP_KEY_PORTS,
				   .shift = (uint8_t)(16 * port + top - bits),
				   .bits = (uint8_t)bits };

		cut_try(s, &cut);
	}
}

void ports_try(struct search *s)
{
	uint16_t *room CLEANUP(cleanup_free) = malloc(3 * s->count * sizeof(*room));

	if (!room)
		return;
	for (unsigned int port = 0; port < 2; port++) {
		struct ends ends = { port, room, room + s->count, room + 2 * s->count };
		struct cut cut = { .score = -INFINITY };

		if (!sort_ends(s, &ends))
			continue;
		sweep(s, &ends, &cut);
		if (cut.limits)
			cut_try(s, &cut);
		try_equal(s, port);
	}
}
