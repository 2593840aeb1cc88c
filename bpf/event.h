/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Events: what policies with `log` saw, and a sample of every drop while
 * somebody reads.  Limited here, so that a flood costs little; what is left
 * out is counted.
 */
#ifndef PEP_EVENT_H
#define PEP_EVENT_H

#include "ratelimit.h"

#define EVENT_UNITS_PER_SECOND (1000000000ULL << LIMIT_UNITS_SHIFT)
#define EVENT_LOG_COST (EVENT_UNITS_PER_SECOND / 100)
#define EVENT_SAMPLE_COST (EVENT_UNITS_PER_SECOND / 10)
#define EVENT_BURST EVENT_UNITS_PER_SECOND

static __always_inline void event_fill(const struct packet *p, struct pep_event *event)
{
	for (int i = 0; i < 4; i++) {
		event->src[i] = p->key.word[PEP_KEY_SRC + i];
		event->dst[i] = p->key.word[PEP_KEY_DST + i];
	}
	event->time_ns = bpf_ktime_get_ns();
	event->generation = PEP_WORD_GENERATION(p->word);
	event->ifindex = p->ifindex;
	event->slot = p->slot;
	event->length = p->length;
	event->sport = p->key.word[PEP_KEY_PORTS] >> 16;
	event->dport = p->key.word[PEP_KEY_PORTS];
	event->vlan = p->vlans >> 16;
	event->protocol = p->protocol;
	event->family = packet_family(p);
	event->direction = packet_direction(p);
	event->tcp_flags = p->tcp_flags;
	__builtin_memset(event->reserved, 0, sizeof(event->reserved));
}

/* Reports the packet unless `tat` says that there were too many. */
static __always_inline void event_emit(const struct packet *p, __u64 *tat, __u32 outcome,
				       __u32 action_flags)
{
	bool sample = action_flags >> 8 & PEP_EVENT_SAMPLE;
	__u64 now = bpf_ktime_get_ns() << LIMIT_UNITS_SHIFT;
	struct pep_totals *total = totals_lookup();
	struct pep_event *event;

	if (!total)
		return;
	if (bucket_take(tat, now, sample ? EVENT_SAMPLE_COST : EVENT_LOG_COST, now + EVENT_BURST)) {
		counter_add(&total->events_suppressed, 1);
		return;
	}
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		counter_add(&total->events_lost, 1);
		return;
	}
	event_fill(p, event);
	event->outcome = outcome;
	event->action = action_flags;
	event->flags = action_flags >> 8;
	bpf_ringbuf_submit(event, 0);
}

static __always_inline bool event_wanted(void)
{
	__u32 zero = 0;
	const struct pep_control *record = bpf_map_lookup_elem(&control, &zero);

	return record && record->event_readers;
}

/* Of a slot's match: always if the policy asks, else a drop if somebody reads. */
static __always_inline void event_slot(const struct packet *p, struct pep_slot *slot,
				       const struct pep_version *version, __u32 outcome,
				       bool dropped)
{
	struct pep_totals *total;

	if (version->flags & PEP_VERSION_LOG || version->action == PEP_ACTION_LOG_ONLY) {
		total = totals_lookup();
		if (total)
			counter_add(&total->logged_packets, p->packets);
		event_emit(p, &slot->events_tat, outcome, version->action);
	} else if (dropped && event_wanted()) {
		event_emit(p, &slot->events_tat, outcome, version->action | PEP_EVENT_SAMPLE << 8);
	}
}

/* Of a drop that no policy decided. */
static __always_inline void event_reason(const struct packet *p, __u32 outcome)
{
	__u64 *tat;

	if (!event_wanted())
		return;
	tat = bpf_map_lookup_elem(&event_limits, &outcome);
	if (tat)
		event_emit(p, tat, outcome, PEP_ACTION_BLOCK | PEP_EVENT_SAMPLE << 8);
}

#endif
