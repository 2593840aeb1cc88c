/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * XDP's side of what differs between the hooks.
 */
#ifndef PEP_CONTEXT_H
#define PEP_CONTEXT_H

#include "packet.h"

typedef struct xdp_md context;

#define CONTEXT_PASS XDP_PASS
#define CONTEXT_DROP XDP_DROP

const volatile __u32 has_frags; /* loaded as a multi-buffer program */

static __always_inline __u32 context_length(context *ctx)
{
	if (has_frags)
		return bpf_xdp_get_buff_len(ctx);
	return ctx->data_end - ctx->data;
}

/* As much of it as can be said without a call. */
static __always_inline __u32 context_length_least(context *ctx)
{
	return ctx->data_end - ctx->data;
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
	if (!has_frags || bpf_xdp_load_bytes(ctx, offset, buffer, size))
		return NULL;
	return buffer;
}

/* Generic XDP runs on merged buffers, but cannot know their segments. */
static __always_inline void context_segments(context *ctx, struct packet *p, __u32 headers)
{
	p->segment = p->length;
	p->packets = 1;
}

static __always_inline bool context_merged(context *ctx, __u32 bytes)
{
	return bytes > 0xffff; /* more than an IP header can say */
}

static __always_inline __u32 context_vlan(context *ctx)
{
	return PEP_VLAN_NONE;
}

/* Whether there is nothing about the packet but its bytes. */
static __always_inline bool context_is_plain(context *ctx)
{
	return true;
}

/* Fills in what the context says and whether this is a dry run. */
static __always_inline void context_read(context *ctx, struct packet *p, __u32 direction)
{
	const struct pep_dry_metadata *meta = (const void *)(long)ctx->data_meta;

	p->ifindex = ctx->ingress_ifindex;
	if ((const void *)(meta + 1) > (const void *)(long)ctx->data)
		return;
	if (meta->dry.nonce[0] != dry_nonce[0] || meta->dry.nonce[1] != dry_nonce[1])
		return;
	packet_is_dry(p);
	if (meta->dry.flags & PEP_DRY_EGRESS)
		p->flags |= PACKET_EGRESS;
	if (meta->dry.flags & PEP_DRY_L3)
		p->flags |= PACKET_L3;
	if (meta->dry.flags & PEP_DRY_VLAN)
		p->vlans = meta->dry.vlans;
	p->ifindex = meta->dry.ifindex;
	p->now_ns = meta->time_ns;
}

#endif
