/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Limits: the generic cell rate algorithm (ITU-T I.371, virtual scheduling) in
 * its debt form, one 64-bit theoretical arrival time for all CPUs.  A packet
 * of any size conforms while credit for the least unit is left (a byte, or one
 * packet of a merged buffer), and what it takes beyond that delays the next
 * one: exact over time, whatever the packets' sizes, and a merged buffer
 * larger than the burst is late rather than lost for good.
 */
#ifndef PEP_RATELIMIT_H
#define PEP_RATELIMIT_H

#include "account.h"
#include "slot.h"

#define LIMIT_TRIES 8
#define LIMIT_UNITS_SHIFT 6 /* units of 2^-6 ns */
#define LIMIT_AMOUNT_MOST (1 << 27) /* costs have 36 bits: neither product nor time wraps around */

enum limit_result { LIMIT_CONFORM, LIMIT_EXCEED, LIMIT_CONTENDED, LIMIT_MISSING };

/* `until` is the time plus the burst, less the least unit. */
static __always_inline enum limit_result bucket_take(__u64 *tat, __u64 now, __u64 cost, __u64 until)
{
	__u64 old, from;

	for (int i = 0; i < LIMIT_TRIES; i++) {
		old = READ_ONCE(*tat);
		if (old > until)
			return LIMIT_EXCEED;
		from = old > now ? old : now;
		if (__sync_val_compare_and_swap(tat, old, from + cost) == old)
			return LIMIT_CONFORM;
		totals_add_race();
	}
	return LIMIT_CONTENDED;
}

/* What a bucket would say, without taking anything. */
static __always_inline enum limit_result bucket_ask(const __u64 *tat, __u64 until)
{
	return READ_ONCE(*tat) > until ? LIMIT_EXCEED : LIMIT_CONFORM;
}

static __always_inline __u64 limit_cost(const struct pep_limit *limit, __u64 amount)
{
	__u64 cost = limit->cost_shift & ((1ULL << PEP_LIMIT_COST_BITS) - 1);

	if (amount > LIMIT_AMOUNT_MOST)
		amount = LIMIT_AMOUNT_MOST;
	return amount * cost >> (limit->cost_shift >> PEP_LIMIT_COST_BITS & 63);
}

static __always_inline __u64 limit_until(const struct pep_limit *limit, __u64 now)
{
	return now + limit->burst - limit_cost(limit, 1);
}

/* What a packet is held against. */
struct limited {
	struct pep_limits *limits;
	const struct pep_rates *rates;
	__u32 flags; /* PEP_VERSION_ */
	__u64 now;
};

static __always_inline enum limit_result limit_ask(const struct limited *l)
{
	if (l->flags & PEP_VERSION_BYTES &&
	    bucket_ask(&l->limits->bytes_tat, limit_until(&l->rates->bytes, l->now)))
		return LIMIT_EXCEED;
	if (l->flags & PEP_VERSION_PACKETS &&
	    bucket_ask(&l->limits->packets_tat, limit_until(&l->rates->packets, l->now)))
		return LIMIT_EXCEED;
	return LIMIT_CONFORM;
}

/* Takes the packet from both buckets or from none. */
static __always_inline enum limit_result limit_take(const struct packet *p, const struct limited *l)
{
	__u64 bytes = limit_cost(&l->rates->bytes, p->length);
	__u64 packets = limit_cost(&l->rates->packets, p->packets);
	enum limit_result result = LIMIT_CONFORM;

	if (l->flags & PEP_VERSION_BYTES)
		result = bucket_take(&l->limits->bytes_tat, l->now, bytes,
				     limit_until(&l->rates->bytes, l->now));
	if (result || !(l->flags & PEP_VERSION_PACKETS))
		return result;
	result = bucket_take(&l->limits->packets_tat, l->now, packets,
			     limit_until(&l->rates->packets, l->now));
	if (result && l->flags & PEP_VERSION_BYTES)
		__sync_fetch_and_add(&l->limits->bytes_tat, -bytes);
	return result;
}

static __always_inline enum limit_result limit(const struct packet *p, struct pep_slot *slot,
					       const struct pep_version *version)
{
	struct limited l = { .flags = version->flags };

	l.limits = outer_lookup(&limits, slot->limits / PEP_CHUNK, slot->limits % PEP_CHUNK);
	if (!l.limits)
		return LIMIT_MISSING;
	l.rates = &l.limits->version[version == &slot->version[1]];
	l.now = packet_now_fine(p) << LIMIT_UNITS_SHIFT;
	return p->flags & PACKET_DRY ? limit_ask(&l) : limit_take(p, &l);
}

#endif
