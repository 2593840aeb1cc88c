/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counters.  A CPU adds to a stripe of its own, or to one that it shares with
 * few others when there are more CPUs than stripes.
 */
#ifndef PEP_ACCOUNT_H
#define PEP_ACCOUNT_H

#include "packet.h"

static __always_inline __u32 stripe(void)
{
	return bpf_get_smp_processor_id() & (stripes - 1);
}

static __always_inline void tally_add(struct pep_tally *tally, __u64 packets, __u64 bytes,
				      bool shared)
{
	if (shared) {
		__sync_fetch_and_add(&tally->packets, packets);
		__sync_fetch_and_add(&tally->bytes, bytes);
	} else {
		tally->packets += packets;
		tally->bytes += bytes;
	}
}

static __always_inline void counter_add(__u64 *counter, __u64 value)
{
	if (stripes_shared)
		__sync_fetch_and_add(counter, value);
	else
		*counter += value;
}

static __always_inline struct pep_totals *totals_lookup(void)
{
	__u32 index = stripe();

	return bpf_map_lookup_elem(&totals, &index);
}

static __always_inline void totals_add_race(void)
{
	struct pep_totals *total = totals_lookup();

	if (total)
		counter_add(&total->limit_races, 1);
}

/* By interface, direction and outcome. */
static __always_inline void account_outcome(__u32 interface, __u32 index, __u64 packets,
					    __u64 bytes)
{
	struct pep_tally *tally =
		outer_lookup(&interface_counters, interface * stripes + stripe(), index);

	if (tally)
		tally_add(tally, packets, bytes, stripes_shared);
}

/* Whether several CPUs write a slot's stripe. */
static __always_inline bool slot_stripe_shared(__u32 slot)
{
	return stripes_shared ||
	       (stripes > PEP_STRIPES_LATER && slot >= PEP_STRIPED_CHUNKS * PEP_CHUNK);
}

static __always_inline __u32 slot_stripe(__u32 slot)
{
	if (stripes > PEP_STRIPES_LATER && slot >= PEP_STRIPED_CHUNKS * PEP_CHUNK)
		return stripe() & (PEP_STRIPES_LATER - 1);
	return stripe();
}

static __always_inline void account_slot(__u32 slot, bool dropped, __u64 packets, __u64 bytes)
{
	__u32 entry = slot / PEP_CHUNK * stripes + slot_stripe(slot);
	struct pep_matches *matches = outer_lookup(&counters, entry, slot % PEP_CHUNK);

	if (matches)
		tally_add(dropped ? &matches->dropped : &matches->passed, packets, bytes,
			  slot_stripe_shared(slot));
}

#endif
