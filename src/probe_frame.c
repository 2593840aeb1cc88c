// SPDX-License-Identifier: Apache-2.0
/*
 * The bytes of a packet of which only some members are known.  Checksums are
 * zero: the datapath does not look at them.
 */
#include <errno.h>
#include <string.h>

#include "policy.h"
#include "probe.h"
#include "problem.h"
#include "protocol.h"

#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define IPV6_FRAGMENT 44
#define SOURCE_PORT 49152 /* the first of those that are given to clients */
#define TTL 64
#define IDENTIFICATION 1
#define TCP_SYN 2
#define ICMP_ECHO 8
#define ICMPV6_ECHO 128

/* What is written next; the room was looked at before. */
struct frame_writer {
	unsigned char *at;
};

static void put8(struct frame_writer *writer, unsigned int value)
{
	*writer->at++ = (unsigned char)value;
}

static void put16(struct frame_writer *writer, unsigned int value)
{
	put8(writer, value >> 8 & 0xff);
	put8(writer, value & 0xff);
}

static void put32(struct frame_writer *writer, uint32_t value)
{
	put16(writer, value >> 16);
	put16(writer, value & 0xffff);
}

static void put_address(struct frame_writer *writer, const struct address_list *list, bool ipv6)
{
	for (int i = 0; i < (ipv6 ? 4 : 1); i++)
		put32(writer, list->range->low.word[i]);
}

static unsigned int number_or(const struct number_list *list, unsigned int otherwise)
{
	return list->count ? list->range->low : otherwise;
}

static unsigned int dscp_of(const struct policy *policy)
{
	return policy->rare->dscp ? (unsigned int)__builtin_ctzll(policy->rare->dscp) : 0;
}

static void put_link(struct frame_writer *writer, const struct policy *policy, bool ipv6)
{
	unsigned int vlan = number_or(&policy->rare->vlan, PEP_VLAN_NONE);

	memset(writer->at, 0, 12);
	writer->at += 12;
	if (vlan != PEP_VLAN_NONE) {
		put16(writer, ETHERTYPE_VLAN);
		put16(writer, vlan);
	}
	put16(writer, ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
}

/* A first fragment: of a later one there is no more to be said than what the first one met. */
static void put_ipv4(struct frame_writer *writer, const struct policy *policy, int protocol,
		     size_t bytes)
{
	put8(writer, 0x45);
	put8(writer, dscp_of(policy) << 2);
	put16(writer, (unsigned int)bytes);
	put16(writer, IDENTIFICATION);
	put16(writer, policy->fragment == 1 ? 0x2000 : 0);
	put8(writer, number_or(&policy->rare->ttl, TTL));
	put8(writer, (unsigned int)protocol);
	put16(writer, 0);
	put_address(writer, &policy->src, false);
	put_address(writer, &policy->dst, false);
}

static void put_ipv6(struct frame_writer *writer, const struct policy *policy, int protocol,
		     size_t bytes)
{
	bool fragment = policy->fragment == 1;

	put32(writer, 6U << 28 | dscp_of(policy) << 22);
	put16(writer, (unsigned int)bytes - 40);
	put8(writer, fragment ? IPV6_FRAGMENT : (unsigned int)protocol);
	put8(writer, number_or(&policy->rare->ttl, TTL));
	put_address(writer, &policy->src, true);
	put_address(writer, &policy->dst, true);
	if (!fragment)
		return;
	put16(writer, (unsigned int)protocol << 8);
	put16(writer, 1);
	put32(writer, IDENTIFICATION);
}

static void put_tcp(struct frame_writer *writer, const struct policy *policy)
{
	put32(writer, 1);
	put32(writer, 0);
	put8(writer, 5 << 4);
	put8(writer, policy->tcp_flags_mask ? policy->tcp_flags : TCP_SYN);
	put16(writer, 0xffff);
	put32(writer, 0);
}

static void put_transport(struct frame_writer *writer, const struct policy *policy, int protocol,
			  size_t bytes)
{
	bool v6 = protocol == PROTOCOL_ICMPV6;

	if (v6 || protocol == PROTOCOL_ICMP) {
		put8(writer, policy->icmp_type >= 0 ? (unsigned int)policy->icmp_type
						    : (v6 ? ICMPV6_ECHO : ICMP_ECHO));
		put8(writer, policy->icmp_code >= 0 ? (unsigned int)policy->icmp_code : 0);
	} else if (protocol_has_ports(protocol)) {
		put16(writer, number_or(&policy->sport, SOURCE_PORT));
		put16(writer, number_or(&policy->dport, 0));
	}
	if (protocol == PROTOCOL_TCP)
		put_tcp(writer, policy);
	if (protocol == PROTOCOL_UDP)
		put16(writer, (unsigned int)bytes);
}

static size_t transport_bytes(int protocol)
{
	switch (protocol) {
	case PROTOCOL_TCP:
		return 20;
	case PROTOCOL_UDP:
	case PROTOCOL_ICMP:
	case PROTOCOL_ICMPV6:
		return 8;
	case PROTOCOL_SCTP:
		return 12;
	}
	return 0;
}

/* The protocol, or -EINVAL (noted). */
static int protocol_of(const struct policy *policy, struct problems *problems)
{
	bool ports = policy->sport.count || policy->dport.count;
	int protocol = policy->protocol;

	if (protocol == POLICY_PROTOCOL_ANY && ports)
		protocol = PROTOCOL_TCP;
	if (protocol == POLICY_PROTOCOL_ANY)
		problem_add(problems, "/protocol",
			    "is missing: a packet has one, such as \"tcp\", \"udp\", \"icmp\" or "
			    "47");
	else if (protocol_has_ports(protocol) && !policy->dport.count)
		problem_add(problems, "/dst/port", "is missing: a packet of %s has one",
			    protocol_name(protocol));
	else
		return protocol;
	return -EINVAL;
}

/* L3 bytes; 0: noted. */
static size_t length_of(const struct policy *policy, size_t least, struct problems *problems)
{
	size_t length = number_or(&policy->rare->length, (unsigned int)least);
	size_t most = PROBE_FRAME_MAX - PROBE_LINK_BYTES - 4;

	if (length >= least && length <= most)
		return length;
	problem_add(problems, "/length",
		    "%zu bytes: such a packet has at least %zu of headers, and a dry run takes at "
		    "most %zu",
		    length, least, most);
	return 0;
}

int probe_build(const struct policy *policy, struct probe_packet *ret, struct problems *problems)
{
	bool ipv6 = policy->src.range->family == PEP_IPV6, fragment = policy->fragment == 1;
	size_t network = ipv6 ? 40 + (fragment ? 8 : 0) : 20, length;
	struct frame_writer writer = { ret->frame };
	int protocol = protocol_of(policy, problems);

	length = protocol < 0 ? 0
			      : length_of(policy, network + transport_bytes(protocol), problems);
	if (!length)
		return -EINVAL;
	memset(ret->frame, 0, sizeof(ret->frame));
	put_link(&writer, policy, ipv6);
	ret->bytes = (size_t)(writer.at - ret->frame) + length;
	if (ipv6)
		put_ipv6(&writer, policy, protocol, length);
	else
		put_ipv4(&writer, policy, protocol, length);
	put_transport(&writer, policy, protocol, length - network);
	return 0;
}
