// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What hangs in a clsact filter, which unlike a link goes with nobody: it calls
 * the program that is in the map.  The kernel empties the map when the last
 * process or pin lets go of it, and then the filter passes everything.  With the
 * names of the programs that it stands for, by which filters are known.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define PASS_ON (-1) /* TC_ACT_UNSPEC */

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} behind SEC(".maps");

SEC("tc")
int pep_tc_ingress(struct __sk_buff *ctx)
{
	bpf_tail_call(ctx, &behind, 0);
	return PASS_ON;
}

SEC("tc")
int pep_tc_egress(struct __sk_buff *ctx)
{
	bpf_tail_call(ctx, &behind, 0);
	return PASS_ON;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
