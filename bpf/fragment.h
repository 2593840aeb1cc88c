/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fragments: what the first one met is kept for the later ones, which have no
 * transport header to match by.  The first writer wins; another first fragment
 * of the same datagram with other headers condemns it.
 */
#ifndef PEP_FRAGMENT_H
#define PEP_FRAGMENT_H

#include "packet.h"

#define FRAGMENT_LIFETIME_NS 5000000000ULL

static __always_inline void fragment_key(const struct packet *p, struct pep_fragment_key *key)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->ifindex = p->ifindex;
	key->vlans = p->vlans;
	for (int i = 0; i < 4; i++) {
		key->src[i] = p->key.word[PEP_KEY_SRC + i];
		key->dst[i] = p->key.word[PEP_KEY_DST + i];
	}
	key->identification = p->identification;
	key->protocol = p->fragment_protocol;
	key->family = packet_family(p);
	key->direction = packet_direction(p);
}

/* The datagram's entry unless it is too old; NULL: none. */
static __always_inline struct pep_fragment *fragment_lookup(struct packet *p)
{
	struct pep_fragment_key key;
	struct pep_fragment *entry;

	fragment_key(p, &key);
	entry = bpf_map_lookup_elem(&fragments, &key);
	if (entry && entry->seen_ns + FRAGMENT_LIFETIME_NS < packet_now(p))
		return NULL;
	return entry;
}

static __always_inline bool fragment_same_headers(const struct packet *p,
						  const struct pep_fragment *entry)
{
	return entry->ports == p->key.word[PEP_KEY_PORTS] && entry->protocol == p->protocol &&
	       entry->tcp_flags == p->tcp_flags && entry->header_bytes == p->fragment_bytes;
}

/* A first fragment: 0 to go on, or a negative PEP_OUTCOME_. */
__noinline int fragment_first(struct packet *p)
{
	struct pep_fragment *entry = p ? fragment_lookup(p) : NULL;

	if (!p || !entry)
		return 0;
	if (!(entry->flags & PEP_FRAGMENT_DROP) && fragment_same_headers(p, entry))
		return 0;
	if (!(p->flags & PACKET_DRY))
		entry->flags |= PEP_FRAGMENT_DROP;
	return -PEP_OUTCOME_FRAGMENT_CONFLICT;
}

/*
 * A later fragment, given the first one's headers: 1 when p->slot is known
 * too, 0 when it must be matched again, or a negative PEP_OUTCOME_.
 */
__noinline int fragment_later(struct packet *p)
{
	struct pep_fragment *entry = p ? fragment_lookup(p) : NULL;

	if (!p || !entry)
		return -PEP_OUTCOME_UNTRACKED_FRAGMENT;
	if (entry->flags & PEP_FRAGMENT_DROP)
		return -PEP_OUTCOME_FRAGMENT_CONFLICT;
	if (p->fragment_bytes < entry->header_bytes)
		return -PEP_OUTCOME_FRAGMENT_OVERLAP;
	p->key.word[PEP_KEY_PORTS] = entry->ports;
	p->protocol = entry->protocol;
	p->tcp_flags = entry->tcp_flags;
	finish_key(p);
	p->slot = entry->slot;
	return entry->generation == PEP_WORD_GENERATION(p->word);
}

/* Keeps what a first fragment met; @slot holds for @generation, 0: for none. */
__noinline int fragment_store(struct packet *p, __u32 slot, __u64 generation)
{
	struct pep_fragment value = { .generation = generation, .slot = slot };
	struct pep_fragment_key key;

	if (!p)
		return 0;
	value.seen_ns = packet_now(p);
	value.ports = p->key.word[PEP_KEY_PORTS];
	value.header_bytes = p->fragment_bytes;
	value.tcp_flags = p->tcp_flags;
	value.protocol = p->protocol;
	fragment_key(p, &key);
	bpf_map_update_elem(&fragments, &key, &value, BPF_ANY);
	return 0;
}

#endif
