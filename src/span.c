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

static void take(size_t *work, size_t looked_at)
{
	*work -= looked_at < *work ? looked_at : *work;
}

int spans_intersect(struct span_arena *arena, const struct spans in[2], struct spans *ret,
		    size_t *work)
{
	const struct spans a = in[0], b = in[1];
	size_t first = arena->used, i = 0, j = 0;
	bool full = false;

	while (i < a.count && j < b.count && !full) {
		span_number low = a.span[i].low > b.span[j].low ? a.span[i].low : b.span[j].low;
		bool ends = a.span[i].high < b.span[j].high;
		span_number high = ends ? a.span[i].high : b.span[j].high;

		full = low <= high && !put(arena, low, high);
		if (ends)
			i++;
		else
			j++;
	}
	take(work, i + j);
	if (full)
		return -ENOSPC;
	*ret = (struct spans){ &arena->span[first], arena->used - first };
	return 0;
}

/* What of one span is in none of @b, of which those before *from end before it. */
static bool put_rest(struct span_arena *arena, struct span span, struct spans b, size_t *from)
{
	while (*from < b.count && b.span[*from].high < span.low)
		++*from;
	for (; *from < b.count && b.span[*from].low <= span.high; ++*from) {
		const struct span *taken = &b.span[*from];

		if (taken->low > span.low && !put(arena, span.low, taken->low - 1))
			return false;
		if (taken->high >= span.high)
			return true;
		span.low = taken->high + 1;
	}
	return put(arena, span.low, span.high);
}

int spans_subtract(struct span_arena *arena, const struct spans in[2], struct spans *ret,
		   size_t *work)
{
	size_t first = arena->used, i = 0, j = 0;
	bool full = false;

	for (; i < in[0].count && !full; i++)
		full = !put_rest(arena, in[0].span[i], in[1], &j);
	take(work, i + j);
	if (full)
		return -ENOSPC;
	*ret = (struct spans){ &arena->span[first], arena->used - first };
	return 0;
}

bool spans_overlap(struct spans a, struct spans b, size_t *work)
{
	size_t i = 0, j = 0;

	while (i < a.count && j < b.count) {
		if (a.span[i].high < b.span[j].low)
			i++;
		else if (b.span[j].high < a.span[i].low)
			j++;
		else
			break;
	}
	take(work, i + j + 1);
	return i < a.count && j < b.count;
}

bool spans_contain(struct spans a, struct spans b, size_t *work)
{
	size_t i = 0, j = 0;

	if (a.span == b.span && a.count == b.count) {
		take(work, 1);
		return true;
	}
	for (; j < b.count; j++) {
		while (i < a.count && a.span[i].high < b.span[j].low)
			i++;
		if (i == a.count || a.span[i].low > b.span[j].low ||
		    a.span[i].high < b.span[j].high)
			break;
	}
	take(work, i + j + 1);
	return j == b.count;
}

bool spans_have(struct spans spans, span_number number)
{
	size_t low = 0, high = spans.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (spans.span[middle].high < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < spans.count && spans.span[low].low <= number;
}

span_number spans_pick(struct spans spans, span_number preferred)
{
	return spans_have(spans, preferred) ? preferred : spans.span[0].low;
}
