// SPDX-License-Identifier: Apache-2.0
/*
 * The packet of a finding, as POST /explain and pepctl explain take it.  What
 * both make up by themselves is not said.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>

#include "cleanup.h"
#include "findings_text.h"
#include "http_json.h"
#include "json_cleanup.h"
#include "protocol.h"

static unsigned int number(const struct region_point *packet, enum region_dimension dimension)
{
	return (unsigned int)packet->value[dimension];
}

static void address_text(const struct region_point *packet, enum region_dimension dimension,
			 char ret[INET6_ADDRSTRLEN])
{
	span_number value = packet->value[dimension];
	bool ipv6 = REGION_FAMILY(packet->part) == PEP_IPV6;
	uint32_t word[4] = { htonl((uint32_t)value) };

	for (int i = 0; ipv6 && i < 4; i++)
		word[i] = htonl((uint32_t)(value >> (96 - 32 * i)));
	inet_ntop(ipv6 ? AF_INET6 : AF_INET, word, ret, INET6_ADDRSTRLEN);
}

/* "syn,ack"; of none "!syn". */
static void flags_text(unsigned int flags, char ret[64])
{
	size_t length = 0;

	if (!flags)
		snprintf(ret, 64, "!syn");
	for (unsigned int i = 0; i < 8; i++)
		if (flags >> i & 1)
			length += (size_t)snprintf(ret + length, 64 - length, "%s%s",
						   length ? "," : "", tcp_flag_name(i));
}

static bool has_ports(const struct region_point *packet)
{
	return REGION_CLASS(packet->part) < REGION_ICMP;
}

static bool is_icmp(const struct region_point *packet)
{
	return REGION_CLASS(packet->part) == REGION_ICMP;
}

static const char *interface_of(const struct findings *findings, const struct region_point *packet)
{
	unsigned int interface = number(packet, REGION_INTERFACE);

	return interface ? findings->interface[interface - 1] : NULL;
}

/* ---- words */

static void print_transport(FILE *out, const struct region_point *packet)
{
	char flags[64];

	if (is_icmp(packet))
		fprintf(out, " icmp-type %u icmp-code %u", number(packet, REGION_FIRST),
			number(packet, REGION_SECOND));
	if (REGION_CLASS(packet->part) == REGION_TCP && number(packet, REGION_FLAGS) != 2) {
		flags_text(number(packet, REGION_FLAGS), flags);
		fprintf(out, " flags %s", flags);
	}
}

static void print_rest(FILE *out, const struct findings *findings,
		       const struct region_point *packet)
{
	const char *interface = interface_of(findings, packet);

	if (number(packet, REGION_VLAN) != PEP_VLAN_NONE)
		fprintf(out, " vlan %u", number(packet, REGION_VLAN));
	if (number(packet, REGION_DSCP))
		fprintf(out, " dscp %u", number(packet, REGION_DSCP));
	if (number(packet, REGION_LENGTH) != region_headers(packet->part))
		fprintf(out, " length %u", number(packet, REGION_LENGTH));
	if (number(packet, REGION_TTL) != 64)
		fprintf(out, " ttl %u", number(packet, REGION_TTL));
	if (REGION_FRAGMENT(packet->part))
		fputs(" fragment", out);
	if (interface)
		fprintf(out, " dev %s", interface);
}

static void print_side(FILE *out, const struct region_point *packet, bool source)
{
	char address[INET6_ADDRSTRLEN];

	address_text(packet, source ? REGION_SRC : REGION_DST, address);
	fprintf(out, " %s %s", source ? "from" : "to", address);
	if (has_ports(packet))
		fprintf(out, " port %u", number(packet, source ? REGION_FIRST : REGION_SECOND));
}

char *finding_words(const struct findings *findings, const struct region_point *packet)
{
	const char *name = protocol_name((int)number(packet, REGION_PROTOCOL));
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs(number(packet, REGION_DIRECTION) ? "out" : "in", out);
	if (name)
		fprintf(out, " proto %s", name);
	else
		fprintf(out, " proto %u", number(packet, REGION_PROTOCOL));
	print_side(out, packet, true);
	print_side(out, packet, false);
	print_transport(out, packet);
	print_rest(out, findings, packet);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* ---- JSON */

static int add_side(struct json_object *json, const struct region_point *packet, bool source)
{
	CLEANUP(cleanup_json) struct json_object *side = json_object_new_object();
	char address[INET6_ADDRSTRLEN];

	address_text(packet, source ? REGION_SRC : REGION_DST, address);
	if (!side || json_add_text(side, "ip", address))
		return -ENOMEM;
	if (has_ports(packet) &&
	    json_add_number(side, "port", number(packet, source ? REGION_FIRST : REGION_SECOND)))
		return -ENOMEM;
	return json_add(json, source ? "src" : "dst", TAKE_PTR(side));
}

static int add_transport(struct json_object *json, const struct region_point *packet)
{
	char flags[64];

	if (json_add_number(json, "protocol", number(packet, REGION_PROTOCOL)))
		return -ENOMEM;
	if (is_icmp(packet) && (json_add_number(json, "icmp_type", number(packet, REGION_FIRST)) ||
				json_add_number(json, "icmp_code", number(packet, REGION_SECOND))))
		return -ENOMEM;
	if (REGION_CLASS(packet->part) != REGION_TCP)
		return 0;
	flags_text(number(packet, REGION_FLAGS), flags);
	return json_add_text(json, "tcp_flags", flags);
}

static int add_rest(struct json_object *json, const struct findings *findings,
		    const struct region_point *packet)
{
	const char *interface = interface_of(findings, packet);

	if (number(packet, REGION_VLAN) != PEP_VLAN_NONE &&
	    json_add_number(json, "vlan", number(packet, REGION_VLAN)))
		return -ENOMEM;
	if (json_add_number(json, "dscp", number(packet, REGION_DSCP)) ||
	    json_add_number(json, "length", number(packet, REGION_LENGTH)) ||
	    json_add_number(json, "ttl", number(packet, REGION_TTL)) ||
	    json_add_bool(json, "fragment", REGION_FRAGMENT(packet->part)))
		return -ENOMEM;
	return interface ? json_add_text(json, "interface", interface) : 0;
}

struct json_object *finding_packet_json(const struct findings *findings,
					const struct region_point *packet)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();
	bool egress = number(packet, REGION_DIRECTION);

	if (!json || json_add_text(json, "direction", egress ? "egress" : "ingress") ||
	    add_side(json, packet, true) || add_side(json, packet, false) ||
	    add_transport(json, packet) || add_rest(json, findings, packet))
		return NULL;
	return TAKE_PTR(json);
}
