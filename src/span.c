// SPDX-License-Identifier: Apache-2.0
#include "span.h"

#include <errno.h>
#include <stdlib.h>

int span_arena_make(size_t room, struct span_arena *ret)
{
	*ret = (struct span_arena){ .span = malloc((room + 1) * sizeof(*ret->span)), .room = room };
	return ret->span ? 0 : -ENOMEM;
}

void span_arena_clear(struct span_arena *arena)
{
	free(arena->span);
	*arena = (struct span_arena){ 0 };
}

static bool put(struct span_arena *arena, span_number low, span_number high)
{
	if (arena->used == arena->room)
		return false;
	arena->span[arena->used++] = (struct span){ low, high };
	return true;
}

struct spans spans_one(struct span_arena *arena, span_number low, span_number high)
{
	if (!put(arena, low, high))
		return (struct spans){ 0 };
	return (struct spans){ &arena->span[arena->used - 1], 1 };
}

static int compare(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (x->low > y->low) - (x->low < y->low);
}

struct spans spans_sort(struct span_arena *arena, size_t count)
{
	struct span *span = &arena->span[arena->used - count];
	size_t kept = 0;

	qsort(span, count, sizeof(*span), compare);
	for (size_t i = 0; i < count; i++) {
		struct span *last = kept ? &span[kept - 1] : NULL;

		if (!last || (span[i].low > last->high && span[i].low - last->high > 1))
			span[kept++] = span[i];
		else if (span[i].high > last->high)
			last->high = span[i].high;
	}
	arena->used -= count - kept;
	return (struct spans){ span, kept };
}

int spans_intersect(struct span_arena *arena, struct spans a, struct spans b, struct spans *ret)
{
	size_t first = arena->used, i = 0, j = 0;

	while (i < a.count && j < b.count) {
		span_number low = a.span[i].low > b.span[j].low ? a.span[i].low : b.span[j].low;
		bool ends = a.span[i].high < b.span[j].high;
		span_number high = ends ? a.span[i].high : b.span[j].high;

		if (low <= high && !put(arena, low, high))
			return -ENOSPC;
		if (ends)
			i++;
		else
			j++;
	}
	*ret = (struct spans){ &arena->span[first], arena->used - first };
	return 0;
}

/* What of one span is in none of @b. */
static bool put_rest(struct span_arena *arena, struct span span, struct spans b)
{
	for (size_t j = 0; j < b.count; j++) {
		if (b.span[j].high < span.low)
			continue;
		if (b.span[j].low > span.high)
			break;
		if (b.span[j].low > span.low && !put(arena, span.low, b.span[j].low - 1))
			return false;
		if (b.span[j].high >= span.high)
			return true;
		span.low = b.span[j].high + 1;
	}
	return put(arena, span.low, span.high);
}

int spans_subtract(struct span_arena *arena, struct spans a, struct spans b, struct spans *ret)
{
	size_t first = arena->used;

	for (size_t i = 0; i < a.count; i++)
		if (!put_rest(arena, a.span[i], b))
			return -ENOSPC;
	*ret = (struct spans){ &arena->span[first], arena->used - first };
	return 0;
}

bool spans_overlap(struct spans a, struct spans b)
{
	size_t i = 0, j = 0;

	while (i < a.count && j < b.count) {
		if (a.span[i].high < b.span[j].low)
			i++;
		else if (b.span[j].high < a.span[i].low)
			j++;
		else
			return true;
	}
	return false;
}

bool spans_contain(struct spans a, struct spans b)
{
	size_t i = 0;

	for (size_t j = 0; j < b.count; j++) {
		while (i < a.count && a.span[i].high < b.span[j].low)
			i++;
		if (i == a.count || a.span[i].low > b.span[j].low ||
		    a.span[i].high < b.span[j].high)
			return false;
	}
	return true;
}

span_number spans_pick(struct spans spans, span_number preferred)
{
	for (size_t i = 0; i < spans.count; i++)
		if (spans.span[i].low <= preferred && preferred <= spans.span[i].high)
			return preferred;
	return spans.span[0].low;
}
