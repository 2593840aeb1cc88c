// SPDX-License-Identifier: Apache-2.0
/*
 * Random packets against random policies: the loaded programs, run dry, must
 * agree with the oracle in verdict, policy and reason, and leave no trace.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "dry_bed.h"
#include "random_policies.h"

#define SETS 2000
#define PACKETS 100 /* a set */
#define POLICIES_MOST 50
#define FAILSAFE_MOST 3

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

static void draw_sample(struct sample *s)
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

static void run_set(struct dry_bed *bed)
{
	static const enum datapath_program programs[PEP_DIRECTIONS][3] = {
		[PEP_INGRESS] = { PROGRAM_XDP_FRAGS, PROGRAM_XDP, PROGRAM_TC_INGRESS },
		[PEP_EGRESS] = { PROGRAM_TC_EGRESS, PROGRAM_TC_EGRESS, PROGRAM_TC_EGRESS },
	};
	char *text = malloc(RANDOM_JSON_BYTES), *safe = malloc(RANDOM_JSON_BYTES);
	struct policyset *set = random_set(1 + draw(POLICIES_MOST), false, text);
	struct policyset *failsafe = random_set(draw(FAILSAFE_MOST), true, safe);
	bool default_block = draw(2);
	struct oracle *oracle = oracle_new(set, failsafe, default_block, time(NULL) * 1000000LL);
	struct sample sample;

	bed->state = text;
	dry_bed_publish(bed, set, failsafe, default_block);
	for (int i = 0; i < PACKETS; i++) {
		draw_sample(&sample);
		dry_bed_ask(bed, oracle, &sample, programs[sample.direction][draw(3)]);
	}
	oracle_free(oracle);
	policyset_put(&set);
	policyset_put(&failsafe);
	free(text);
	free(safe);
}

int main(int argc, char **argv)
{
	unsigned int sets = argc > 1 ? (unsigned int)atoi(argv[1]) : SETS;
	struct dry_bed bed;

	dry_bed_open(&bed);
	for (unsigned int i = 0; i < sets; i++)
		run_set(&bed);
	dry_bed_check_still(&bed);
	return dry_bed_close(&bed);
}
