// SPDX-License-Identifier: Apache-2.0
#include "protocol.h"

#include <netinet/in.h>
#include <stddef.h>
#include <strings.h>

#include "cleanup.h"
#include "suggest.h"

struct name {
	const char *name;
	int number;
};

/* Of several names of a number the first is printed. */
static const struct name protocols[] = {
	{ "tcp", PROTOCOL_TCP },
	{ "udp", PROTOCOL_UDP },
	{ "icmp", PROTOCOL_ICMP },
	{ "icmpv6", PROTOCOL_ICMPV6 },
	{ "ipv6-icmp", PROTOCOL_ICMPV6 },
	{ "icmp6", PROTOCOL_ICMPV6 },
	{ "sctp", PROTOCOL_SCTP },
	{ "gre", 47 },
	{ "esp", 50 },
	{ "ah", 51 },
	{ "igmp", 2 },
	{ "ipip", 4 },
	{ "ipv6", 41 },
	{ "dccp", 33 },
	{ "rsvp", 46 },
	{ "eigrp", 88 },
	{ "ospf", 89 },
	{ "pim", 103 },
	{ "vrrp", 112 },
	{ "l2tp", 115 },
	{ "udplite", 136 },
	{ "hopopt", 0 },
};

static const struct name icmp_types[] = {
	{ "echo-reply", 0 },	       { "destination-unreachable", 3 },
	{ "source-quench", 4 },	       { "redirect", 5 },
	{ "echo-request", 8 },	       { "router-advertisement", 9 },
	{ "router-solicitation", 10 }, { "time-exceeded", 11 },
	{ "parameter-problem", 12 },   { "timestamp-request", 13 },
	{ "timestamp-reply", 14 },     { "address-mask-request", 17 },
	{ "address-mask-reply", 18 },
};

static const struct name icmpv6_types[] = {
	{ "destination-unreachable", 1 },
	{ "packet-too-big", 2 },
	{ "time-exceeded", 3 },
	{ "parameter-problem", 4 },
	{ "echo-request", 128 },
	{ "echo-reply", 129 },
	{ "mld-listener-query", 130 },
	{ "mld-listener-report", 131 },
	{ "mld-listener-done", 132 },
	{ "router-solicitation", 133 },
	{ "router-advertisement", 134 },
	{ "neighbour-solicitation", 135 },
	{ "neighbor-solicitation", 135 },
	{ "neighbour-advertisement", 136 },
	{ "neighbor-advertisement", 136 },
	{ "redirect", 137 },
	{ "mld2-listener-report", 143 },
};

static const char *const tcp_flags[8] = { "fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr" };

static const struct name dscp_classes[] = {
	{ "cs0", 0 },	{ "cs1", 8 },	{ "cs2", 16 },	{ "cs3", 24 },	{ "cs4", 32 },
	{ "cs5", 40 },	{ "cs6", 48 },	{ "cs7", 56 },	{ "af11", 10 }, { "af12", 12 },
	{ "af13", 14 }, { "af21", 18 }, { "af22", 20 }, { "af23", 22 }, { "af31", 26 },
	{ "af32", 28 }, { "af33", 30 }, { "af41", 34 }, { "af42", 36 }, { "af43", 38 },
	{ "ef", 46 },	{ "va", 44 },	{ "le", 1 },	{ "be", 0 },
};

/* A table and its length, as the three questions below take it. */
struct names {
	const struct name *name;
	size_t count;
};

#define NAMES(table) ((struct names){ (table), ARRAY_SIZE(table) })

static int find_number(struct names names, const char *name)
{
	for (size_t i = 0; i < names.count; i++)
		if (!strcasecmp(names.name[i].name, name))
			return names.name[i].number;
	return -1;
}

static const char *find_name(struct names names, int number)
{
	for (size_t i = 0; i < names.count; i++)
		if (names.name[i].number == number)
			return names.name[i].name;
	return NULL;
}

static const char *find_near(struct names names, const char *wrong)
{
	struct suggestion suggestion = { .wrong = wrong };

	for (size_t i = 0; i < names.count; i++)
		suggest(&suggestion, names.name[i].name);
	return suggestion.best;
}

int protocol_number(const char *name)
{
	return find_number(NAMES(protocols), name);
}

const char *protocol_name(int protocol)
{
	return find_name(NAMES(protocols), protocol);
}

const char *protocol_suggest(const char *wrong)
{
	return find_near(NAMES(protocols), wrong);
}

bool protocol_is_extension(int protocol)
{
	static const int extensions[] = { IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_FRAGMENT,
					  IPPROTO_AH, IPPROTO_DSTOPTS };

	for (size_t i = 0; i < ARRAY_SIZE(extensions); i++) {
		if (protocol == extensions[i])
			return true;
	}
	return false;
}

bool protocol_has_family(int protocol, enum pep_family family)
{
	if (family == PEP_IPV6 && protocol_is_extension(protocol))
		return false;
	return protocol != (family == PEP_IPV4 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP);
}

bool protocol_has_ports(int protocol)
{
	return protocol < 0 || protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP ||
	       protocol == PROTOCOL_SCTP;
}

static struct names types_of(int protocol)
{
	return protocol == PROTOCOL_ICMP ? NAMES(icmp_types) : NAMES(icmpv6_types);
}

int icmp_type_number(int protocol, const char *name)
{
	return find_number(types_of(protocol), name);
}

const char *icmp_type_name(int protocol, int type)
{
	return find_name(types_of(protocol), type);
}

const char *icmp_type_suggest(int protocol, const char *wrong)
{
	return find_near(types_of(protocol), wrong);
}

uint8_t tcp_flag_bit(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(tcp_flags); i++)
		if (!strcasecmp(tcp_flags[i], name))
			return (uint8_t)(1u << i);
	return 0;
}

const char *tcp_flag_name(unsigned int index)
{
	return tcp_flags[index];
}

int dscp_number(const char *name)
{
	return find_number(NAMES(dscp_classes), name);
}

const char *dscp_name(int dscp)
{
	return find_name(NAMES(dscp_classes), dscp);
}
