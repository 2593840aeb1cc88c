// SPDX-License-Identifier: Apache-2.0
#include "trace.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bed.h"
#include "cleanup.h"
#include "datapath_maps.h"
#include "frame.h"
#include "root/random_policies.h"

static void *allocate(size_t count, size_t bytes)
{
	void *memory = calloc(count, bytes);

	if (memory)
		return memory;
	perror("memory");
	exit(1);
}

/* Frames are of one size: padding is allowed behind the IP packet. */
static void put_frame(struct bench_frame *ret, const struct sample *sample)
{
	unsigned char frame[FRAME_BYTES_MAX] = { 0 };
	struct sample copy = *sample;

	copy.payload = 0;
	frame_build(&copy, false, frame);
	memcpy(ret, frame, sizeof(*ret));
}

/* ---- flows that the cache holds at once */

/* Their keys, sorted. */
struct held {
	struct pep_key *key;
	size_t count;
};

static void held_clear(struct held *held)
{
	free(held->key);
}

static int compare_keys(const void *left, const void *right)
{
	return memcmp(left, right, sizeof(struct pep_key));
}

/* All headers go through, each twice in a row, so that the cache takes it. */
static void fill_cache(struct programs *programs, const struct bed *bed)
{
	struct bench_frame *frame = programs_frames(programs, TRACE_CACHED);
	double ns[BENCH_SLICES];

	for (size_t half = 0; half < 2; half++) {
		for (size_t i = 0; i < BENCH_TRACE; i++)
			put_frame(&frame[i], &bed->sample[(half * BENCH_TRACE + i) / 2]);
		programs_feed(programs, NEXT_PIPELINE, TRACE_CACHED, ns);
	}
}

/* What is in this CPU's part of the cache then is no other's place. */
static void read_cache(struct programs *programs, const struct bed *bed, struct held *ret)
{
	const struct datapath *datapath = bed->datapath;
	uint32_t entries = datapath->options.flow_cache_entries;
	uint32_t first = (uint32_t)sched_getcpu() * entries;
	struct pep_flow flow;

	fill_cache(programs, bed);
	ret->key = allocate(entries, sizeof(*ret->key));
	for (uint32_t i = first; i < first + entries; i++) {
		if (!bpf_map_lookup_elem(datapath->map[MAP_FLOWS], &i, &flow) && flow.generation)
			ret->key[ret->count++] = flow.key;
	}
	qsort(ret->key, ret->count, sizeof(*ret->key), compare_keys);
}

/* ---- the hashes */

/* Keys that no header has, until the hash is full. */
static void add_strangers(struct programs *programs, const struct bed *bed, size_t count)
{
	while (count > 0) {
		struct pep_key key = bed->key[draw(BENCH_TRACE)];

		key.word[PEP_KEY_SRC] ^= draw(1U << 31);
		key.word[PEP_KEY_DST] ^= draw(1U << 31);
		key.word[PEP_KEY_PORTS] ^= draw(1U << 31);
		count -= programs_hash_add(programs, LOOKUP_HASH, &key, false);
	}
}

/* Which headers go into a hash: as many as there is room, of those held or, if it is NULL, of all. */
struct choice {
	enum lookup which;
	size_t room;
	const struct held *held;
};

/* Adds the first of them that are distinct. Their numbers, and how many. */
static size_t fill_hash(struct programs *programs, const struct bed *bed,
			const struct choice *choice, uint32_t *ret_numbers)
{
	const struct held *held = choice->held;
	size_t count = 0;

	for (uint32_t i = 0; i < BENCH_TRACE && count < choice->room; i++) {
		if (held && !bsearch(&bed->key[i], held->key, held->count, sizeof(*held->key),
				     compare_keys))
			continue;
		if (programs_hash_add(programs, choice->which, &bed->key[i], bed->drops[i]))
			ret_numbers[count++] = i;
	}
	return count;
}

/* The whole trace; as frames, each header once before it comes again, which makes it a new flow. */
static void put_all(struct programs *programs, const struct bed *bed, uint32_t *numbers)
{
	struct bench_header *header = programs_headers(programs, TRACE_ALL);
	struct bench_frame *frame = programs_frames(programs, TRACE_ALL);
	const struct choice all = { .which = LOOKUP_HASH_ALL, .room = BENCH_TRACE };
	size_t count = fill_hash(programs, bed, &all, numbers);

	for (size_t i = 0; i < BENCH_TRACE; i++) {
		header[i].key = bed->key[i];
		put_frame(&frame[i], &bed->sample[numbers[i % count]]);
	}
}

/* Frames of random ones of the first @count of @numbers. */
static void put_frames(struct programs *programs, const struct bed *bed, enum bench_trace trace,
		       const uint32_t *numbers, size_t count)
{
	struct bench_frame *frame = programs_frames(programs, trace);

	for (size_t i = 0; i < BENCH_TRACE; i++)
		put_frame(&frame[i], &bed->sample[numbers[draw((uint32_t)count)]]);
}

/*
 * As many headers as there are rules, of which those come first that the flow
 * cache holds all at once: if there are enough of them, both the hash and the
 * cache are asked for the same ones.
 */
static void put_some(struct programs *programs, const struct bed *bed, uint32_t *numbers)
{
	struct bench_header *header = programs_headers(programs, TRACE_HASH);
	CLEANUP(held_clear) struct held held = { 0 };
	struct choice choice = { LOOKUP_HASH, bed->file.count, &held };
	size_t cached, count;

	read_cache(programs, bed, &held);
	cached = fill_hash(programs, bed, &choice, numbers);
	choice.held = NULL;
	choice.room -= cached;
	count = cached + fill_hash(programs, bed, &choice, numbers + cached);
	if (!cached) {
		fprintf(stderr, "nothing is in the flow cache\n");
		exit(1);
	}
	for (size_t i = 0; i < BENCH_TRACE; i++)
		header[i].key = bed->key[numbers[draw((uint32_t)count)]];
	put_frames(programs, bed, TRACE_HASH, numbers, count);
	put_frames(programs, bed, TRACE_CACHED, numbers, cached);
	add_strangers(programs, bed, bed->file.count - count);
}

static void put_sources(struct programs *programs, const struct bed *bed)
{
	for (size_t i = 0; i < bed->file.count; i++)
		programs_source_add(programs, bed->file.rule[i].src, bed->file.rule[i].src_bits);
}

struct programs *trace_load(struct bed *bed)
{
	const struct programs_sizes sizes = {
		.ipv6 = bed->file.rule[0].family == PEP_IPV6,
		.hash_rules = (uint32_t)bed->file.count,
		.hash_headers = BENCH_TRACE,
		.sources = (uint32_t)bed->file.count,
	};
	CLEANUP(cleanup_free) uint32_t *numbers = allocate(BENCH_TRACE, sizeof(*numbers));
	struct programs *programs = programs_load(bed->datapath, &sizes);

	put_all(programs, bed, numbers);
	put_some(programs, bed, numbers);
	put_sources(programs, bed);
	return programs;
}
