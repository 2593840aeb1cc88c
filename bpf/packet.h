/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the pipeline knows of one packet, from the context to the verdict.
 */
#ifndef PEP_PACKET_H
#define PEP_PACKET_H

#include "maps.h"

#define NO_RANK 0xffffffffu
#define VLANS_NONE 0xffffffffu

#define PACKET_EGRESS (1 << 0)
#define PACKET_IPV6 (1 << 1)
#define PACKET_DRY (1 << 2)
#define PACKET_FRAGMENT (1 << 3) /* not an atomic one */
#define PACKET_LATER (1 << 4) /* a fragment without the transport header */
#define PACKET_NOT_IP (1 << 5)
#define PACKET_L3 (1 << 6) /* there is no Ethernet header */
#define PACKET_NO_FAILSAFE (1 << 7) /* known: no failsafe policy matches it */
#define PACKET_CACHEABLE (1 << 8) /* what it met depends on the flow's key alone */
#define PACKET_CHAINED (1 << 9) /* what it met first may leave the decision to others */
#define PACKET_OVERLAY (1 << 10) /* the overlay is searched, not the main image */
#define PACKET_BROAD (1 << 12) /* a broad drop: failsafe policies are to be asked */
#define PACKET_PLAIN (1 << 11) /* what it met asks for nothing but being counted */

struct packet {
	struct pep_key key;
	__u32 interface; /* id */
	__u32 vlans; /* outer << 16 | inner */

	__u64 word; /* of the control record */
	__u64 now_ns; /* coarse; 0: not read yet */

	__u32 flow; /* where the flow cache would have it */
	__u32 ifindex;
	__u32 flags; /* PACKET_ */
	__u32 length; /* L3 bytes on the wire, of all segments */
	__u32 segment; /* L3 bytes of one segment */
	__u32 packets; /* segments */
	__u32 identification; /* of a fragment */
	__u32 fragment_bytes; /* from the fragmented part's start: of a first one the
			       * transport header's end, of a later one its own start */
	__u8 protocol; /* behind all extension headers */
	__u8 fragment_protocol; /* as the fragments' key has it */
	__u8 tcp_flags;
	__u8 dscp;
	__u8 ttl;
	__u8 steps; /* of the trace */
	__u16 sighting; /* of its flow */

	/* the classifier's answer */
	__u32 slot;
	__u32 rank;
	__u32 after_rank; /* look for ranks beyond this one */
	__u32 extra_rank; /* best rank whose five-tuple matched and that compares more */
	__u32 failsafe_for; /* the slot whose drop a failsafe policy overruled */
};

/* What an attempt at parsing has left. */
static __always_inline void packet_forget(struct packet *p)
{
	for (int i = 0; i < PEP_KEY_WORDS / 2; i++)
		p->key.pair[i] = 0;
	p->flags &= PACKET_DRY | PACKET_EGRESS | PACKET_L3;
	p->length = 0;
	p->packets = 0;
	p->protocol = 0;
	p->tcp_flags = 0;
	p->dscp = 0;
	p->ttl = 0;
}

static __always_inline struct pep_trace *trace_lookup(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&trace, &zero);
}

/* Marks a dry run, and takes in what it is asked. */
static __always_inline void packet_is_dry(struct packet *p)
{
	const struct pep_trace *record = trace_lookup();

	p->flags |= PACKET_DRY;
	if (!record)
		return;
	p->after_rank = record->after_rank;
	if (record->word)
		p->word = record->word;
}

static __always_inline __u32 packet_direction(const struct packet *p)
{
	return p->flags & PACKET_EGRESS ? PEP_EGRESS : PEP_INGRESS;
}

static __always_inline __u32 packet_family(const struct packet *p)
{
	return p->flags & PACKET_IPV6 ? PEP_IPV6 : PEP_IPV4;
}

/* The coarse clock, read at most once: to within a tick. */
static __always_inline __u64 packet_now(struct packet *p)
{
	if (!p->now_ns)
		p->now_ns = bpf_ktime_get_coarse_ns();
	return p->now_ns;
}

/* For limits, which need the fine clock, except in a dry run at a given time. */
static __always_inline __u64 packet_now_fine(const struct packet *p)
{
	return p->flags & PACKET_DRY && p->now_ns ? p->now_ns : bpf_ktime_get_ns();
}

#endif
