/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of numbers as intervals: sorted, disjoint, not touching.  128 bits hold
 * an IPv6 address, and everything else that a packet is matched by.
 */
#ifndef SPAN_H
#define SPAN_H

#include <stdbool.h>
#include <stddef.h>

typedef unsigned __int128 span_number;

struct span {
	span_number low, high;
};

/* Borrowed: of an arena. */
struct spans {
	const struct span *span;
	size_t count;
};

/* Where results are put, one behind the other; taken back by setting `used`. */
struct span_arena {
	struct span *span;
	size_t used, room;
};

/** Room for @room spans. Returns 0 or -ENOMEM. */
int span_arena_make(size_t room, struct span_arena *ret);
/** Frees it. */
void span_arena_clear(struct span_arena *arena);

/** The interval @low..@high. NULL spans, of count 0, when there is no room. */
struct spans spans_one(struct span_arena *arena, span_number low, span_number high);

/** Sorts and merges @count spans in place, the last that were put into the arena. */
struct spans spans_sort(struct span_arena *arena, size_t count);

/* What follows takes the spans that it looks at off *work, which stays at 0 then. */

/** @{ */
/** Returns 0, or -ENOSPC when there is no room. */
int spans_intersect(struct span_arena *arena, const struct spans in[2], struct spans *ret,
		    size_t *work);
int spans_subtract(struct span_arena *arena, const struct spans in[2], struct spans *ret,
		   size_t *work);
/** @} */

/** Whether a number is in both. */
bool spans_overlap(struct spans a, struct spans b, size_t *work);
/** Whether all of @b is in @a. */
bool spans_contain(struct spans a, struct spans b, size_t *work);

/** Whether a number is in it; quick. */
bool spans_have(struct spans spans, span_number number);

/** @preferred, if it is in it, else the least; there must be one. */
span_number spans_pick(struct spans spans, span_number preferred);

#endif
