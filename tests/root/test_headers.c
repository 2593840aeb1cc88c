// SPDX-License-Identifier: Apache-2.0
/*
 * Headers that try to get around a policy: tags without an id, fragment
 * headers in fragments, segments that are hardly there.
 */
#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "datapath_counters.h"
#include "datapath_limits.h"
#include "datapath_maps.h"
#include "real_bed.h"

static size_t put_ethernet(unsigned char *frame, const uint16_t *types, size_t count)
{
	size_t at = 12;

	memset(frame, 0, 12);
	for (size_t i = 0; i < count; i++, at += 2) {
		uint16_t type = htons(types[i]);

		memcpy(frame + at, &type, 2);
	}
	return at;
}

/*
 * A tun device may say that segments hold a byte each; each is charged its
 * headers, here 2 kB, and what that costs must not wrap around.
 */
static void many_segments(struct dry_bed *bed)
{
	static const uint16_t type[] = { 0x86dd };
	struct __sk_buff skb = { .gso_size = 1, .gso_segs = 65535 };
	const double seconds = 65535.0 * (40 + 2048 + 20) / 10000000;
	unsigned char frame[3000] = { 0 };
	unsigned char *ip = frame + put_ethernet(frame, type, 1);
	const struct pep_limits *limits;
	struct timespec now;
	double debt;

	real_bed_publish(bed, "{\"id\":\"g\",\"action\":\"RATE_LIMIT\","
			      "\"rate_limit_bytes_per_second\":10000000}");
	ip[0] = 0x60;
	ip[4] = (2048 + 120) >> 8;
	ip[5] = (2048 + 120) & 0xff;
	ip[6] = 60; /* destination options */
	ip[40] = 6;
	ip[41] = 255;
	ip[40 + 2048 + 12] = 5 << 4;
	real_bed_run(bed, frame, 14 + 40 + 2048 + 120, &skb);
	clock_gettime(CLOCK_MONOTONIC, &now);
	limits = datapath_limits_of(bed->datapath,
				    datapath_slot_at(bed->datapath,
						     datapath_policy_slot(bed->datapath, "g")));
	debt = (double)limits->bytes_tat / 64e9 - (double)now.tv_sec;
	real_bed_check(bed, debt > seconds - 1 && debt < seconds + 2,
		       "each segment is charged its headers");
}

static bool tagged_dropped(struct dry_bed *bed, const uint16_t *types, size_t count,
			   struct __sk_buff *skb)
{
	unsigned char frame[FRAME_BYTES_MAX], whole[FRAME_BYTES_MAX];
	struct sample s = real_bed_udp(53);
	size_t link = put_ethernet(frame, types, count), bytes = frame_build(&s, false, whole);

	memcpy(frame + link, whole + 14, bytes - 14);
	return real_bed_run(bed, frame, link + bytes - 14, skb);
}

/* A tag with the id 0 has a priority and names no VLAN: the stack takes it off. */
static void priority_tags(struct dry_bed *bed)
{
	static const uint16_t priority[] = { 0x8100, 3 << 13, 0x0800 };
	static const uint16_t inner[] = { 0x8100, 3 << 13, 0x8100, 5, 0x0800 };
	static const uint16_t plain[] = { 0x0800 };
	static const uint16_t five[] = { 0x8100, 5, 0x0800 };
	struct __sk_buff skb = { 0 };

	real_bed_publish(bed, "{\"id\":\"v\",\"action\":\"BLOCK\",\"vlan\":\"none\"}");
	for (int tc = 0; tc < 2; tc++) {
		struct __sk_buff *context = tc ? &skb : NULL;

		real_bed_check(bed, tagged_dropped(bed, plain, 1, context), "no tag");
		real_bed_check(bed, tagged_dropped(bed, priority, 3, context),
			       "a priority tag is no VLAN");
		real_bed_check(bed, !tagged_dropped(bed, inner, 5, context),
			       "VLAN 5 behind a priority tag");
		real_bed_check(bed, !tagged_dropped(bed, five, 3, context), "VLAN 5");
	}
	real_bed_publish(bed, "{\"id\":\"v\",\"action\":\"BLOCK\",\"vlan\":5}");
	for (int tc = 0; tc < 2; tc++) {
		struct __sk_buff *context = tc ? &skb : NULL;

		real_bed_check(bed, tagged_dropped(bed, inner, 5, context),
			       "VLAN 5 behind a priority tag");
		real_bed_check(bed, !tagged_dropped(bed, priority, 3, context),
			       "priority tag alone");
	}
}

/* IPv6, a first fragment header, an atomic one, UDP: 16 bytes of headers. */
static size_t nested_fragment(unsigned char *frame, uint16_t offset, bool more, uint8_t next)
{
	static const uint16_t type[] = { 0x86dd };
	unsigned char *ip = frame + put_ethernet(frame, type, 1), *at = ip + 40;
	size_t body = offset ? 16 : 8 + 8 + 16;
	uint16_t word = htons((uint16_t)(offset | more));

	memset(ip, 0, 40 + 8 + body);
	ip[0] = 0x60;
	ip[5] = (unsigned char)(8 + body);
	ip[6] = 44;
	ip[7] = 64;
	ip[8] = 0x20;
	ip[24] = 0x20;
	ip[39] = 1;
	at[0] = next;
	memcpy(at + 2, &word, 2);
	at[7] = 9; /* identification */
	at += 8;
	if (!offset) {
		at[0] = 17;
		at += 8;
	}
	at[0] = 4;
	at[3] = 53;
	at[5] = 24;
	return (size_t)(ip - frame) + 40 + 8 + body;
}

static void overlap_behind_atomic_header(struct dry_bed *bed)
{
	unsigned char frame[256];
	size_t bytes;

	real_bed_publish(bed, "{\"id\":\"x\",\"action\":\"BLOCK\",\"protocol\":\"tcp\"}");
	bytes = nested_fragment(frame, 0, true, 44);
	real_bed_check(bed, !real_bed_run(bed, frame, bytes, NULL),
		       "first fragment with an atomic header inside");
	bytes = nested_fragment(frame, 8, true, 44);
	real_bed_check(bed, real_bed_run(bed, frame, bytes, NULL),
		       "a later one may not rewrite the ports");
	bytes = nested_fragment(frame, 32, false, 44);
	real_bed_check(bed, !real_bed_run(bed, frame, bytes, NULL),
		       "a later one behind the headers");
}

int main(void)
{
	static void (*const tests[])(struct dry_bed * bed) = {
		priority_tags,
		overlap_behind_atomic_header,
		many_segments,
	};
	struct dry_bed bed;

	real_bed_open(&bed);
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		tests[i](&bed);
	return dry_bed_close(&bed);
}
