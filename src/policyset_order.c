// SPDX-License-Identifier: Apache-2.0
/*
 * The evaluation order of all policies of a set.  With a million of them a
 * sort that compares takes seconds, most of which it waits for memory.  So
 * each policy is looked at once: all but the id becomes a number, and these
 * are sorted digit by digit, least first.  That keeps the order of equal ones,
 * and the set is sorted by id.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "cleanup.h"
#include "policy_order.h"
#include "policyset.h"

#define DIGIT_BITS 10
#define DIGIT_VALUES (1u << DIGIT_BITS)
#define LOW_DIGITS 2 /* in key.low */
#define DIGITS 7

#define AHEAD 8 /* policies that are on their way to the cache */
#define POLICY_LINES 3 /* cache lines of most policies */

/* Smaller comes first. */
struct key {
	uint64_t high; /* 1 bit: another family; priority 16, source and destination 8 each,
			* source span 17 */
	uint32_t low; /* destination span 17, any protocol 1, action 2 */
	uint32_t index;
};

static int make_order(const struct policyset *set, enum pep_family first, enum pep_family second,
		      uint32_t **ret);

int policyset_order(const struct policyset *set, enum pep_family family, uint32_t **ret)
{
	return make_order(set, family, family, ret);
}

int policyset_order_all(const struct policyset *set, uint32_t **ret)
{
	return make_order(set, PEP_IPV4, PEP_IPV6, ret);
}

/* The longer prefix first; -1 bits: none of that family. */
static uint64_t from_longest(int16_t bits)
{
	return (uint64_t)(128 - bits);
}

static struct key key_of(const struct policy *policy, enum pep_family family)
{
	struct policy_order order = policy_order(policy, family);

	return (struct key){
		.high = (uint64_t)order.priority << 33 | from_longest(order.src_bits) << 25 |
			from_longest(order.dst_bits) << 17 | order.src_span,
		.low = order.dst_span << 3 | (uint32_t)order.any_protocol << 2 | order.action,
	};
}

static void fetch_ahead(const struct policyset *set, size_t index)
{
	const char *policy;

	if (index >= set->count)
		return;
	policy = (const char *)set->policy[index];
	for (size_t i = 0; i < POLICY_LINES; i++)
		__builtin_prefetch(policy + 64 * i);
}

static void make_keys(const struct policyset *set, enum pep_family first, enum pep_family second,
		      struct key *keys)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct policy *policy = set->policy[i];
		bool other = !policy_has_family(policy, first);

		fetch_ahead(set, i + AHEAD);
		keys[i] = key_of(policy, other ? second : first);
		keys[i].high |= (uint64_t)other << 49;
		keys[i].index = (uint32_t)i;
	}
}

static unsigned int digit(const struct key *key, unsigned int n)
{
	uint64_t part = n < LOW_DIGITS ? key->low : key->high;
	unsigned int shift = (n < LOW_DIGITS ? n : n - LOW_DIGITS) * DIGIT_BITS;

	return (unsigned int)(part >> shift) & (DIGIT_VALUES - 1);
}

/* How often each value of each digit is there. */
struct tallies {
	uint32_t count[DIGITS][DIGIT_VALUES];
};

static void tally(struct tallies *tallies, const struct key *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (unsigned int n = 0; n < DIGITS; n++)
			tallies->count[n][digit(&keys[i], n)]++;
}

/* By one digit, from @from to @to; @place: how often each value is there. */
static void sort_by(const struct key *from, size_t count, unsigned int n, uint32_t *place,
		    struct key *to)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < DIGIT_VALUES; i++) {
		uint32_t here = place[i];

		place[i] = sum;
		sum += here;
	}
	for (size_t i = 0; i < count; i++)
		to[place[digit(&from[i], n)]++] = from[i];
}

/* Sorts, with room for as many behind them. Returns where the sorted ones are. */
static const struct key *sort(struct key *keys, size_t count, struct tallies *tallies)
{
	struct key *now = keys, *next = keys + count;

	tally(tallies, keys, count);
	for (unsigned int n = 0; n < DIGITS && count; n++) {
		struct key *sorted = next;

		if (tallies->count[n][digit(now, n)] == count)
			continue; /* the same in all */
		sort_by(now, count, n, tallies->count[n], next);
		next = now;
		now = sorted;
	}
	return now;
}

static int make_order(const struct policyset *set, enum pep_family first, enum pep_family second,
		      uint32_t **ret)
{
	CLEANUP(cleanup_free) struct key *keys = calloc(2 * set->count + 1, sizeof(*keys));
	CLEANUP(cleanup_free) struct tallies *tallies = calloc(1, sizeof(*tallies));
	CLEANUP(cleanup_free) uint32_t *order = calloc(set->count + 1, sizeof(*order));
	const struct key *sorted;

	if (!keys || !tallies || !order)
		return -ENOMEM;
	make_keys(set, first, second, keys);
	sorted = sort(keys, set->count, tallies);
	for (size_t i = 0; i < set->count; i++)
		order[i] = sorted[i].index;
	*ret = TAKE_PTR(order);
	return 0;
}
