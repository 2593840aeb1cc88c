/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From the first match to the verdict: what the slot does, what continues,
 * what a failsafe policy overrules, what the default action is.
 */
#ifndef PEP_VERDICT_H
#define PEP_VERDICT_H

#include "classify.h"
#include "event.h"
#include "flow.h"
#include "fragment.h"

#define STEP_CONTINUE (-1)

static __always_inline __u32 image_flags(const struct packet *p)
{
	const struct pep_image *image;
	__u64 limit;

	if (PEP_WORD_OVERLAY(p->word) == PEP_OVERLAY_NONE)
		image = image_lookup(p->word, &limit);
	else
		image = overlay_lookup(p->word, &limit);
	return image ? image->flags : 0;
}

static __always_inline void trace_step(struct packet *p, const struct pep_version *version,
				       bool conform)
{
	struct pep_trace *record = trace_lookup();
	__u32 index = p->steps;

	if (!record || index > PEP_CHAIN)
		return;
	record->step[index].slot = p->slot;
	record->step[index].rank = p->rank;
	record->step[index].action = version->action;
	record->step[index].flags = version->flags;
	record->step[index].conform = conform;
}

/*
 * Whether a failsafe policy saves the packet from a drop; then p->slot is its
 * slot.  The answer "no" holds for the whole flow if no other field was asked.
 */
static __always_inline bool failsafe_overrules(struct packet *p)
{
	__u32 slot = p->slot, rank = p->rank, after = p->after_rank, extra = p->extra_rank;
	bool found;

	if (p->flags & PACKET_NO_FAILSAFE)
		return false;
	p->after_rank = 0;
	found = classify(p, PEP_RULES_FAILSAFE) == 0 && p->slot != PEP_SLOT_NONE;
	if (found) {
		p->failsafe_for = slot;
		return true;
	}
	if (p->extra_rank == NO_RANK)
		p->flags |= PACKET_NO_FAILSAFE;
	p->slot = slot;
	p->rank = rank;
	p->after_rank = after;
	p->extra_rank = extra;
	return false;
}

static __always_inline int failsafe_pass(struct packet *p)
{
	if (!(p->flags & PACKET_DRY))
		account_slot(p->slot, false, p->packets, p->length);
	return PEP_OUTCOME_FAILSAFE;
}

static __always_inline bool is_broad(const struct packet *p, const struct pep_version *version)
{
	return version->flags & (p->flags & PACKET_IPV6 ? PEP_VERSION_BROAD6 : PEP_VERSION_BROAD4);
}

/* Counts and reports what a slot did. */
static __always_inline void step_note(struct packet *p, struct pep_slot *slot,
				      const struct pep_version *version, __u32 outcome,
				      bool dropped)
{
	if (p->flags & PACKET_DRY) {
		trace_step(p, version, !dropped);
		return;
	}
	account_slot(p->slot, dropped, p->packets, p->length);
	event_slot(p, slot, version, outcome, dropped);
}

/* Takes note when nothing needs to be asked again for the next packet of the flow. */
static __always_inline void note_plain(struct packet *p, const struct pep_version *version)
{
	if (!(version->flags & PEP_VERSION_LOG) && !version->expires_ns)
		p->flags |= PACKET_PLAIN;
}

/*
 * A drop, unless the failsafe policies are to be asked first: then it is up to
 * verdict_chain(), because asking them here would need more stack than there is.
 */
static __always_inline int step_drop(struct packet *p, struct pep_slot *slot,
				     const struct pep_version *version, int outcome)
{
	if (is_broad(p, version) && !(p->flags & PACKET_NO_FAILSAFE)) {
		if (p->flags & PACKET_DRY) /* also when it is overruled */
			trace_step(p, version, false);
		p->flags |= PACKET_BROAD;
		return outcome;
	}
	if (outcome == PEP_OUTCOME_POLICY_BLOCK)
		note_plain(p, version);
	step_note(p, slot, version, outcome, true);
	return outcome;
}

static __always_inline int step_limit(struct packet *p, struct pep_slot *slot,
				      const struct pep_version *version)
{
	enum limit_result result = limit(p, slot, version);

	if (result == LIMIT_MISSING)
		return PEP_OUTCOME_NO_STATE;
	if (version->flags & PEP_VERSION_CONTINUE)
		p->flags |= PACKET_CHAINED;
	if (result == LIMIT_CONFORM) {
		step_note(p, slot, version, PEP_OUTCOME_LIMIT_CONFORM, false);
		return version->flags & PEP_VERSION_CONTINUE ? STEP_CONTINUE
							     : PEP_OUTCOME_LIMIT_CONFORM;
	}
	return step_drop(p, slot, version,
			 result == LIMIT_EXCEED ? PEP_OUTCOME_LIMIT_EXCEED
						: PEP_OUTCOME_LIMIT_CONTENDED);
}

