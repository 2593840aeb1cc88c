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

static __always_inline void account_outcome(const struct packet *p, __u32 outcome)
{
	__u32 entry = p->interface * stripes + stripe();
	__u32 index = packet_direction(p) * PEP_OUTCOME_MAX + outcome;
	struct pep_tally *tally = outer_lookup(&interface_counters, entry, index);

	if (!tally)
		return;
	counter_add(&tally->packets, p->packets);
	counter_add(&tally->bytes, p->length);
}

static __always_inline void account_slot(const struct packet *p, __u32 slot, bool dropped)
{
	__u32 entry = slot / PEP_CHUNK * stripes + stripe();
	struct pep_counters *counter = outer_lookup(&counters, entry, slot % PEP_CHUNK);

	if (!counter)
		return;
	counter_add(&counter->packets, p->packets);
	counter_add(&counter->bytes, p->length);
	if (dropped) {
		counter_add(&counter->dropped_packets, p->packets);
		counter_add(&counter->dropped_bytes, p->length);
	}
}

#endif
