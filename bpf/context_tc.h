/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TC's side of what differs between the hooks.  To pass is to let the next
 * program or filter decide, never to accept for good.
 */
#ifndef PEP_CONTEXT_H
#define PEP_CONTEXT_H

#include <linux/pkt_cls.h>

#include "packet.h"

typedef struct __sk_buff context;

#define CONTEXT_PASS TC_ACT_UNSPEC
#define CONTEXT_DROP TC_ACT_SHOT

static __always_inline __u32 context_length(context *ctx)
{
	return ctx->len;
}

/* As much of it as can be said without a call. */
static __always_inline __u32 context_length_least(context *ctx)
{
	return ctx->len;
}

/* `size` bytes at `offset`: in place when they are there, else copied to `buffer`. */
static __always_inline const void *context_bytes(context *ctx, __u32 offset, void *buffer,
						 __u32 size)
{
	const void *data = (const void *)(long)ctx->data;
	const void *data_end = (const void *)(long)ctx->data_end;

	offset &= 0x7fff;
	opaque(offset);
	if (data + offset + size <= data_end)
		return data + offset;
	return bpf_skb_load_bytes(ctx, offset, buffer, size) ? NULL : buffer;
}

/* What a merged buffer is on the wire: every segment repeats the headers. */
static __always_inline void context_segments(context *ctx, struct packet *p, __u32 headers)
{
	__u32 size = ctx->gso_size, count = ctx->gso_segs;

	p->segment = p->length;
	p->packets = 1;
	if (!size || p->length <= headers + size)
		return;
	if (!count) /* from an untrusted source, e.g. a tun device */
		count = (p->length - headers + size - 1) / size;
	p->segment = headers + size;
	p->packets = count;
	p->length += (count - 1) * headers;
}

static __always_inline bool context_merged(context *ctx, __u32 bytes)
{
	return ctx->gso_size != 0;
}

/* A tag that was taken off the frame. */
static __always_inline __u32 context_vlan(context *ctx)
{
	return ctx->vlan_present ? ctx->vlan_tci & 0xfff : PEP_VLAN_NONE;
}

/* Whether there is nothing about the packet but its bytes: no tag beside it, no segments. */
static __always_inline bool context_is_plain(context *ctx)
{
	return !ctx->gso_size && !ctx->vlan_present;
}

/* Fills in what the context says and whether this is a dry run. */
static __always_inline void context_read(context *ctx, struct packet *p, __u32 direction)
{
	__u32 flags;

	p->ifindex = ctx->ifindex;
	if (direction == PEP_EGRESS)
		p->flags |= PACKET_EGRESS;
	if (ctx->cb[0] != dry_nonce[0] || ctx->cb[1] != dry_nonce[1])
		return;
	packet_is_dry(p);
	p->ifindex = ctx->cb[2];
	flags = ctx->cb[4];
	if (flags & PEP_DRY_EGRESS)
		p->flags |= PACKET_EGRESS;
	if (flags & PEP_DRY_L3)
		p->flags |= PACKET_L3;
	if (flags & PEP_DRY_VLAN)
		p->vlans = ctx->cb[3];
	p->now_ns = ctx->tstamp;
}

#endif
