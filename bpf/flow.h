/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flow cache: what the classifier said of a five-tuple in this generation.
 * Only an answer that depends on nothing else is kept, and the slot it names
 * is read again at every hit.
 */
#ifndef PEP_FLOW_H
#define PEP_FLOW_H

#include "slot.h"

#define FLOW_WORDS 6 /* of 8 bytes: key, interface, VLANs */

static __always_inline __u64 flow_hash(const struct packet *p)
{
	const __u64 *word = (const __u64 *)&p->key;
	__u64 hash = flow_seed;

	if (p->flags & PACKET_IPV6) {
		hash = (hash ^ word[0]) * 0x9e3779b97f4a7c15ULL;
		hash = (hash ^ hash >> 32 ^ word[2]) * 0xbf58476d1ce4e5b9ULL;
	}
	hash = (hash ^ hash >> 32 ^ word[PEP_KEY_SRC / 2] ^ word[1]) * 0x94d049bb133111ebULL;
	hash = (hash ^ hash >> 32 ^ word[PEP_KEY_DST / 2] ^ word[3]) * 0x9e3779b97f4a7c15ULL;
	hash = (hash ^ hash >> 32 ^ word[PEP_KEY_PORTS / 2]) * 0xbf58476d1ce4e5b9ULL;
	return hash >> 32;
}

/* The entry that the packet's flow would be in; NULL only if something is badly wrong. */
static __always_inline struct pep_flow *flow_entry(const struct packet *p)
{
	__u32 index = bpf_get_smp_processor_id() * flow_entries;

	index += flow_hash(p) & (flow_entries - 1);
	return bpf_map_lookup_elem(&flows, &index);
}

static __always_inline bool flow_matches(const struct packet *p, const struct pep_flow *flow)
{
	const __u64 *a = (const __u64 *)&p->key, *b = (const __u64 *)&flow->key;
	__u64 difference = flow->generation ^ PEP_WORD_GENERATION(p->word);

	for (int i = 0; i < FLOW_WORDS; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

static __always_inline void flow_insert(const struct packet *p, struct pep_flow *flow, __u32 slot)
{
	flow->key = p->key;
	flow->interface = p->interface;
	flow->vlans = p->vlans;
	flow->generation = PEP_WORD_GENERATION(p->word);
	flow->slot = slot;
	flow->flags = p->flags & PACKET_NO_FAILSAFE ? PEP_FLOW_NO_FAILSAFE : 0;
}

#endif
