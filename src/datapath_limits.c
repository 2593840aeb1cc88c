// SPDX-License-Identifier: Apache-2.0
/*
 * Most policies have no limits, so limits are records of their own, and slots
 * have the number of one.  A slot keeps it until another policy gets the slot,
 * which is when nothing can see the old one any more.
 */
#include "datapath_limits.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "datapath_chunks.h"
#include "policy.h"

#define UNITS_SHIFT 6 /* of GCRA: 2^-6 ns */
#define UNITS_PER_S (64.0 * 1e9)
#define COST_MAX (1ULL << 36) /* leaves 28 bits for an amount: ratelimit.h */
#define SHIFT_MAX 40
#define BURST_MAX (1ULL << 61)

/* ---- records */

struct pep_limits *datapath_limits_of(const struct datapath *datapath, const struct pep_slot *slot)
{
	if (!slot->limits)
		return NULL;
	return &datapath->limits.chunk[slot->limits / PEP_CHUNK][slot->limits % PEP_CHUNK];
}

/* So that giving all of them back cannot fail. */
static int make_room(struct datapath_limits *limits, size_t room)
{
	uint32_t *records;

	if (room <= limits->free_room)
		return 0;
	room += room / 4 + 64;
	records = realloc(limits->free, room * sizeof(*records));
	if (!records)
		return -ENOMEM;
	limits->free = records;
	limits->free_room = room;
	return 0;
}

int datapath_limits_reserve(struct datapath *datapath, size_t count)
{
	struct datapath_limits *limits = &datapath->limits;
	uint32_t have = (limits->next + PEP_CHUNK - 1) / PEP_CHUNK, want;
	int error;

	if (count <= limits->free_count)
		return 0;
	count += limits->next - limits->free_count;
	error = make_room(limits, count);
	want = (uint32_t)((count + PEP_CHUNK - 1) / PEP_CHUNK);
	while (have > 0 && !limits->chunk[have - 1])
		have--;
	if (error || want <= have)
		return error;
	return datapath_chunks_add_limits(datapath, have, want - have);
}

void datapath_limits_take(struct datapath *datapath, struct pep_slot *slot)
{
	struct datapath_limits *limits = &datapath->limits;

	if (slot->limits)
		return;
	if (limits->free_count)
		slot->limits = limits->free[--limits->free_count];
	else
		slot->limits = __atomic_fetch_add(&limits->next, 1, __ATOMIC_RELAXED);
	memset(datapath_limits_of(datapath, slot), 0, sizeof(struct pep_limits));
}

void datapath_limits_give(struct datapath *datapath, struct pep_slot *slot)
{
	if (slot->limits)
		datapath->limits.free[datapath->limits.free_count++] = slot->limits;
	slot->limits = 0;
}

/* ---- what is in them */

/* As much precision as 36 bits hold; see ratelimit.h of the programs. */
static void make_limit(const struct rate *rate, struct pep_limit *limit)
{
	uint64_t burst = rate->burst ? rate->burst : rate->per_second, shift = 0;
	double cost = UNITS_PER_S / (double)rate->per_second, time;

	while (cost * 2 < (double)COST_MAX && shift < SHIFT_MAX) {
		cost *= 2;
		shift++;
	}
	limit->cost_shift = shift << PEP_LIMIT_COST_BITS | (uint64_t)llround(cost);
	time = (double)burst * UNITS_PER_S / (double)rate->per_second;
	limit->burst = time < (double)BURST_MAX ? (uint64_t)time : BURST_MAX;
}

void datapath_limits_make(const struct policy *policy, struct pep_rates *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (policy->rare->bytes.per_second)
		make_limit(&policy->rare->bytes, &ret->bytes);
	if (policy->rare->packets.per_second)
		make_limit(&policy->rare->packets, &ret->packets);
}

static double cost_of(const struct pep_limit *limit)
{
	uint64_t cost = limit->cost_shift & ((1ULL << PEP_LIMIT_COST_BITS) - 1);

	return ldexp((double)cost, -(int)(limit->cost_shift >> PEP_LIMIT_COST_BITS));
}

static uint64_t units_now(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now))
		return 0;
	return ((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec) << UNITS_SHIFT;
}

/*
 * What was taken from the old bucket counts in the new one, up to its whole
 * burst.  As a time, the debt to a slow limit would close a faster one for long.
 */
static uint64_t carried_tat(uint64_t tat, const struct pep_limit *before,
			    const struct pep_limit *after, uint64_t now)
{
	double debt;

	if (!before->cost_shift || !after->cost_shift || tat <= now)
		return 0;
	debt = (double)(tat - now) * cost_of(after) / cost_of(before);
	return now + (debt < (double)after->burst ? (uint64_t)debt : after->burst);
}

static void carry_bucket(__u64 *tat, const struct pep_limit *before, const struct pep_limit *after)
{
	uint64_t now = units_now();
	__u64 old = __atomic_load_n(tat, __ATOMIC_RELAXED), carried;

	if (!memcmp(before, after, sizeof(*before)))
		return;
	do {
		carried = carried_tat(old, before, after, now);
	} while (!__atomic_compare_exchange_n(tat, &old, carried, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
}

void datapath_limits_carry(struct pep_limits *limits, unsigned int after)
{
	const struct pep_rates *rates = &limits->version[after], *before = &limits->version[!after];

	carry_bucket(&limits->bytes_tat, &before->bytes, &rates->bytes);
	carry_bucket(&limits->packets_tat, &before->packets, &rates->packets);
}

/* Of several runs the one in which more is missing. */
static void inherit_bucket(__u64 *tat, __u64 old, const struct pep_limit *before,
			   const struct pep_limit *after)
{
	carry_bucket(&old, before, after);
	if (old > *tat)
		*tat = old;
}

void datapath_limits_inherit(struct pep_limits *limits, unsigned int version,
			     const struct pep_limits *old, unsigned int old_version)
{
	const struct pep_rates *rates = &limits->version[version],
			       *before = &old->version[old_version];

	inherit_bucket(&limits->bytes_tat, old->bytes_tat, &before->bytes, &rates->bytes);
	inherit_bucket(&limits->packets_tat, old->packets_tat, &before->packets, &rates->packets);
}
