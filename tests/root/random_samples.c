// SPDX-License-Identifier: Apache-2.0
#include "random_samples.h"

#include <string.h>

#include "cleanup.h"
#include "random_policies.h"

#define PICK(array) ((array)[draw(ARRAY_SIZE(array))])

static const uint32_t sources4[] = { 0x0a010203, 0x0a010204, 0x0a010407, 0x0a010408, 0x0a090101,
				     0x0a000001, 0xc0a80001, 0xc0a80003, 0x08080808, 0xdeadbeef };
static const uint32_t sources6[][4] = {
	{ 0x20010db8, 0x00010002, 0, 3 },      { 0x20010db8, 0x00010002, 0, 4 },
	{ 0x20010db8, 0x00010003, 0, 0 },      { 0x20010db8, 0x00010003, 0, 1 },
	{ 0x20010db8, 0x00020000, 0, 1 },      { 0xfe800000, 0, 0, 1 },
	{ 0x26200000, 0x12345678, 0, 0xffff },
};
static const uint8_t protocol_numbers[] = { 6, 17, 6, 17, 132, 1, 58, 47, 6 };
static const uint16_t port_numbers[] = { 22, 53, 80, 81, 443, 444, 1023, 1024, 8080, 50000, 0 };
static const uint16_t vlan_numbers[] = { 100, 150, 200, 0 };

static void draw_transport(struct sample *s)
{
	s->protocol = PICK(protocol_numbers);
	if (s->protocol == 47)
		return;
	s->sport = PICK(port_numbers);
	s->dport = PICK(port_numbers);
	if (s->protocol == 6)
		s->tcp_flags = (uint8_t)draw(32);
	if (s->protocol == 1 || s->protocol == 58) {
		s->sport = draw(2) ? (s->protocol == 1 ? 8 : 128) : 3;
		s->dport = (uint16_t)draw(2);
	}
	/* another family's ICMP is a protocol without a header that we know */
	if (s->protocol == (s->family == PEP_IPV4 ? 58 : 1))
		s->sport = s->dport = 0;
}

void draw_sample(struct sample *s)
{
	static const uint8_t ttl_numbers[] = { 1, 63, 64, 255 };

	memset(s, 0, sizeof(*s));
	s->family = draw(2) ? PEP_IPV4 : PEP_IPV6;
	s->direction = draw(2) ? PEP_INGRESS : PEP_EGRESS;
	s->interface = draw(4) ? "orc0" : "orc1";
	s->outer_vlan = draw(3) ? PEP_VLAN_NONE : PICK(vlan_numbers);
	s->inner_vlan = s->outer_vlan == PEP_VLAN_NONE || draw(3) ? PEP_VLAN_NONE
								  : PICK(vlan_numbers);
	if (s->family == PEP_IPV4) {
		s->src[0] = PICK(sources4);
		s->dst[0] = PICK(sources4);
	} else {
		memcpy(s->src, PICK(sources6), sizeof(s->src));
		memcpy(s->dst, PICK(sources6), sizeof(s->dst));
	}
	draw_transport(s);
	s->dscp = draw(4) ? 0 : draw(2) ? 46 : 8;
	s->ttl = PICK(ttl_numbers);
	s->payload = (uint16_t)(draw(3) ? draw(64) : 20 + draw(400));
	s->first_fragment = draw(12) == 0;
	s->later_fragment = !s->first_fragment && draw(24) == 0;
}

enum datapath_program draw_program(const struct sample *s)
{
	static const enum datapath_program programs[PEP_DIRECTIONS][3] = {
		[PEP_INGRESS] = { PROGRAM_XDP_FRAGS, PROGRAM_XDP, PROGRAM_TC_INGRESS },
		[PEP_EGRESS] = { PROGRAM_TC_EGRESS, PROGRAM_TC_EGRESS, PROGRAM_TC_EGRESS },
	};

	return programs[s->direction][draw(3)];
}
