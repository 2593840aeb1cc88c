/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From bytes to the key: link layer, VLAN tags, IP, extension headers,
 * transport header.  Every step returns 0 to go on or a negative
 * PEP_OUTCOME_, and nothing is read that was not checked to be there.
 */
#ifndef PEP_PARSE_H
#define PEP_PARSE_H

#include <bpf/bpf_endian.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#define VLAN_TAGS_MAX 2
#define EXTENSION_HEADERS_MAX 8
#define ETHERTYPE_EAPOL 0x888e
#define ETHERTYPE_LLDP 0x88cc
#define ETHERTYPE_PTP 0x88f7
#define ETHERTYPE_LENGTH_MAX 1500 /* below, it is a length: 802.2 */
#define IPV4_OFFSET_MASK 0x1fff
#define IPV4_MORE 0x2000
#define IPV6_OFFSET_MASK 0xfff8
#define IPV6_MORE 1
#define SCTP_HEADER_BYTES 12
#define ICMP_HEADER_BYTES 8

struct vlan_tag {
	__be16 tci;
	__be16 protocol;
};

struct ipv6_fragment_header {
	__u8 next;
	__u8 reserved;
	__be16 offset;
	__be32 identification;
};

/* Where the parser is. */
struct cursor {
	__u32 offset;
	__u32 l3; /* where the IP header begins */
	__u32 end; /* where the IP packet ends; before IP: the frame */
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
