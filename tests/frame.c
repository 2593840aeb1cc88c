// SPDX-License-Identifier: Apache-2.0
#include "frame.h"

#include <arpa/inet.h>
#include <string.h>

struct writer {
	unsigned char *at;
};

static void put8(struct writer *w, uint8_t value)
{
	*w->at++ = value;
}

static void put16(struct writer *w, uint16_t value)
{
	put8(w, (uint8_t)(value >> 8));
	put8(w, (uint8_t)value);
}

static void put32(struct writer *w, uint32_t value)
{
	put16(w, (uint16_t)(value >> 16));
	put16(w, (uint16_t)value);
}

static void put_link(struct writer *w, const struct sample *s)
{
	bool two = s->inner_vlan != PEP_VLAN_NONE;

	memcpy(w->at, "\2\0\0\0\0\2\2\0\0\0\0\1", 12);
	w->at += 12;
	if (s->outer_vlan != PEP_VLAN_NONE) {
		put16(w, two ? 0x88a8 : 0x8100);
		put16(w, s->outer_vlan);
	}
	if (two) {
		put16(w, 0x8100);
		put16(w, s->inner_vlan);
	}
	put16(w, s->family == PEP_IPV4 ? 0x0800 : 0x86dd);
}

static size_t transport_bytes(const struct sample *s)
{
	switch (s->protocol) {
	case 6:
		return 20;
	case 17:
	case 1:
	case 58:
		return 8;
	case 132:
		return 12;
	}
	return 0;
}

static void put_transport(struct writer *w, const struct sample *s)
{
	unsigned char *start = w->at;
	size_t bytes = transport_bytes(s);

	memset(start, 0, bytes);
	if (s->protocol == 1 || s->protocol == 58) {
		put8(w, (uint8_t)s->sport);
		put8(w, (uint8_t)s->dport);
	} else if (bytes) {
		put16(w, s->sport);
		put16(w, s->dport);
	}
	if (s->protocol == 6) {
		start[12] = 5 << 4;
		start[13] = s->tcp_flags;
	}
	w->at = start + 4;
	if (s->protocol == 17)
		put16(w, (uint16_t)(8 + s->payload));
	w->at = start + bytes;
}

static void put_ipv4(struct writer *w, const struct sample *s, size_t body)
{
	uint16_t fragment = s->first_fragment ? 0x2000 : s->later_fragment ? 0x2000 | 100 : 0;

	put8(w, 0x45);
	put8(w, (uint8_t)(s->dscp << 2));
	put16(w, (uint16_t)(20 + body));
	put16(w, 0x1234);
	put16(w, fragment);
	put8(w, s->ttl);
	put8(w, s->protocol);
	put16(w, 0);
	put32(w, s->src[0]);
	put32(w, s->dst[0]);
}

static void put_ipv6(struct writer *w, const struct sample *s, size_t body)
{
	bool fragment = s->first_fragment || s->later_fragment;

	put32(w, 6U << 28 | (uint32_t)s->dscp << 22);
	put16(w, (uint16_t)(body + (fragment ? 8 : 0)));
	put8(w, fragment ? 44 : s->protocol);
	put8(w, s->ttl);
	for (int i = 0; i < 4; i++)
		put32(w, s->src[i]);
	for (int i = 0; i < 4; i++)
		put32(w, s->dst[i]);
	if (fragment) {
		put8(w, s->protocol);
		put8(w, 0);
		put16(w, s->first_fragment ? 1 : 100 << 3 | 1);
		put32(w, 0x1234);
	}
}

size_t frame_build(struct sample *sample, bool l3, unsigned char ret_frame[FRAME_BYTES_MAX])
{
	size_t body = transport_bytes(sample) + sample->payload;
	struct writer w = { ret_frame };
	unsigned char *start;

	memset(ret_frame, 0, FRAME_BYTES_MAX);
	if (!l3)
		put_link(&w, sample);
	start = w.at;
	if (sample->family == PEP_IPV4)
		put_ipv4(&w, sample, body);
	else
		put_ipv6(&w, sample, body);
	put_transport(&w, sample);
	w.at += sample->payload;
	sample->length = (uint32_t)(w.at - start);
	return (size_t)(w.at - ret_frame);
}
