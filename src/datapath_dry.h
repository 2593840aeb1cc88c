/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dry runs: the loaded program on a packet that nobody sent.
 */
#ifndef DATAPATH_DRY_H
#define DATAPATH_DRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datapath.h"

struct datapath_packet {
	const void *frame;
	size_t bytes;
	enum datapath_program program;
	uint32_t ifindex;
	enum pep_direction direction;
	bool l3;
	uint16_t vlan; /* tag that hardware took off; PEP_VLAN_NONE: none */
	uint64_t time_ns; /* CLOCK_MONOTONIC; 0: now */
	uint32_t after_rank; /* as if there were no policy up to this rank; 0: all */
	const struct datapath_change
		*change; /* the state that it prepares; NULL: the one in force */
};

/**
 * Runs the loaded program on a packet; nothing but the trace is written. Any thread, if the
 * program is loaded. Returns 0 or -errno.
 */
int datapath_dry_run(struct datapath *datapath, const struct datapath_packet *packet,
		     struct pep_trace *ret);

/** The id of the policy that has a slot in the state in force, or in that of @change; NULL: none.
 * Where datapath_prepare() may be called, or in the loop. */
const char *datapath_dry_policy(const struct datapath *datapath,
				const struct datapath_change *change, uint32_t slot);

#endif
