/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The commonest packets, in one go and without a call: Ethernet without tags,
 * IPv4 without options or IPv6 without extension headers, whole, of any
 * protocol but SCTP, with nothing wrong.  All others are left to parse(),
 * which also says of these the same.
 */
#ifndef PEP_PLAIN_H
#define PEP_PLAIN_H

#include <bpf/bpf_endian.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "flow.h"
#include "parse.h"

#define PLAIN_LENGTH_MOST 0xffff

/* The transport header, of which there are `bytes` with what follows it. */
static __always_inline bool plain_transport(context *ctx, const void *at, __u32 bytes, bool ipv6,
					    struct packet *p)
{
	const void *end = (const void *)(long)ctx->data_end;
	const struct tcphdr *tcp = at;
	const struct udphdr *udp = at;
	__u32 ports = 0, protocol = p->protocol, header;

	if (protocol == IPPROTO_TCP) {
		if ((const void *)(tcp + 1) > end)
			return false;
		header = tcp->doff * 4;
		if (header < sizeof(*tcp) || header > bytes)
			return false;
		ports = bpf_ntohl(*(const __be32 *)tcp);
		p->tcp_flags = ((const __u8 *)tcp)[13];
		protocol |= PEP_PROTOCOL_PORTS;
	} else if (protocol == IPPROTO_UDP) {
		if ((const void *)(udp + 1) > end)
			return false;
		header = bpf_ntohs(udp->len);
		if (header < sizeof(*udp) || header > bytes)
			return false;
		ports = bpf_ntohl(*(const __be32 *)udp);
		protocol |= PEP_PROTOCOL_PORTS;
	} else if (protocol == (ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP)) {
		if (at + ICMP_HEADER_BYTES > end || bytes < ICMP_HEADER_BYTES)
			return false;
		ports = bpf_ntohl(*(const __be32 *)at);
		ports = (ports >> 24) << 16 | (ports >> 16 & 0xff);
	} else if (protocol == IPPROTO_SCTP || (ipv6 && is_extension(protocol))) {
		return false;
	}
	if (ipv6)
		protocol |= PEP_PROTOCOL_IPV6;
	if (p->flags & PACKET_EGRESS)
		protocol |= PEP_PROTOCOL_EGRESS;
	p->key.pair[PEP_KEY_PORTS / 2] = (__u64)protocol << 32 | ports;
	p->segment = p->length;
	p->packets = 1;
	return true;
}

static __always_inline bool plain_ipv4(context *ctx, const struct iphdr *ip, __u32 there,
				       struct packet *p)
{
	__u32 said;

	if ((const void *)(ip + 1) > (const void *)(long)ctx->data_end)
		return false;
	said = bpf_ntohs(ip->tot_len);
	if (*(const __u8 *)ip != 0x45 || said > there || said < sizeof(*ip) ||
	    ip->frag_off & bpf_htons(IPV4_OFFSET_MASK | IPV4_MORE))
		return false;
	p->key.pair[PEP_KEY_SRC / 2] = bpf_ntohl(ip->saddr);
	p->key.pair[PEP_KEY_DST / 2] = bpf_ntohl(ip->daddr);
	p->length = said;
	p->protocol = ip->protocol;
	p->dscp = ip->tos >> 2;
	p->ttl = ip->ttl;
	return plain_transport(ctx, ip + 1, said - sizeof(*ip), false, p);
}

/* Two words of an address, as a pair of the key. */
static __always_inline __u64 plain_pair(const __be32 *word)
{
	return (__u64)bpf_ntohl(word[1]) << 32 | bpf_ntohl(word[0]);
}

static __always_inline bool plain_ipv6(context *ctx, const struct ipv6hdr *ip, __u32 there,
				       struct packet *p)
{
	__u32 said;

	if ((const void *)(ip + 1) > (const void *)(long)ctx->data_end)
		return false;
	said = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	if (*(const __u8 *)ip >> 4 != 6 || said > there)
		return false;
	for (int i = 0; i < 2; i++) {
		p->key.pair[PEP_KEY_SRC / 2 + i] = plain_pair(&ip->saddr.in6_u.u6_addr32[2 * i]);
		p->key.pair[PEP_KEY_DST / 2 + i] = plain_pair(&ip->daddr.in6_u.u6_addr32[2 * i]);
	}
	p->flags |= PACKET_IPV6;
	p->length = said;
	p->protocol = ip->nexthdr;
	p->dscp = bpf_ntohs(*(const __be16 *)ip) >> 6 & 0x3f;
	p->ttl = ip->hop_limit;
	return plain_transport(ctx, ip + 1, said - sizeof(*ip), true, p);
}

/* False: it is another kind of packet, and nothing of what is filled in means anything. */
static __always_inline bool plain_parse(context *ctx, struct packet *p)
{
	const struct ethhdr *eth = (const void *)(long)ctx->data;
	__u32 there = context_length_least(ctx) - sizeof(*eth);

	if ((const void *)(eth + 1) > (const void *)(long)ctx->data_end ||
	    there > PLAIN_LENGTH_MOST)
		return false;
	if (p->flags & PACKET_L3 || p->vlans != VLANS_NONE || !context_is_plain(ctx))
		return false;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return plain_ipv4(ctx, (const void *)(eth + 1), there, p);
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		return plain_ipv6(ctx, (const void *)(eth + 1), there, p);
	return false;
}

#endif
