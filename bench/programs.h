/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The benchmarks' programs on the maps of a datapath, and runs of them over a
 * slice of a trace (BPF_PROG_TEST_RUN; no interface is touched).
 */
#ifndef PROGRAMS_H
#define PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench.h"

struct datapath;
struct programs;

enum lookup {
	LOOKUP_EMPTY,
	LOOKUP_CLASSIFY,
	LOOKUP_CHECK,
	LOOKUP_HASH,
	LOOKUP_HASH_ALL,
	LOOKUP_LPM
};

struct programs_sizes {
	bool ipv6;
	uint32_t hash_rules, hash_headers, sources; /* entries */
};

/** Loads all of it, for what @datapath has published; exits when that fails. */
struct programs *programs_load(struct datapath *datapath, const struct programs_sizes *sizes);
void programs_free(struct programs **programs);

/* Memory of the maps: BENCH_TRACE of each trace that the map has. */
struct bench_header *programs_headers(struct programs *programs, enum bench_trace trace);
struct bench_frame *programs_frames(struct programs *programs, enum bench_trace trace);
/** The slots that LOOKUP_CHECK found. */
const uint64_t *programs_slots(const struct programs *programs);

/** Puts a key into one of the hashes, LOOKUP_HASH or LOOKUP_HASH_ALL; false: it was there. */
bool programs_hash_add(struct programs *programs, enum lookup which, const struct pep_key *key,
		       bool drop);

/** Puts a prefix (words as in the key) into the LPM trie. */
void programs_source_add(struct programs *programs, const uint32_t *word, unsigned int bits);

/** Nanoseconds a header, of one slice of a trace; exits when a lookup goes wrong. */
double programs_lookup(struct programs *programs, enum lookup which, enum bench_trace trace,
		       unsigned int slice);

/** Nanoseconds a packet, of each slice of a trace, through a whole program. */
void programs_feed(struct programs *programs, enum bench_next next, enum bench_trace trace,
		   double ret_ns[BENCH_SLICES]);

#endif
