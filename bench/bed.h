/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rule set in force, a tenth of its slots dead, and a trace of headers with
 * what the oracle and the loaded program say of them.
 */
#ifndef BED_H
#define BED_H

#include "bench.h"
#include "classbench.h"
#include "datapath.h"

struct bed {
	struct classbench file;
	struct datapath *datapath;
	struct policyset *set, *live, *failsafe;
	struct datapath_figures figures;
	struct sample *sample; /* BENCH_TRACE */
	struct pep_key *key; /* as the program parsed them */
	uint8_t *drops; /* what the program did */
	unsigned long mismatches;
};

struct bed_options {
	unsigned int dead_percent; /* of slots */
	uint32_t overlay; /* so many policies are in the overlay, not in the main image */
	bool worst; /* the trace is of the worst headers, and the flow cache too small for them */
};

/** Reads and publishes a file and draws a trace; exits when that fails. @ret_bed is zeros. */
void bed_open(const char *path, const struct bed_options *options, struct bed *ret_bed);
void bed_close(struct bed *bed);

/**
 * Runs every header dry, and asks the oracle about all, or about a sample when
 * there are many rules; @slots: by header, as the lookup alone found them.
 */
void bed_check(struct bed *bed, const uint64_t *slots);

#endif
