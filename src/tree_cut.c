// SPDX-License-Identifier: Apache-2.0
/*
 * Where to cut.  Windows of bits that look promising are tried on the list
 * itself, then cuts of the ports, and the best by that is taken: what it
 * divides the list by, less what it copies, less its table.
 */
#include <math.h>
#include <string.h>

#include "cleanup.h"
#include "tree_cut.h"

#define COPY_PRICE_FAT 0.3 /* where a long list finds no other cut */
#define RANDOM_SHARE_FAT 0.25 /* of packets that no rule is about, there */
#define FAT 32
#define LONG 256 /* rules before one that takes all: about 2 us */
#define SCORE_LEAST 0.25
#define SCORE_LEAST_FAT 0.02
#define SCORE_GOOD 1 /* no need to look for cuts of the ports */
#define TRIALS_MOST 6
#define HOPELESS 0.5 /* an estimate of so much of the best score is */

static void set_prices(struct search *s)
{
	double bytes = (double)(record_bytes(s->builder) * s->count);

	for (unsigned int bits = 0; bits <= WINDOW_BITS_MOST; bits++)
		s->table_price[bits] = s->builder->table_price * (double)(8U << bits) / bytes;
}

static void compete(struct search *s, struct cut *cut)
{
	double gain = (1 - s->random_share) * cut->gain + s->random_share * cut->random_gain;

	cut->score = gain - s->price * cut->copies - s->table_price[cut->bits];
	if (cut->score > s->best.score)
		s->best = *cut;
}

static bool was_tried(const struct search *s, const struct cut *cut)
{
	for (unsigned int i = 0; i < s->tried_count; i++) {
		const struct cut *tried = &s->tried[i];

		if (tried->word == cut->word && tried->shift == cut->shift &&
		    tried->bits == cut->bits && tried->limits == cut->limits &&
		    !memcmp(tried->limit, cut->limit, sizeof(cut->limit)))
			return true;
	}
	return false;
}

void cut_try(struct search *s, struct cut *cut)
{
	bool fits;

	if (tree_cancelled(s->builder) || was_tried(s, cut))
		return;
	region_classify(s->region, cut);
	fits = trial_run(s, cut);
	if (fits)
		compete(s, cut);
	else
		cut->gain = -INFINITY;
	if (s->tried_count < TRIED_MOST)
		s->tried[s->tried_count++] = *cut;
}

/* With this price: what was tried with another one need not be tried again. */
static void try_all(struct search *s, double price, double random_share)
{
	struct windows windows;

	s->price = price;
	s->random_share = random_share;
	s->best.score = -INFINITY;
	for (unsigned int i = 0; i < s->tried_count; i++)
		compete(s, &s->tried[i]);
	windows_estimate(s, &windows);
	for (unsigned int i = 0; i < windows.count; i++) {
		if (i >= TRIALS_MOST || windows.cut[i].score < HOPELESS * s->best.score)
			break;
		cut_try(s, &windows.cut[i]);
	}
	if (s->best.score < SCORE_GOOD)
		ports_try(s);
}

/*
 * A rule for packets with ports covers nothing as long as others can come by,
 * and no rule gains by keeping them out: one cut that pays off only later.
 */
static bool keep_out_portless(struct search *s)
{
	size_t with = 0;

	if (s->region->known[PEP_KEY_PROTOCOL] & PEP_PROTOCOL_PORTS)
		return false;
	for (size_t i = 0; i < s->count; i++) {
		const struct box *box = &s->builder->boxes[s->list[i]];

		with += !!(box_fixed(box, PEP_KEY_PROTOCOL) & PEP_PROTOCOL_PORTS);
	}
	if (with < s->count - s->count / 4)
		return false;
	s->best = (struct cut){ .word = PEP_KEY_PROTOCOL,
				.shift = (uint8_t)__builtin_ctz(PEP_PROTOCOL_PORTS),
				.bits = 1 };
	return true;
}

bool cut_choose(struct search *s)
{
	s->best = (struct cut){ .score = -INFINITY };
	if (s->load.met <= s->builder->leaf_rules)
		return false;
	if (s->count > FAT && keep_out_portless(s))
		return true;
	set_prices(s);
	if (s->load.live > LONG && ports_partition(s))
		return true;
	try_all(s, s->builder->copy_price, 0);
	if (s->best.score < SCORE_LEAST && s->count > FAT)
		try_all(s, COPY_PRICE_FAT, RANDOM_SHARE_FAT);
	return s->best.score >= (s->count > FAT ? SCORE_LEAST_FAT : SCORE_LEAST);
}
