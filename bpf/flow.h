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
static __always_inline __u32 flow_index(const struct pep_key *key)
{
	__u64 hash = key->pair[PEP_KEY_PORTS / 2] * flow_seed[0];

	if (key->word[PEP_KEY_PROTOCOL] & PEP_PROTOCOL_IPV6) {
		hash += key->pair[0] * flow_seed[1] + key->pair[1] * flow_seed[2] +
			key->pair[2] * flow_seed[3] + key->pair[3] * flow_seed[4];
	} else {
		hash += (key->pair[0] | key->pair[2] << 32) * flow_seed[1];
	}
	return bpf_get_smp_processor_id() * flow_entries + (hash >> 32 & (flow_entries - 1));
}

/* NULL only if something is badly wrong. */
static __always_inline struct pep_flow *flow_entry(__u32 index)
{
	return bpf_map_lookup_elem(&flows, &index);
}

static __always_inline bool flow_matches(const struct pep_flow *flow, const struct pep_key *key,
					 __u64 where, __u64 generation)
{
	__u64 difference = flow->generation ^ generation;

	difference |= flow->where ^ where;
	difference |= flow->key.pair[0] ^ key->pair[0];
	difference |= flow->key.pair[2] ^ key->pair[2];
	difference |= flow->key.pair[4] ^ key->pair[4];
	if (key->word[PEP_KEY_PROTOCOL] & PEP_PROTOCOL_IPV6) {
		difference |= flow->key.pair[1] ^ key->pair[1];
		difference |= flow->key.pair[3] ^ key->pair[3];
	}
	return difference == 0;
}

static __always_inline __u64 flow_where(__u32 interface, __u32 vlans)
{
	return (__u64)vlans << 32 | interface;
}

static __always_inline void flow_insert(const struct packet *p, struct pep_flow *flow, __u32 slot,
					__u32 outcome)
{
	__u32 flags = p->flags & PACKET_NO_FAILSAFE ? PEP_FLOW_NO_FAILSAFE : 0;

	if (p->flags & PACKET_PLAIN)
		flags |= PEP_FLOW_PLAIN | outcome << 8;
	for (int i = 0; i < PEP_KEY_WORDS / 2; i++)
		flow->key.pair[i] = p->key.pair[i];
	flow->where = flow_where(p->interface, p->vlans);
	flow->generation = PEP_WORD_GENERATION(p->word);
	flow->slot = slot;
	flow->flags = flags;
}

#endif
