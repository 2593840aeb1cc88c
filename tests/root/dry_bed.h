/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loaded programs without any interface: states are published, packets
 * run dry, and what the programs say is compared with the oracle.
 */
#ifndef DRY_BED_H
#define DRY_BED_H

#include <time.h>

#include "datapath.h"
#include "datapath_counters.h"
#include "datapath_dry.h"
#include "frame.h"
#include "oracle.h"

#define DRY_IFINDEX 7 /* of "orc0"; "orc1" is the next */

struct dry_bed {
	struct datapath *datapath;
	unsigned long passed, failed;
	unsigned long outcomes[PEP_OUTCOME_COUNT];
	const char *state; /* shown with a mismatch */
	uint64_t time_ns; /* of dry_bed_ask()'s packets, CLOCK_MONOTONIC; 0: now */
};

/** What a clock says. */
int64_t clock_ns(clockid_t clock);

/** Loads the programs; exits when that fails. */
void dry_bed_open(struct dry_bed *bed);

/** Makes a state current; exits when that fails. */
void dry_bed_publish(struct dry_bed *bed, const struct policyset *set,
		     const struct policyset *failsafe, bool default_block);

/** Takes a pending change back for good, and frees it; exits when that fails. */
void dry_bed_withdraw(struct dry_bed *bed, struct datapath_change *change);

/** Runs a sample on a program of its direction and counts whether the oracle agrees. */
void dry_bed_ask(struct dry_bed *bed, const struct oracle *oracle, struct sample *sample,
		 enum datapath_program program);

/** Runs a frame; exits when that fails. */
void dry_bed_run(struct dry_bed *bed, const struct datapath_packet *packet, struct pep_trace *ret);

/** No counter of any kind has moved; counts as a test of its own. */
void dry_bed_check_still(struct dry_bed *bed);

/** Prints the totals and closes. Returns the exit status. */
int dry_bed_close(struct dry_bed *bed);

#endif
