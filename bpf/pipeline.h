/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet's path, the same for every hook:
 *
 *   control record -> context -> parse L2/L3, fragment, L4 -> flow cache or
 *   classifier -> limit, account, event (verdict.h) -> outcome -> verdict
 */
#ifndef PEP_PIPELINE_H
#define PEP_PIPELINE_H

#include "plain.h"
#include "verdict.h"

#define OUTCOME_IS_DROP(name, verdict, label, text) | (__u64)(verdict) << PEP_OUTCOME_##name
static const __u64 outcome_drops = 0 PEP_OUTCOMES(OUTCOME_IS_DROP);

/* Drops that a policy's slot has reported itself. */
#define OUTCOMES_REPORTED                                                                          \
	(1ULL << PEP_OUTCOME_POLICY_BLOCK | 1ULL << PEP_OUTCOME_LIMIT_EXCEED |                     \
	 1ULL << PEP_OUTCOME_LIMIT_CONTENDED)

#define FLOW_UNKNOWN (-2)

static long delay_step(__u32 index, __u64 *until)
{
	return bpf_ktime_get_ns() >= *until;
}

/* For tests: makes room for a publisher between the word and what it names. */
static __always_inline void delay(void)
{
	__u64 until;

	if (!debug_delay_ns)
		return;
	until = bpf_ktime_get_ns() + bpf_get_prandom_u32() % debug_delay_ns;
	bpf_loop(1 << 20, delay_step, &until, 0);
}

static __always_inline const struct pep_control *control_record(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&control, &zero);
}

/* The state that this packet sees, whole and once. */
static __always_inline __u64 control_word(const struct pep_control *record)
{
	__u64 word = READ_ONCE(record->word_now);
	__u64 deadline = READ_ONCE(record->deadline_ns);

	if (deadline && deadline <= bpf_ktime_get_coarse_ns())
		word = READ_ONCE(record->word_before);
	delay();
	return word;
}

static __always_inline void interface_lookup(struct packet *p)
{
	for (int i = 0; i < PEP_INTERFACE_PROBES; i++) {
		__u32 index = (p->ifindex + i) & (PEP_INTERFACES - 1);
		const struct pep_interface *entry = bpf_map_lookup_elem(&interfaces, &index);

		if (!entry || !entry->ifindex)
			return;
		if (entry->ifindex == p->ifindex) {
			p->interface = entry->id;
			if (entry->flags & PEP_INTERFACE_L3 && !(p->flags & PACKET_DRY))
				p->flags |= PACKET_L3;
			return;
		}
	}
}

static __always_inline void trace_fill(const struct packet *p, struct pep_trace *record)
{
	record->key = p->key;
	record->generation = PEP_WORD_GENERATION(p->word);
	record->time_ns = p->now_ns;
	record->ifindex = p->ifindex;
	record->vlans = p->vlans;
	record->length = p->length;
	record->packets = p->packets;
	record->flags = 0;
	if (p->flags & PACKET_FRAGMENT)
		record->flags |= PEP_TRACE_FRAGMENT;
	if (p->flags & PACKET_FRAGMENT && !(p->flags & PACKET_LATER))
		record->flags |= PEP_TRACE_FIRST;
	if (p->flags & PACKET_CACHEABLE && !(p->flags & PACKET_CHAINED))
		record->flags |= PEP_TRACE_CACHEABLE;
}

/* The end of a dry run. */
__noinline int trace_finish(struct packet *p, __u32 outcome)
{
	struct pep_trace *record = trace_lookup();

	if (!p || !record)
		return 0;
	trace_fill(p, record);
	record->outcome = outcome;
	record->slot = PEP_SLOT_NONE;
	if (outcome == PEP_OUTCOME_POLICY_ALLOW || outcome == PEP_OUTCOME_LIMIT_CONFORM ||
	    outcome == PEP_OUTCOME_FAILSAFE || 1ULL << (outcome & 63) & OUTCOMES_REPORTED)
		record->slot = p->slot;
	record->failsafe_for = p->failsafe_for;
	record->steps = p->steps;
	record->runs++;
	return 0;
}

/* The one exit: accounts, reports, and says whether to drop. */
static __always_inline bool finish(struct packet *p, __u32 outcome)
{
	bool drop;

	outcome &= PEP_OUTCOME_MAX - 1;
	drop = outcome_drops >> outcome & 1;
	if (p->flags & PACKET_DRY) {
		trace_finish(p, outcome);
		return drop;
	}
	account_outcome(p->interface, packet_direction(p) * PEP_OUTCOME_MAX + outcome, p->packets,
			p->length);
	if (drop && !(OUTCOMES_REPORTED >> outcome & 1)) {
		p->slot = PEP_SLOT_NONE;
		event_reason(p, outcome);
	}
	return drop;
}

/*
 * What becomes of a packet whose flow is in the cache and needs nothing but
 * being counted: CONTEXT_PASS or CONTEXT_DROP; else FLOW_UNKNOWN.
 */
static __always_inline int flow_verdict(const struct packet *p, const struct pep_control *record)
{
	const struct pep_flow *flow = flow_is_kept(p, flow_seen(p)) ? flow_entry(p) : NULL;
	__u32 outcome, index;
	bool drop;

	if (!flow || !flow_matches(flow, p))
		return FLOW_UNKNOWN;
	outcome = PEP_FLOW_OUTCOME(flow->flags);
	drop = outcome_drops >> outcome & 1;
	if (!(flow->flags & PEP_FLOW_PLAIN) || (drop && record->event_readers))
		return FLOW_UNKNOWN;
	if (flow->slot != PEP_SLOT_NONE)
		account_slot(flow->slot, drop, 1, p->length);
	index = packet_direction(p) * PEP_OUTCOME_MAX + outcome;
	account_outcome(p->interface, index, 1, p->length);
	cache_count(true);
	return drop ? CONTEXT_DROP : CONTEXT_PASS;
}

static __always_inline int pipeline(context *ctx, __u32 direction)
{
	const struct pep_control *record = control_record();
	struct packet p = {
		.vlans = VLANS_NONE,
		.slot = PEP_SLOT_NONE,
		.rank = NO_RANK,
		.failsafe_for = PEP_SLOT_NONE,
	};
	int outcome;

	p.word = record ? control_word(record) : 0;
	if (!p.word)
		return CONTEXT_PASS;
	context_read(ctx, &p, direction);
	interface_lookup(&p);
	if (plain_parse(ctx, &p)) {
		flow_place(&p);
		outcome = p.flags & PACKET_DRY ? FLOW_UNKNOWN : flow_verdict(&p, record);
		if (outcome != FLOW_UNKNOWN)
			return outcome;
	} else {
		outcome = parse(ctx, &p);
		flow_place(&p);
		if (outcome < 0)
			return finish(&p, decide_unparsed(&p, -outcome)) ? CONTEXT_DROP
									 : CONTEXT_PASS;
	}
	outcome = p.flags & PACKET_FRAGMENT ? decide_fragment(&p) : decide_packet(&p);
	return finish(&p, outcome) ? CONTEXT_DROP : CONTEXT_PASS;
}

#endif
