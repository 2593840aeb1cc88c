// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Frames for bench/live: UDP from one source, a few, or ever other ones.
 * And the programs that do nothing, to compare with.
 */
#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define SOURCES 0x0a800000 /* 10.128.0.0 */
#define SOURCES_MASK 0x007fffff
#define PORT_FIRST 1024

volatile __u32 flows; /* 0: random sources */
volatile __u32 header_sum; /* of the IP header without its source */

static __always_inline __u16 header_check(__u32 source)
{
	__u32 sum = header_sum + (source >> 16) + (source & 0xffff);

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* The rest of the frame is as the process made it. */
SEC("xdp")
int bench_send(struct xdp_md *ctx)
{
	struct ethhdr *ethernet = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(ethernet + 1);
	struct udphdr *udp = (void *)(ip + 1);
	__u32 drawn = bpf_get_prandom_u32();
	__u32 source = SOURCES | (drawn & SOURCES_MASK), few = flows;

	if ((void *)(udp + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	if (few)
		source = SOURCES + 1 + drawn % few * 251;
	ip->saddr = bpf_htonl(source);
	ip->check = bpf_htons(header_check(source));
	udp->source = bpf_htons(PORT_FIRST + (few ? drawn % few : drawn >> 23));
	return XDP_TX;
}

SEC("xdp")
int bench_drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp")
int bench_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
