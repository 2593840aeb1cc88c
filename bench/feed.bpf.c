// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Whole programs: each run of a program here makes the packet the next one of
 * a trace and goes on to the program that is measured, in its place.  So that
 * program sees another packet every time, and nothing of it is changed.
 */
#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bench.h"

__u32 first; /* of the trace */
__u32 position; /* in it */
__u64 began_ns[BENCH_SLICES + 1]; /* before the first packet of each slice, and behind the last */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BENCH_TRACE *TRACES + 1);
	__type(key, __u32);
	__type(value, struct bench_frame);
} frames SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, NEXTS);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

/* Those of lookup.bpf.c, by IPv4's key and by IPv6's; one of them is the one in use. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct bench_key4);
	__type(value, struct bench_found);
} hash4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct pep_key);
	__type(value, struct bench_found);
} hash6 SEC(".maps");

static __always_inline void take_time(void)
{
	__u32 slice = position / BENCH_SLICE;

	if (position % BENCH_SLICE == 0 && slice <= BENCH_SLICES)
		began_ns[slice] = bpf_ktime_get_ns();
}

/* The tail call is a jump, as its target is a constant. */
static __always_inline int feed(struct xdp_md *ctx, const __u32 going_on)
{
	__u64 *packet = (void *)(long)ctx->data;
	__u32 at = first + position;
	const struct bench_frame *frame = bpf_map_lookup_elem(&frames, &at);

	if (!frame || (void *)packet + sizeof(*frame) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	take_time();
	position++;
	for (int i = 0; i < BENCH_FRAME / 8; i++)
		packet[i] = frame->word[i];
	bpf_tail_call_static(ctx, &next, going_on);
	return XDP_ABORTED;
}

SEC("xdp")
int bench_feed_empty(struct xdp_md *ctx)
{
	return feed(ctx, NEXT_EMPTY);
}

SEC("xdp")
int bench_feed_hash(struct xdp_md *ctx)
{
	return feed(ctx, NEXT_HASH);
}

SEC("xdp")
int bench_feed_pipeline(struct xdp_md *ctx)
{
	return feed(ctx, NEXT_PIPELINE);
}

SEC("xdp")
int bench_nothing(struct xdp_md *ctx)
{
	return XDP_DROP;
}

/* Parses, looks the five-tuple up, counts: what an XDP program cannot do without. */
static __always_inline int count(struct bench_found *found, const struct xdp_md *ctx)
{
	if (!found)
		return XDP_PASS;
	found->packets++;
	found->bytes += ctx->data_end - ctx->data - ETH_HLEN;
	return found->drop ? XDP_DROP : XDP_PASS;
}

/* Ports, of TCP and UDP, or type and code of ICMP, as struct pep_key has them. */
static __always_inline bool read_ports(const struct xdp_md *ctx, const void *at, __u8 protocol,
				       __u32 *ret)
{
	const __be16 *port = at;
	const __u8 *type = at;

	if ((const void *)(port + 2) > (const void *)(long)ctx->data_end)
		return false;
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP)
		*ret = (__u32)bpf_ntohs(port[0]) << 16 | bpf_ntohs(port[1]);
	else if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		*ret = (__u32)type[0] << 16 | type[1];
	return true;
}

static __always_inline __u32 key_protocol(__u8 protocol)
{
	bool ports = protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;

	return protocol | (ports ? PEP_PROTOCOL_PORTS : 0);
}

static __always_inline int find4(struct xdp_md *ctx, const struct iphdr *ip)
{
	struct bench_key4 key = { 0 };

	if ((const void *)(ip + 1) > (const void *)(long)ctx->data_end || ip->ihl < 5)
		return XDP_ABORTED;
	if (!read_ports(ctx, (const void *)ip + ip->ihl * 4, ip->protocol, &key.ports))
		return XDP_ABORTED;
	key.src = bpf_ntohl(ip->saddr);
	key.dst = bpf_ntohl(ip->daddr);
	key.protocol = key_protocol(ip->protocol);
	return count(bpf_map_lookup_elem(&hash4, &key), ctx);
}

static __always_inline int find6(struct xdp_md *ctx, const struct ipv6hdr *ip)
{
	struct pep_key key = { 0 };

	if ((const void *)(ip + 1) > (const void *)(long)ctx->data_end)
		return XDP_ABORTED;
	if (!read_ports(ctx, ip + 1, ip->nexthdr, &key.word[PEP_KEY_PORTS]))
		return XDP_ABORTED;
	for (int i = 0; i < 4; i++) {
		key.word[PEP_KEY_SRC + i] = bpf_ntohl(ip->saddr.in6_u.u6_addr32[i]);
		key.word[PEP_KEY_DST + i] = bpf_ntohl(ip->daddr.in6_u.u6_addr32[i]);
	}
	key.word[PEP_KEY_PROTOCOL] = key_protocol(ip->nexthdr) | PEP_PROTOCOL_IPV6;
	return count(bpf_map_lookup_elem(&hash6, &key), ctx);
}

SEC("xdp")
int bench_hash_pipeline(struct xdp_md *ctx)
{
	const struct ethhdr *ethernet = (void *)(long)ctx->data;

	if ((const void *)(ethernet + 1) > (const void *)(long)ctx->data_end)
		return XDP_ABORTED;
	if (ethernet->h_proto == bpf_htons(ETH_P_IP))
		return find4(ctx, (const void *)(ethernet + 1));
	if (ethernet->h_proto == bpf_htons(ETH_P_IPV6))
		return find6(ctx, (const void *)(ethernet + 1));
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
