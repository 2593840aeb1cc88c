/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TC filters of an interface, everyone's, as rtnetlink lists them.
 */
#ifndef TC_FILTERS_H
#define TC_FILTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tc_filter {
	uint32_t chain; /* packets start in 0 */
	uint32_t priority; /* 1 runs first */
	uint32_t handle; /* 0: the head of a priority, listed before its filters */
	uint32_t program_id; /* 0 unless a BPF filter */
	char kind[16]; /* "bpf", "u32" ... */
	char name[64]; /* of a BPF filter, as whoever attached it called it */
};

/**
 * Lists the filters of the ingress or egress hook, in the order in which they
 * run. The caller frees @ret. Returns 0 or -errno; no interface has no filters.
 */
int tc_filters_list(uint32_t ifindex, bool egress, struct tc_filter **ret, size_t *ret_count);

/** The kind of qdisc at the TC hooks: "clsact", "ingress", or "" when there is none. */
int tc_filters_qdisc(uint32_t ifindex, char ret[16]);

#endif