/* Applies p->slot: a PEP_OUTCOME_, or STEP_CONTINUE for the next match. */
__noinline int verdict_step(struct packet *p)
{
	const struct pep_version *version;
	struct pep_slot *slot;

	if (!p)
		return PEP_OUTCOME_NO_STATE;
	slot = slot_lookup(p->slot);
	if (!slot)
		return PEP_OUTCOME_NO_STATE;
	version = slot_version(p, slot);
	if (!version) /* expired a moment ago */
		return STEP_CONTINUE;
	switch (version->action) {
	case PEP_ACTION_ALLOW:
		note_plain(p, version);
		step_note(p, slot, version, PEP_OUTCOME_POLICY_ALLOW, false);
		return PEP_OUTCOME_POLICY_ALLOW;
	case PEP_ACTION_LOG_ONLY:
		step_note(p, slot, version, PEP_OUTCOME_POLICY_ALLOW, false);
		return STEP_CONTINUE;
	case PEP_ACTION_RATE_LIMIT:
		return step_limit(p, slot, version);
	}
	return step_drop(p, slot, version, PEP_OUTCOME_POLICY_BLOCK);
}

/* The drop that was put off, as no failsafe policy matches. */
__noinline int verdict_drop(struct packet *p, int outcome)
{
	const struct pep_version *version;
	struct pep_slot *slot;

	if (!p)
		return PEP_OUTCOME_NO_STATE;
	slot = slot_lookup(p->slot);
	if (!slot)
		return PEP_OUTCOME_NO_STATE;
	version = slot_version(p, slot);
	if (!version)
		return outcome; /* expired a moment ago */
	if (outcome == PEP_OUTCOME_POLICY_BLOCK && p->flags & PACKET_NO_FAILSAFE)
		note_plain(p, version);
	step_note(p, slot, version, outcome, true);
	return outcome;
}

static __always_inline int broad_drop(struct packet *p, int outcome)
{
	p->flags &= ~PACKET_BROAD;
	return failsafe_overrules(p) ? failsafe_pass(p) : verdict_drop(p, outcome);
}

static __always_inline int default_outcome(struct packet *p)
{
	if (!(image_flags(p) & PEP_IMAGE_DEFAULT_BLOCK)) {
		p->flags |= PACKET_PLAIN;
		return PEP_OUTCOME_DEFAULT_ALLOW;
	}
	if (failsafe_overrules(p))
		return failsafe_pass(p);
	if (p->flags & PACKET_NO_FAILSAFE)
		p->flags |= PACKET_PLAIN;
	return PEP_OUTCOME_DEFAULT_BLOCK;
}

static __always_inline int classify_failed(int error)
{
	return error == ERROR_BOUND ? PEP_OUTCOME_CLASSIFIER_BOUND : PEP_OUTCOME_NO_STATE;
}

/* From the first match on, at most PEP_CHAIN that continue. */
__noinline int verdict_chain(struct packet *p)
{
	int outcome, error;

	if (!p)
		return PEP_OUTCOME_NO_STATE;
	for (int i = 0; i <= PEP_CHAIN; i++) {
		if (p->slot == PEP_SLOT_NONE)
			return default_outcome(p);
		outcome = verdict_step(p);
		if (p->flags & PACKET_BROAD)
			outcome = broad_drop(p, outcome);
		p->steps++;
		if (outcome != STEP_CONTINUE)
			return outcome;
		p->flags |= PACKET_CHAINED;
		p->after_rank = p->rank;
		error = classify(p, PEP_RULES_POLICY);
		if (error)
			return classify_failed(error);
	}
	return p->slot == PEP_SLOT_NONE ? default_outcome(p) : PEP_OUTCOME_CHAIN_BOUND;
}

/* A first match that allows or blocks and asks for nothing else, without a call; else STEP_CONTINUE. */
static __always_inline int verdict_plain(struct packet *p)
{
	const struct pep_version *version;
	struct pep_slot *slot;
	int outcome;

	if (p->flags & PACKET_DRY || p->slot == PEP_SLOT_NONE)
		return STEP_CONTINUE;
	slot = slot_lookup(p->slot);
	version = slot ? slot_version(p, slot) : NULL;
	if (!version || version->flags & PEP_VERSION_LOG)
		return STEP_CONTINUE;
	if (version->action == PEP_ACTION_ALLOW)
		outcome = PEP_OUTCOME_POLICY_ALLOW;
	else if (version->action == PEP_ACTION_BLOCK && !is_broad(p, version) && !event_wanted())
		outcome = PEP_OUTCOME_POLICY_BLOCK;
	else
		return STEP_CONTINUE;
	note_plain(p, version);
	account_slot(p->slot, outcome == PEP_OUTCOME_POLICY_BLOCK, p->packets, p->length);
	return outcome;
}

