/* SPDX-License-Identifier: Apache-2.0 */
#include "deadlines.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "cleanup.h"
#include "expiry.h"
#include "policyset.h"

#define SLACK 1024 /* entries that may be there in vain, and as many as policies end */

struct deadline {
	int64_t at_us; /* of the heap's clock */
	struct policy *policy;
};

static int follow_all(struct deadlines *deadlines, const struct policyset *set);
static int add(struct deadlines *deadlines, struct policy *policy);
static void heap_clear(struct deadline_heap *heap);
static bool is_gone(const struct deadlines *deadlines, const struct deadline *entry);
static void drop_top(struct deadline_heap *heap);

struct adding {
	struct deadlines *deadlines;
	int error;
};

static void add_one(void *context, struct policy *policy)
{
	struct adding *adding = context;

	if (!adding->error)
		adding->error = add(adding->deadlines, policy);
}

int deadlines_follow(struct deadlines *deadlines, struct policyset *set)
{
	struct adding adding = { .deadlines = deadlines };
	bool known = deadlines->set && set->expiring &&
		     policyset_each_added(set, deadlines->set, add_one, &adding);
	size_t entries = deadlines->real.count + deadlines->boot.count;

	if (!known || adding.error || entries > 2 * set->expiring + SLACK) {
		deadlines_clear(deadlines);
		adding.error = follow_all(deadlines, set);
	}
	if (adding.error) {
		deadlines_clear(deadlines);
		return adding.error;
	}
	policyset_get(set);
	policyset_put(&deadlines->set);
	deadlines->set = set;
	return 0;
}

static int follow_all(struct deadlines *deadlines, const struct policyset *set)
{
	int error = 0;

	for (size_t i = 0; i < set->count && set->expiring && !error; i++)
		error = add(deadlines, set->policy[i]);
	return error;
}

void deadlines_clear(struct deadlines *deadlines)
{
	heap_clear(&deadlines->real);
	heap_clear(&deadlines->boot);
	policyset_put(&deadlines->set);
}

/* The first one that is still in the set; INT64_MAX: there is none. */
static int64_t next_of(const struct deadlines *deadlines, struct deadline_heap *heap)
{
	while (heap->count && is_gone(deadlines, &heap->entry[0]))
		drop_top(heap);
	return heap->count ? heap->entry[0].at_us : INT64_MAX;
}

int64_t deadlines_left_us(struct deadlines *deadlines, const struct expiry_now *now)
{
	int64_t real = next_of(deadlines, &deadlines->real);
	int64_t boot = next_of(deadlines, &deadlines->boot);

	if (real != INT64_MAX)
		real -= now->real_us;
	if (boot != INT64_MAX)
		boot -= (int64_t)(now->boot_ns / 1000);
	return real < boot ? real : boot;
}

/* Whether the policy is gone, or another one has its id. */
static bool is_gone(const struct deadlines *deadlines, const struct deadline *entry)
{
	return policyset_find(deadlines->set, entry->policy->id) != entry->policy;
}

/* ---- heaps */

static int push(struct deadline_heap *heap, const struct deadline *wanted)
{
	size_t at = heap->count;

	if (heap->count == heap->room) {
		size_t room = heap->room ? 2 * heap->room : 64;
		struct deadline *entry = reallocarray(heap->entry, room, sizeof(*entry));

		if (!entry)
			return -ENOMEM;
		heap->entry = entry;
		heap->room = room;
	}
	heap->count++;
	for (; at && heap->entry[(at - 1) / 2].at_us > wanted->at_us; at = (at - 1) / 2)
		heap->entry[at] = heap->entry[(at - 1) / 2];
	heap->entry[at] = *wanted;
	policy_get(wanted->policy);
	return 0;
}

static int add(struct deadlines *deadlines, struct policy *policy)
{
	struct deadline entry = { .policy = policy };

	if (policy->origin != ORIGIN_API)
		return 0;
	if (policy->ttl_deadline_ns) {
		entry.at_us = (int64_t)(policy->ttl_deadline_ns / 1000);
		return push(&deadlines->boot, &entry);
	}
	entry.at_us = policy->expires_at;
	return policy->expires_at ? push(&deadlines->real, &entry) : 0;
}

/* The last one takes its place, and sinks. */
static void drop_top(struct deadline_heap *heap)
{
	struct deadline last = heap->entry[--heap->count];
	size_t at = 0, child;

	policy_put(&heap->entry[0].policy);
	while ((child = 2 * at + 1) < heap->count) {
		if (child + 1 < heap->count &&
		    heap->entry[child + 1].at_us < heap->entry[child].at_us)
			child++;
		if (heap->entry[child].at_us >= last.at_us)
			break;
		heap->entry[at] = heap->entry[child];
		at = child;
	}
	heap->entry[at] = last;
}

static void heap_clear(struct deadline_heap *heap)
{
	for (size_t i = 0; i < heap->count; i++)
		policy_put(&heap->entry[i].policy);
	free(heap->entry);
	*heap = (struct deadline_heap){ 0 };
}
