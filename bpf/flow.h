/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flow cache: what the classifier said of a five-tuple in this generation.
 * Only an answer that depends on nothing else is kept.
 *
 * What a slot says in one generation never changes, but for the time at which
 * it expires.  So an entry is `plain` that needs nothing but its outcome and
 * being counted: neither the clock nor a limit, a log, or failsafe policies.
 * For all others the slot is read again at every hit.
 */
#ifndef PEP_FLOW_H
#define PEP_FLOW_H

#include "slot.h"

/*
 * Where the flow is kept on this CPU.  A sum of products with odd numbers that nobody
 * knows, of which the upper bits are taken, is as good as chance (Dietzfelbinger's
 * multiply-shift) and the products do not wait for each other.
 */
static __always_inline void flow_place(struct packet *p)
{
	const __u64 *pair = p->key.pair;
	__u64 hash = pair[PEP_KEY_PORTS / 2] * flow_seed[0];

	if (p->flags & PACKET_IPV6)
		hash += pair[0] * flow_seed[1] + pair[1] * flow_seed[2] + pair[2] * flow_seed[3] +
			pair[3] * flow_seed[4];
	else
		hash += (pair[0] | pair[2] << 32) * flow_seed[1];
	p->flow = bpf_get_smp_processor_id() * flow_entries + (hash >> 32 & (flow_entries - 1));
	p->sighting = hash >> 48 & ~PEP_SIGHTING_KEPT;
}

/* The flow seen last in the packet's place; NULL only if something is badly wrong. */
static __always_inline __u16 *flow_seen(const struct packet *p)
{
	__u32 element = p->flow / PEP_SIGHTINGS;
	struct pep_sightings *seen = bpf_map_lookup_elem(&sightings, &element);

	return seen ? &seen->last[p->flow % PEP_SIGHTINGS] : NULL;
}

static __always_inline bool flow_is_kept(const struct packet *p, const __u16 *seen)
{
	return seen && *seen == (p->sighting | PEP_SIGHTING_KEPT);
}

/* NULL only if something is badly wrong. */
static __always_inline struct pep_flow *flow_entry(const struct packet *p)
{
	__u32 index = p->flow;

	return bpf_map_lookup_elem(&flows, &index);
}

static __always_inline __u64 flow_where(__u32 interface, __u32 vlans)
{
	return (__u64)vlans << 32 | interface;
}

static __always_inline bool flow_matches(const struct pep_flow *flow, const struct packet *p)
{
	__u64 difference = flow->generation ^ PEP_WORD_GENERATION(p->word);

	difference |= flow->where ^ flow_where(p->interface, p->vlans);
	difference |= flow->key.pair[0] ^ p->key.pair[0];
	difference |= flow->key.pair[2] ^ p->key.pair[2];
	difference |= flow->key.pair[4] ^ p->key.pair[4];
	if (p->flags & PACKET_IPV6) {
		difference |= flow->key.pair[1] ^ p->key.pair[1];
		difference |= flow->key.pair[3] ^ p->key.pair[3];
	}
	return difference == 0;
}

static __always_inline void flow_insert(const struct packet *p, __u32 slot, __u32 outcome)
{
	struct pep_flow *flow = flow_entry(p);
	__u32 flags = p->flags & PACKET_NO_FAILSAFE ? PEP_FLOW_NO_FAILSAFE : 0;

	if (!flow)
		return;
	if (p->flags & PACKET_PLAIN)
		flags |= PEP_FLOW_PLAIN | outcome << 8;
	for (int i = 0; i < PEP_KEY_WORDS / 2; i++)
		flow->key.pair[i] = p->key.pair[i];
	flow->where = flow_where(p->interface, p->vlans);
	flow->generation = PEP_WORD_GENERATION(p->word);
	flow->slot = slot;
	flow->flags = flags;
}

/* Keeps what the packet met, if its flow was seen before. */
static __always_inline void flow_keep(const struct packet *p, __u32 slot, __u32 outcome)
{
	__u16 *seen = flow_seen(p);

	if (!seen)
		return;
	if ((*seen & ~PEP_SIGHTING_KEPT) != p->sighting) {
		*seen = p->sighting;
		return;
	}
	flow_insert(p, slot, outcome);
	*seen = p->sighting | PEP_SIGHTING_KEPT;
}

#endif
