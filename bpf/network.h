/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IPv4 and IPv6: addresses, lengths, fragments, extension headers.
 */
#ifndef PEP_NETWORK_H
#define PEP_NETWORK_H

#include <bpf/bpf_endian.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "cursor.h"

#define EXTENSION_HEADERS_MAX 8
#define IPV4_OFFSET_MASK 0x1fff
#define IPV4_MORE 0x2000
#define IPV6_OFFSET_MASK 0xfff8
#define IPV6_MORE 1

struct ipv6_fragment_header {
	__u8 next;
	__u8 reserved;
	__be16 offset;
	__be32 identification;
};

/* Takes note of a fragment that starts `start` bytes into the fragmented part. */
static __always_inline int parse_fragment(struct packet *p, __u32 start, __u32 bytes, bool more)
{
	p->flags |= PACKET_FRAGMENT;
	p->fragment_bytes = start;
	if (start)
		p->flags |= PACKET_LATER;
	return start + bytes > 0xffff ? -PEP_OUTCOME_FRAGMENT_OVERLAP : 0;
}

/* How long the IP packet is, when its header says `said` and the frame holds `there`. */
static __always_inline int parse_length(context *ctx, struct packet *p, struct cursor *cursor,
					__u32 said)
{
	__u32 there = cursor->end - cursor->l3;

	if (said > there)
		return -PEP_OUTCOME_IP_LENGTH;
	if (context_merged(ctx, there))
		said = there;
	cursor->end = cursor->l3 + said;
	p->length = said;
	p->segment = said;
	p->packets = 1;
	return 0;
}

static __always_inline int parse_ipv4(context *ctx, struct packet *p, struct cursor *cursor)
{
	__u32 header, said, offset;
	const struct iphdr *ip;
	struct iphdr buffer;
	int error;

	if (cursor->offset + sizeof(*ip) > cursor->end)
		return -PEP_OUTCOME_TRUNCATED;
	ip = context_bytes(ctx, cursor->offset, &buffer, sizeof(buffer));
	if (!ip)
		return -PEP_OUTCOME_TRUNCATED;
	if (ip->version != 4)
		return -PEP_OUTCOME_IP_VERSION;
	header = ip->ihl * 4;
	said = bpf_ntohs(ip->tot_len);
	p->key.word[PEP_KEY_SRC] = bpf_ntohl(ip->saddr);
	p->key.word[PEP_KEY_DST] = bpf_ntohl(ip->daddr);
	p->protocol = p->fragment_protocol = ip->protocol;
	p->dscp = ip->tos >> 2;
	p->ttl = ip->ttl;
	p->identification = ip->id;
	offset = bpf_ntohs(ip->frag_off);
	if (header < sizeof(*ip) || cursor->offset + header > cursor->end)
		return -PEP_OUTCOME_IP_HEADER;
	if (said < header && !context_merged(ctx, cursor->end - cursor->l3))
		return -PEP_OUTCOME_IP_LENGTH;
	error = parse_length(ctx, p, cursor, said);
	if (error)
		return error;
	cursor->offset += header;
	if (offset & (IPV4_OFFSET_MASK | IPV4_MORE))
		return parse_fragment(p, (offset & IPV4_OFFSET_MASK) * 8, said - header,
				      offset & IPV4_MORE);
	return 0;
}

/* What the stack goes on behind, to a transport header: no others (RFC 8200, RFC 4302). */
static __always_inline bool is_extension(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
	case IPPROTO_DSTOPTS:
		return true;
	}
	return false;
}

static __always_inline int parse_ipv6_fragment(context *ctx, struct packet *p,
					       struct cursor *cursor)
{
	const struct ipv6_fragment_header *fragment;
	struct ipv6_fragment_header buffer;
	__u32 offset;

