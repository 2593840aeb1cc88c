/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the benchmarks' programs and the processes that load them share.
 */
#ifndef BENCH_H
#define BENCH_H

#include "pep.h"

#define BENCH_TRACE 65536 /* headers of a trace */
#define BENCH_SLICE 4096 /* of them, measured at once */
#define BENCH_SLICES (BENCH_TRACE / BENCH_SLICE)
#define BENCH_FRAME 80 /* bytes, with room for Ethernet, IPv6 and TCP */

/* The traces: one behind the other in the maps "headers" and "frames". */
enum bench_trace {
	TRACE_ALL, /* headers aimed at rules, and random ones; of frames, each once before any again */
	TRACE_HASH, /* those of them that are in the hash with as many entries as rules */
	TRACE_CACHED, /* those of TRACE_HASH that the flow cache holds at once; frames only */
	TRACES,
};

struct bench_header {
	struct pep_key key;
};

struct bench_frame {
	__u64 word[BENCH_FRAME / 8];
};

/* A key of a hash for IPv4; for IPv6 it is the struct pep_key. */
struct bench_key4 {
	__u32 src, dst, ports, protocol;
};

/* What a hash finds. */
struct bench_found {
	__u64 packets, bytes;
	__u32 drop;
	__u32 reserved;
};

/* Of an LPM trie; IPv4 takes one word. */
struct bench_prefix {
	__u32 bits;
	__be32 address[4];
};

/* The programs that the feeding ones go on to: entries of the map "next". */
enum bench_next { NEXT_EMPTY, NEXT_HASH, NEXT_PIPELINE, NEXTS };

#endif
