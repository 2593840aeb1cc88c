// SPDX-License-Identifier: Apache-2.0
#include "lifelines.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "log.h"
#include "policyset.h"
#include "protocol.h"
#include "settings.h"

#define SSH_PORT 22
#define DNS_PORT 53
#define EPHEMERAL_PORT 49152 /* the first of those that are given to clients */
#define LIFELINES_MOST 256

void lifelines_clear(struct lifelines *lifelines)
{
	free(lifelines->list);
	*lifelines = (struct lifelines){ 0 };
}

static bool is_there(const struct lifelines *lifelines, const struct lifeline *wanted)
{
	for (size_t i = 0; i < lifelines->count; i++) {
		const struct lifeline *lifeline = &lifelines->list[i];

		if (lifeline->family == wanted->family && lifeline->protocol == wanted->protocol &&
		    lifeline->local_port == wanted->local_port &&
		    lifeline->remote_port == wanted->remote_port &&
		    !memcmp(lifeline->remote, wanted->remote, sizeof(wanted->remote)))
			return true;
	}
	return false;
}

int lifelines_add(struct lifelines *lifelines, const struct lifeline *lifeline)
{
	static const unsigned char none[16];
	struct lifeline_route route;
	struct lifeline *grown;

	if (lifelines->count == LIFELINES_MOST || is_there(lifelines, lifeline) ||
	    lifeline_find_route(lifeline->family, lifeline->remote, &route))
		return 0;
	grown = reallocarray(lifelines->list, lifelines->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	lifelines->list = grown;
	grown += lifelines->count++;
	*grown = *lifeline;
	grown->ifindex = route.ifindex;
	if (!memcmp(grown->local, none, sizeof(none)) && route.has_source)
		memcpy(grown->local, route.source, sizeof(route.source));
	return 0;
}

/* ---- connections */

static void add_port(struct lifeline_ports *ports, unsigned long port)
{
	for (size_t i = 0; i < ports->count; i++)
		if (ports->port[i] == port)
			return;
	if (port && ports->count < LIFELINE_PORTS_MOST)
		ports->port[ports->count++] = (uint16_t)port;
}

/* What failsafe policies of TCP let in is what the administrator comes by. */
static void add_failsafe_ports(struct lifeline_ports *ports, const struct policyset *failsafe)
{
	for (size_t i = 0; failsafe && i < failsafe->count; i++) {
		const struct policy *policy = failsafe->policy[i];

		if (policy->protocol != PROTOCOL_TCP || !(policy->directions >> PEP_INGRESS & 1))
			continue;
		for (size_t r = 0; r < policy->dport.count; r++)
			if (policy->dport.range[r].low == policy->dport.range[r].high)
				add_port(ports, policy->dport.range[r].low);
	}
}

static int add_connections(struct lifelines *lifelines, const struct settings *settings)
{
	struct lifeline_ports ports = { .port = { SSH_PORT }, .count = 1 };
	int error;

	for (size_t i = 0; i < settings->listen.count; i++) {
		const char *colon = strrchr(settings->listen.string[i], ':');

		if (colon && colon[1] != '/')
			add_port(&ports, strtoul(colon + 1, NULL, 10));
	}
	add_failsafe_ports(&ports, settings->failsafe);
	error = lifelines_add_sockets(lifelines, &ports);
	if (error && error != -ENOMEM)
		log_warn(
			"connections cannot be looked at, so no change is refused that cuts them: %s",
			strerror(-error));
	return error == -ENOMEM ? error : 0;
}

/* ---- gateways: of the routes to addresses that nobody has */

static int add_gateway(struct lifelines *lifelines, enum pep_family family)
{
	static const unsigned char somewhere[PEP_FAMILIES][16] = {
		[PEP_IPV4] = { 192, 0, 2, 1 },
		[PEP_IPV6] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 },
	};
	struct lifeline lifeline = { .family = family };
	char address[INET6_ADDRSTRLEN] = "";
	struct lifeline_route route;

	if (lifeline_find_route(family, somewhere[family], &route) || !route.has_gateway)
		return 0;
	lifeline.protocol = family == PEP_IPV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	memcpy(lifeline.remote, route.gateway, sizeof(route.gateway));
	memcpy(lifeline.local, route.source, sizeof(route.source));
	inet_ntop(family == PEP_IPV6 ? AF_INET6 : AF_INET, route.gateway, address, sizeof(address));
	snprintf(lifeline.what, sizeof(lifeline.what), "the default gateway %s", address);
	return lifelines_add(lifelines, &lifeline);
}

/* ---- resolvers */

