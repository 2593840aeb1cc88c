/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Transport headers: ports, or type and code of ICMP, and how long they are.
 */
#ifndef PEP_TRANSPORT_H
#define PEP_TRANSPORT_H

#include <bpf/bpf_endian.h>
#include <linux/in.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "cursor.h"

#define SCTP_HEADER_BYTES 12
#define ICMP_HEADER_BYTES 8

static __always_inline int parse_tcp(context *ctx, struct packet *p, const struct cursor *cursor,
				     __u32 *header)
{
	const struct tcphdr *tcp;
	struct tcphdr buffer;

	tcp = context_bytes(ctx, cursor->offset, &buffer, sizeof(buffer));
	if (!tcp)
		return -PEP_OUTCOME_TRUNCATED;
	*header = tcp->doff * 4;
	if (*header < sizeof(*tcp) || cursor->offset + *header > cursor->end)
		return -PEP_OUTCOME_TCP_HEADER;
	p->tcp_flags = ((const __u8 *)tcp)[13];
	p->key.word[PEP_KEY_PORTS] = bpf_ntohl(*(const __be32 *)tcp);
	return 0;
}

/* A length of 0 stands for one that 16 bits cannot say, in a jumbogram. */
static __always_inline int parse_udp(context *ctx, struct packet *p, const struct cursor *cursor)
{
	__u32 there = cursor->end - cursor->offset, length;
	const struct udphdr *udp;
	struct udphdr buffer;

	udp = context_bytes(ctx, cursor->offset, &buffer, sizeof(buffer));
	if (!udp)
		return -PEP_OUTCOME_TRUNCATED;
	length = bpf_ntohs(udp->len);
	if (length < sizeof(*udp) && !(length == 0 && there > 0xffff))
		return -PEP_OUTCOME_UDP_LENGTH;
	if (length > there && !(p->flags & PACKET_FRAGMENT))
		return -PEP_OUTCOME_UDP_LENGTH;
	p->key.word[PEP_KEY_PORTS] = bpf_ntohl(*(const __be32 *)udp);
	return 0;
}

static __always_inline bool has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

static __always_inline bool is_icmp(const struct packet *p)
{
	return p->protocol == (p->flags & PACKET_IPV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

/* SCTP's ports, or type and code of ICMP: the first four bytes. */
static __always_inline int parse_first_word(context *ctx, struct packet *p,
					    const struct cursor *cursor)
{
	const __be32 *word;
	__u32 value;
	__be32 buffer;

	word = context_bytes(ctx, cursor->offset, &buffer, sizeof(buffer));
	if (!word)
		return -PEP_OUTCOME_TRUNCATED;
	value = bpf_ntohl(*word);
	if (p->protocol != IPPROTO_SCTP)
		value = (value >> 24) << 16 | (value >> 16 & 0xff);
	p->key.word[PEP_KEY_PORTS] = value;
	return 0;
}

/* The least that a transport header takes; 0: we do not look into it. */
static __always_inline __u32 transport_bytes(const struct packet *p)
{
	if (p->protocol == IPPROTO_TCP)
		return sizeof(struct tcphdr);
	if (p->protocol == IPPROTO_UDP)
		return sizeof(struct udphdr);
	if (p->protocol == IPPROTO_SCTP)
		return SCTP_HEADER_BYTES;
	return is_icmp(p) ? ICMP_HEADER_BYTES : 0;
}

static __always_inline int parse_transport(context *ctx, struct packet *p, struct cursor *cursor)
{
	__u32 header = transport_bytes(p);
	int error = 0;

	if (cursor->offset + header > cursor->end)
		return p->flags & PACKET_FRAGMENT ? -PEP_OUTCOME_FRAGMENT_FIRST
						  : -PEP_OUTCOME_IP_LENGTH;
	if (p->protocol == IPPROTO_TCP)
		error = parse_tcp(ctx, p, cursor, &header);
	else if (p->protocol == IPPROTO_UDP)
		error = parse_udp(ctx, p, cursor);
	else if (header)
		error = parse_first_word(ctx, p, cursor);
	if (error == -PEP_OUTCOME_TCP_HEADER && p->flags & PACKET_FRAGMENT)
		return -PEP_OUTCOME_FRAGMENT_FIRST;
	if (error)
		return error;
	p->fragment_bytes += header;
	context_segments(ctx, p, cursor->offset + header - cursor->l3);
	return 0;
}

#endif
