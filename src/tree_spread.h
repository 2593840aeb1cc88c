/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which children of a cut a rule goes to: what the builder does most.  Used by
 * tree*.c alone.
 */
#ifndef TREE_SPREAD_H
#define TREE_SPREAD_H

#include "tree_region.h"

/* The children that a rule goes to. */
struct spread {
	uint32_t child;
	uint32_t first, last; /* of an interval */
	uint32_t base, open; /* of a window */
	bool interval;
};

static inline uint32_t interval_child(const struct cut *cut, uint32_t port)
{
	uint32_t child = 0;

	if (cut->limits) {
		while (child < cut->limits && port >= cut->limit[child])
			child++;
		return child;
	}
	return port >> (cut->shift - 16U * cut->port) & low_bits(cut->bits);
}

/** For `do { ... spread.child ... } while (spread_next(&spread))`. */
static inline struct spread spread_begin(const struct region *region, const struct cut *cut,
					 const struct box *box)
{
	uint32_t value = box_value(box, cut->word) >> cut->shift, low, high;
	uint32_t fixed = box_fixed(box, cut->word) >> cut->shift;
	struct spread s = { .interval = cut->interval };

	if (!s.interval) {
		s.open = ~fixed & low_bits(cut->bits);
		s.base = s.child = value & fixed & low_bits(cut->bits);
		return s;
	}
	low = box->port_low[cut->port];
	high = box->port_high[cut->port];
	if (low < region->port_low[cut->port])
		low = region->port_low[cut->port];
	if (high > region->port_high[cut->port])
		high = region->port_high[cut->port];
	s.first = s.child = interval_child(cut, low);
	s.last = interval_child(cut, high);
	return s;
}

static inline bool spread_next(struct spread *s)
{
	if (s->interval)
		return ++s->child <= s->last;
	s->child = s->base | (((s->child & s->open) - s->open) & s->open);
	return s->child != s->base;
}

#endif