static int add_resolver(struct lifelines *lifelines, const char *address)
{
	struct lifeline lifeline = {
		.protocol = IPPROTO_UDP,
		.local_port = EPHEMERAL_PORT,
		.remote_port = DNS_PORT,
	};

	if (inet_pton(AF_INET, address, lifeline.remote) == 1)
		lifeline.family = PEP_IPV4;
	else if (inet_pton(AF_INET6, address, lifeline.remote) == 1)
		lifeline.family = PEP_IPV6;
	else
		return 0;
	snprintf(lifeline.what, sizeof(lifeline.what), "the resolver %s", address);
	return lifelines_add(lifelines, &lifeline);
}

/* The second one is of those behind a resolver on loopback. */
static int add_resolvers(struct lifelines *lifelines)
{
	static const char *const files[] = { "/etc/resolv.conf",
					     "/run/systemd/resolve/resolv.conf" };
	char line[256], address[LIFELINE_ADDRESS_TEXT];
	int error = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		CLEANUP(cleanup_file) FILE *file = fopen(files[i], "re");

		while (file && !error && fgets(line, sizeof(line), file)) {
			if (sscanf(line, "nameserver %45[0-9a-fA-F.:]", address) == 1)
				error = add_resolver(lifelines, address);
		}
	}
	return error;
}

int lifelines_find(const struct settings *settings, struct lifelines *ret)
{
	struct lifelines found = { 0 };
	int error = add_gateway(&found, PEP_IPV4);

	if (!error)
		error = add_gateway(&found, PEP_IPV6);
	if (!error)
		error = add_resolvers(&found);
	if (!error)
		error = add_connections(&found, settings);
	if (error)
		lifelines_clear(&found);
	else
		*ret = found;
	return error;
}

/* ---- packets */

/* From which end, and to which. */
struct ends {
	const unsigned char *src, *dst;
	uint16_t sport, dport;
};

static void put16(unsigned char *at, unsigned int value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

/* An answer within a connection, a datagram, or what a gateway must be able to say. */
static size_t put_transport(const struct lifeline *lifeline, const struct ends *ends,
			    unsigned char *at)
{
	switch (lifeline->protocol) {
	case IPPROTO_TCP:
		put16(at, ends->sport);
		put16(at + 2, ends->dport);
		at[12] = 5 << 4;
		at[13] = 0x10; /* ACK */
		return 20;
	case IPPROTO_UDP:
		put16(at, ends->sport);
		put16(at + 2, ends->dport);
		put16(at + 4, 8);
		return 8;
	case IPPROTO_ICMP: /* fragmentation needed */
		at[0] = 3;
		at[1] = 4;
		return 8;
	default: /* neighbour advertisement */
		at[0] = 136;
		return 24;
	}
}

static void put_ipv4(const struct lifeline *lifeline, const struct ends *ends, size_t bytes,
		     unsigned char *at)
{
	at[0] = 0x45;
	put16(at + 2, (unsigned int)(20 + bytes));
	at[8] = 64;
	at[9] = lifeline->protocol;
	memcpy(at + 12, ends->src, 4);
	memcpy(at + 16, ends->dst, 4);
}

static void put_ipv6(const struct lifeline *lifeline, const struct ends *ends, size_t bytes,
		     unsigned char *at)
{
	at[0] = 0x60;
	put16(at + 4, (unsigned int)bytes);
	at[6] = lifeline->protocol;
	at[7] = lifeline->protocol == IPPROTO_ICMPV6 ? 255 : 64;
	memcpy(at + 8, ends->src, 16);
	memcpy(at + 24, ends->dst, 16);
}

size_t lifeline_frame(const struct lifeline *lifeline, enum pep_direction direction,
		      unsigned char ret[LIFELINE_FRAME_BYTES])
{
	const bool ipv6 = lifeline->family == PEP_IPV6, out = direction == PEP_EGRESS;
	const struct ends ends = {
		.src = out ? lifeline->local : lifeline->remote,
		.dst = out ? lifeline->remote : lifeline->local,
		.sport = out ? lifeline->local_port : lifeline->remote_port,
		.dport = out ? lifeline->remote_port : lifeline->local_port,
	};
	const size_t link = 14, network = ipv6 ? 40 : 20;
	size_t bytes;

	memset(ret, 0, LIFELINE_FRAME_BYTES);
	put16(ret + 12, ipv6 ? 0x86dd : 0x0800);
	bytes = put_transport(lifeline, &ends, ret + link + network);
	(ipv6 ? put_ipv6 : put_ipv4)(lifeline, &ends, bytes, ret + link);
	return link + network + bytes;
}
