/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From bytes to the key: link layer, VLAN tags, IP, extension headers,
 * transport header.  Every step returns 0 to go on or a negative
 * PEP_OUTCOME_, and nothing is read that was not checked to be there.
 */
#ifndef PEP_PARSE_H
#define PEP_PARSE_H

#include "link.h"
#include "network.h"
#include "transport.h"

static __always_inline void finish_key(struct packet *p)
{
	__u32 protocol = p->protocol;

	if (has_ports(p->protocol))
		protocol |= PEP_PROTOCOL_PORTS;
	if (p->flags & PACKET_IPV6)
		protocol |= PEP_PROTOCOL_IPV6;
	if (p->flags & PACKET_EGRESS)
		protocol |= PEP_PROTOCOL_EGRESS;
	p->key.word[PEP_KEY_PROTOCOL] = protocol;
}

static __always_inline int parse_network(context *ctx, struct packet *p, struct cursor *cursor,
					 __u16 ethertype)
{
	int error;

	cursor->l3 = cursor->offset;
	if (ethertype == ETH_P_IP)
		error = parse_ipv4(ctx, p, cursor);
	else if (ethertype == ETH_P_IPV6)
		error = parse_ipv6(ctx, p, cursor);
	else
		error = non_ip(p, ethertype);
	if (error || p->flags & PACKET_LATER)
		return error;
	return parse_transport(ctx, p, cursor);
}

/* Fills in @p: 0, or a negative PEP_OUTCOME_. Not static, to be verified on its own. */
__noinline int parse(context *ctx, struct packet *p)
{
	struct cursor cursor = { .end = context_length(ctx) };
	__u16 ethertype = 0;
	int error;

	if (!p)
		return -PEP_OUTCOME_NO_STATE;
	packet_forget(p);
	if (p->flags & PACKET_L3)
		error = parse_headerless(ctx, p, &ethertype);
	else
		error = parse_link(ctx, p, &cursor, &ethertype);
	if (!error)
		error = parse_network(ctx, p, &cursor, ethertype);
	if (!p->length)
		p->length = cursor.end - cursor.l3; /* the best there is to count */
	if (!p->packets)
		p->packets = 1;
	finish_key(p);
	return error;
}

#endif