	fragment = context_bytes(ctx, cursor->offset, &buffer, sizeof(buffer));
	if (!fragment)
		return -PEP_OUTCOME_TRUNCATED;
	cursor->offset += sizeof(*fragment);
	offset = bpf_ntohs(fragment->offset);
	p->protocol = fragment->next;
	if (!(offset & (IPV6_OFFSET_MASK | IPV6_MORE))) {
		if (p->flags & PACKET_FRAGMENT) /* one more header of the first fragment */
			p->fragment_bytes += sizeof(*fragment);
		return 0;
	}
	if (p->flags & PACKET_FRAGMENT)
		return -PEP_OUTCOME_EXTENSION_HEADERS;
	p->identification = fragment->identification;
	p->fragment_protocol = fragment->next;
	return parse_fragment(p, offset & IPV6_OFFSET_MASK, cursor->end - cursor->offset,
			      offset & IPV6_MORE);
}

static __always_inline int parse_extension(context *ctx, struct packet *p, struct cursor *cursor)
{
	const __u8 *header;
	__u8 buffer[2];
	__u32 bytes;

	if (cursor->offset + 8 > cursor->end)
		return p->flags & PACKET_FRAGMENT ? -PEP_OUTCOME_FRAGMENT_FIRST
						  : -PEP_OUTCOME_IP_LENGTH;
	if (p->protocol == IPPROTO_FRAGMENT)
		return parse_ipv6_fragment(ctx, p, cursor);
	header = context_bytes(ctx, cursor->offset, buffer, sizeof(buffer));
	if (!header)
		return -PEP_OUTCOME_TRUNCATED;
	bytes = p->protocol == IPPROTO_AH ? (header[1] + 2) * 4 : (header[1] + 1) * 8;
	if (cursor->offset + bytes > cursor->end)
		return p->flags & PACKET_FRAGMENT ? -PEP_OUTCOME_FRAGMENT_FIRST
						  : -PEP_OUTCOME_IP_LENGTH;
	p->protocol = header[0];
	cursor->offset += bytes;
	if (p->flags & PACKET_FRAGMENT)
		p->fragment_bytes += bytes;
	return 0;
}

/* RFC 8200, 4.5: in a later fragment, what follows is not a header. */
static __always_inline int parse_extensions(context *ctx, struct packet *p, struct cursor *cursor)
{
	int error;

	for (int i = 0; i < EXTENSION_HEADERS_MAX; i++) {
		if (p->flags & PACKET_LATER || !is_extension(p->protocol))
			return 0;
		error = parse_extension(ctx, p, cursor);
		if (error)
			return error;
	}
	return p->flags & PACKET_LATER || !is_extension(p->protocol)
		       ? 0
		       : -PEP_OUTCOME_EXTENSION_HEADERS;
}

static __always_inline int parse_ipv6(context *ctx, struct packet *p, struct cursor *cursor)
{
	const struct ipv6hdr *ip;
	struct ipv6hdr buffer;
	__u32 payload;
	int error;

	if (cursor->offset + sizeof(*ip) > cursor->end)
		return -PEP_OUTCOME_TRUNCATED;
	ip = context_bytes(ctx, cursor->offset, &buffer, sizeof(buffer));
	if (!ip)
		return -PEP_OUTCOME_TRUNCATED;
	if (ip->version != 6)
		return -PEP_OUTCOME_IP_VERSION;
	p->flags |= PACKET_IPV6;
	for (int i = 0; i < 4; i++) {
		p->key.word[PEP_KEY_SRC + i] = bpf_ntohl(ip->saddr.in6_u.u6_addr32[i]);
		p->key.word[PEP_KEY_DST + i] = bpf_ntohl(ip->daddr.in6_u.u6_addr32[i]);
	}
	p->protocol = ip->nexthdr;
	p->dscp = bpf_ntohs(*(const __be16 *)ip) >> 6 & 0x3f;
	p->ttl = ip->hop_limit;
	payload = bpf_ntohs(ip->payload_len);
	error = parse_length(ctx, p, cursor, sizeof(*ip) + payload);
	if (error)
		return error;
	cursor->offset += sizeof(*ip);
	return parse_extensions(ctx, p, cursor);
}

#endif
