/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The link layer: Ethernet or none, VLAN tags, and what is not IP.
 */
#ifndef PEP_LINK_H
#define PEP_LINK_H

#include <bpf/bpf_endian.h>
#include <linux/if_ether.h>

#include "cursor.h"

#define VLAN_TAGS_MAX 2
#define ETHERTYPE_EAPOL 0x888e
#define ETHERTYPE_LLDP 0x88cc
#define ETHERTYPE_PTP 0x88f7
#define ETHERTYPE_LENGTH_MAX 1500 /* below, it is a length: 802.2 */

struct vlan_tag {
	__be16 tci;
	__be16 protocol;
};

static __always_inline int non_ip(struct packet *p, __u16 ethertype)
{
	p->flags |= PACKET_NOT_IP;
	switch (ethertype) {
	case ETH_P_ARP:
	case ETH_P_RARP:
		return -PEP_OUTCOME_NON_IP_ARP;
	case ETHERTYPE_LLDP:
		return -PEP_OUTCOME_NON_IP_LLDP;
	case ETH_P_SLOW:
		return -PEP_OUTCOME_NON_IP_SLOW;
	case ETHERTYPE_EAPOL:
		return -PEP_OUTCOME_NON_IP_EAPOL;
	case ETHERTYPE_PTP:
		return -PEP_OUTCOME_NON_IP_PTP;
	}
	return ethertype <= ETHERTYPE_LENGTH_MAX ? -PEP_OUTCOME_NON_IP_STP
						 : -PEP_OUTCOME_NON_IP_OTHER;
}

/*
 * The outermost tag goes into the upper half.  A tag with the id 0 has only a
 * priority and names no VLAN: the stack takes it off and goes on.
 */
static __always_inline void note_tag(struct packet *p, __u32 id)
{
	if (!id)
		return;
	if (p->vlans == VLANS_NONE)
		p->vlans = id << 16 | 0xffff;
	else
		p->vlans = (p->vlans & 0xffff0000) | id;
}

static __always_inline bool is_vlan(__u16 ethertype)
{
	return ethertype == ETH_P_8021Q || ethertype == ETH_P_8021AD;
}

/* A tag that hardware or the stack took off is the outermost one. */
static __always_inline int parse_vlans(context *ctx, struct packet *p, struct cursor *cursor,
				       __u16 *ethertype)
{
	__u32 depth = p->vlans != VLANS_NONE, outer = context_vlan(ctx);
	const struct vlan_tag *tag;
	struct vlan_tag buffer;

	if (!(p->vlans >> 16)) /* of a dry run */
		p->vlans = VLANS_NONE;
	if (outer != PEP_VLAN_NONE) {
		note_tag(p, outer);
		depth = 1;
	}
	for (int i = 0; i <= VLAN_TAGS_MAX && is_vlan(*ethertype); i++, depth++) {
		if (depth >= VLAN_TAGS_MAX)
			return -PEP_OUTCOME_VLAN_DEPTH;
		tag = context_bytes(ctx, cursor->offset, &buffer, sizeof(buffer));
		if (!tag)
			return -PEP_OUTCOME_TRUNCATED;
		note_tag(p, bpf_ntohs(tag->tci) & 0xfff);
		*ethertype = bpf_ntohs(tag->protocol);
		cursor->offset += sizeof(*tag);
	}
	return 0;
}

static __always_inline int parse_link(context *ctx, struct packet *p, struct cursor *cursor,
				      __u16 *ethertype)
{
	const struct ethhdr *eth;
	struct ethhdr buffer;

	eth = context_bytes(ctx, 0, &buffer, sizeof(buffer));
	if (!eth)
		return -PEP_OUTCOME_TRUNCATED;
	*ethertype = bpf_ntohs(eth->h_proto);
	cursor->offset = sizeof(*eth);
	return parse_vlans(ctx, p, cursor, ethertype);
}

/* Without a link layer the version nibble says what it is. */
static __always_inline int parse_headerless(context *ctx, struct packet *p, __u16 *ethertype)
{
	const __u8 *first;
	__u8 buffer;

	first = context_bytes(ctx, 0, &buffer, sizeof(buffer));
	if (!first)
		return -PEP_OUTCOME_TRUNCATED;
	*ethertype = *first >> 4 == 4 ? ETH_P_IP : *first >> 4 == 6 ? ETH_P_IPV6 : 0xffff;
	return 0;
}

#endif