static __always_inline int verdict(struct packet *p)
{
	int outcome = verdict_plain(p);

	return outcome == STEP_CONTINUE ? verdict_chain(p) : outcome;
}

/* Whether the classifier's first answer depends on the flow's key alone. */
static __always_inline void note_cacheable(struct packet *p)
{
	if (p->flags & PACKET_FRAGMENT)
		return;
	if (p->extra_rank == NO_RANK || p->extra_rank > p->rank)
		p->flags |= PACKET_CACHEABLE;
}

static __always_inline void cache_count(bool hit)
{
	struct pep_totals *total = totals_lookup();

	if (total)
		counter_add(hit ? &total->cache_hits : &total->cache_misses, 1);
}

/* Whether p->slot, which was kept from an earlier packet, still stands. */
static __always_inline bool kept_slot_applies(struct packet *p)
{
	struct pep_slot *slot;

	if (p->slot == PEP_SLOT_NONE)
		return true;
	slot = slot_lookup(p->slot);
	return slot && slot_version(p, slot);
}

/* Whether the cache knows what the packet meets; then p->slot is that. */
static __always_inline bool cache_lookup(struct packet *p)
{
	const struct pep_flow *flow = flow_is_kept(p, flow_seen(p)) ? flow_entry(p) : NULL;

	if (!flow || !flow_matches(flow, p))
		return false;
	p->slot = flow->slot;
	if (flow->flags & PEP_FLOW_NO_FAILSAFE)
		p->flags |= PACKET_NO_FAILSAFE;
	return kept_slot_applies(p);
}

/* A whole packet: by the cache, or by the classifier and into the cache. */
static __always_inline int decide_packet(struct packet *p)
{
	bool dry = p->flags & PACKET_DRY;
	int outcome, error;
	__u32 slot;

	if (!dry && cache_lookup(p)) {
		cache_count(true);
		return verdict_chain(p);
	}
	p->flags &= ~PACKET_NO_FAILSAFE;
	error = classify(p, PEP_RULES_POLICY);
	if (error)
		return classify_failed(error);
	note_cacheable(p);
	slot = p->slot;
	outcome = verdict(p);
	if (dry)
		return outcome;
	cache_count(false);
	if (p->flags & PACKET_CACHEABLE && !(p->flags & PACKET_CHAINED))
		flow_keep(p, slot, outcome);
	return outcome;
}

/* What becomes of a fragment that cannot be told by its first one. */
static __always_inline int fragment_refused(const struct packet *p, int outcome)
{
	__u32 flags = image_flags(p);

	if (outcome == PEP_OUTCOME_UNTRACKED_FRAGMENT)
		return flags & (PEP_IMAGE_UNTRACKED_PASS | PEP_IMAGE_TRANSPARENT)
			       ? PEP_OUTCOME_UNTRACKED_PASS
			       : outcome;
	return flags & (PEP_IMAGE_MALFORMED_PASS | PEP_IMAGE_TRANSPARENT)
		       ? PEP_OUTCOME_MALFORMED_PASS
		       : outcome;
}

/* What happens to a fragment that was parsed: a PEP_OUTCOME_. */
static __always_inline int decide_fragment(struct packet *p)
{
	__u64 generation = PEP_WORD_GENERATION(p->word);
	bool later = p->flags & PACKET_LATER, known;
	int outcome, error;
	__u32 slot;

	error = later ? fragment_later(p) : fragment_first(p);
	known = error > 0 && kept_slot_applies(p);
	if (error < 0)
		return fragment_refused(p, -error);
	if (!known) {
		error = classify(p, PEP_RULES_POLICY);
		if (error)
			return classify_failed(error);
	}
	slot = p->slot;
	outcome = verdict_chain(p);
	if (!later && !(p->flags & PACKET_DRY))
		fragment_store(p, slot, p->flags & PACKET_CHAINED ? 0 : generation);
	return outcome;
}

/* What happens to a packet that was not parsed, for the reason @outcome. */
__noinline int decide_unparsed(struct packet *p, int outcome)
{
	__u32 flags;

	if (!p)
		return PEP_OUTCOME_NO_STATE;
	flags = image_flags(p);
	if (p->flags & PACKET_NOT_IP) {
		if (flags & PEP_IMAGE_NON_IP_DROP && outcome != PEP_OUTCOME_NON_IP_ARP)
			return PEP_OUTCOME_NON_IP_DROP;
		return outcome;
	}
	if (flags & (PEP_IMAGE_MALFORMED_PASS | PEP_IMAGE_TRANSPARENT))
		return PEP_OUTCOME_MALFORMED_PASS;
	return outcome;
}

#endif
