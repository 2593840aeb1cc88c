/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps, and the switches that the daemon sets before it loads a program.
 * Sizes given as 1 are set by the daemon: they depend on the machine.  The
 * first program loaded creates the maps, every later one shares them.
 */
#ifndef PEP_MAPS_H
#define PEP_MAPS_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "pep.h"

#define ARRAY_MAP(name_, value_, entries_, flags_)                                                 \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(max_entries, entries_);                                                     \
		__uint(map_flags, flags_);                                                         \
		__type(key, __u32);                                                                \
		__type(value, value_);                                                             \
	} name_ SEC(".maps")

/* An outer map whose inner maps are mmap-able arrays of `inner_` values. */
#define OUTER_MAP(name_, value_, inner_, entries_)                                                 \
	struct name_##_inner {                                                                     \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(max_entries, inner_);                                                       \
		__uint(map_flags, BPF_F_MMAPABLE);                                                 \
		__uint(key_size, sizeof(__u32));                                                   \
		__uint(value_size, sizeof(value_));                                                \
	};                                                                                         \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);                                          \
		__uint(max_entries, entries_);                                                     \
		__type(key, __u32);                                                                \
		__array(values, struct name_##_inner);                                             \
	} name_ SEC(".maps")

ARRAY_MAP(control, struct pep_control, 1, BPF_F_MMAPABLE);
ARRAY_MAP(interfaces, struct pep_interface, PEP_INTERFACES, BPF_F_MMAPABLE);
ARRAY_MAP(flows, struct pep_flow, 1, 0);
ARRAY_MAP(sightings, struct pep_sightings, 1, 0);
ARRAY_MAP(steady, __u64, PEP_STEADY_WORDS, BPF_F_MMAPABLE);
ARRAY_MAP(totals, struct pep_totals, 1, BPF_F_MMAPABLE);
ARRAY_MAP(event_limits, __u64, PEP_OUTCOME_MAX, 0);
ARRAY_MAP(trace, struct pep_trace, 1, BPF_F_MMAPABLE);
ARRAY_MAP(this_run, struct pep_run, 1, BPF_F_MMAPABLE);
ARRAY_MAP(names, struct pep_name, PEP_INTERFACES, BPF_F_MMAPABLE);

struct overlay {
	__u8 bytes[PEP_OVERLAY_BYTES]; /* struct pep_image and what follows it */
};
ARRAY_MAP(overlays, struct overlay, PEP_OVERLAY_ENTRIES, BPF_F_MMAPABLE);

/* An image takes all of its map's value; the daemon sets the size. */
OUTER_MAP(images_a, struct pep_image, 1, PEP_MAIN_ENTRIES);
OUTER_MAP(images_b, struct pep_image, 1, PEP_MAIN_ENTRIES);
OUTER_MAP(slots, struct pep_slot, PEP_CHUNK, PEP_CHUNKS);
OUTER_MAP(limits, struct pep_limits, PEP_CHUNK, PEP_CHUNKS);
OUTER_MAP(counters, struct pep_matches, PEP_CHUNK, 1);
OUTER_MAP(interface_counters, struct pep_tally, (PEP_DIRECTIONS * PEP_OUTCOME_MAX), 1);
OUTER_MAP(baselines, struct pep_matches, PEP_CHUNK, PEP_CHUNKS);
OUTER_MAP(interface_baselines, struct pep_tally, (PEP_DIRECTIONS * PEP_OUTCOME_MAX),
	  PEP_INTERFACES);

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct pep_fragment_key);
	__type(value, struct pep_fragment);
} fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1);
} events SEC(".maps");

const volatile __u32 dry_nonce[2];
const volatile __u32 image_a_bytes; /* of a value of images_a */
const volatile __u32 image_b_bytes;
const volatile __u32 stripes; /* a power of two */
const volatile __u32 stripes_shared; /* CPUs outnumber the stripes: add atomically */
const volatile __u32 flow_entries; /* per CPU, a power of two */
const volatile __u64 flow_seed[PEP_KEY_WORDS / 2]; /* odd */
const volatile __u32 debug_delay_ns; /* at most so long between control word and lookup; tests */

/* clang must not change what is compared against what is then used. */
#define opaque(variable) asm volatile("" : "+r"(variable))

#define READ_ONCE(lvalue) (*(const volatile typeof(lvalue) *)&(lvalue))

static __always_inline void *outer_lookup(void *outer, __u32 entry, __u32 index)
{
	void *inner = bpf_map_lookup_elem(outer, &entry);

	return inner ? bpf_map_lookup_elem(inner, &index) : NULL;
}

#endif
