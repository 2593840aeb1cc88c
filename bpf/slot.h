/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Slots: what a policy does in the packet's generation.
 */
#ifndef PEP_SLOT_H
#define PEP_SLOT_H

#include "packet.h"

static __always_inline struct pep_slot *slot_lookup(__u32 slot)
{
	return outer_lookup(&slots, slot / PEP_CHUNK, slot % PEP_CHUNK);
}

/* Whether what is asked of a slot is known without reading it. */
static __always_inline bool slot_is_steady(__u32 slot)
{
	__u32 at = slot / 64;
	const __u64 *word = bpf_map_lookup_elem(&steady, &at);

	return word && READ_ONCE(*word) >> (slot % 64) & 1;
}

/* The newest version not newer than the packet's generation that still applies; NULL: dead. */
static __always_inline const struct pep_version *slot_version(struct packet *p,
							      struct pep_slot *slot)
{
	__u64 generation = PEP_WORD_GENERATION(p->word);
	__u64 first = slot->version[0].from, second = slot->version[1].from;
	const struct pep_version *version;

	if (!first || first > generation)
		first = 0;
	if (!second || second > generation)
		second = 0;
	if (!first && !second)
		return NULL;
	version = first > second ? &slot->version[0] : &slot->version[1];
	if (version->flags & PEP_VERSION_DEAD)
		return NULL;
	if (version->expires_ns && version->expires_ns <= packet_now(p))
		return NULL;
	return version;
}

#endif
