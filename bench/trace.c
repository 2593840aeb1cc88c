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

/* Of the first @room distinct headers, their numbers; returns how many. */
static size_t fill_hash(struct programs *programs, const struct bed *bed, enum lookup which,
			size_t room, uint32_t *ret_numbers)
{
	size_t count = 0;

	for (uint32_t i = 0; i < BENCH_TRACE && count < room; i++) {
		if (programs_hash_add(programs, which, &bed->key[i], bed->drops[i]))
			ret_numbers[count++] = i;
	}
	return count;
}

/* The whole trace; as frames, each header once before it comes again, which makes it a new flow. */
static void put_all(struct programs *programs, const struct bed *bed, uint32_t *numbers)
{
	struct bench_header *header = programs_headers(programs, TRACE_ALL);
	struct bench_frame *frame = programs_frames(programs, TRACE_ALL);
	size_t count = fill_hash(programs, bed, LOOKUP_HASH_ALL, BENCH_TRACE, numbers);

	for (size_t i = 0; i < BENCH_TRACE; i++) {
		header[i].key = bed->key[i];
		put_frame(&frame[i], &bed->sample[numbers[i % count]]);
	}
}

/* As many of its headers as there are rules. */
static void put_some(struct programs *programs, const struct bed *bed, uint32_t *numbers)
{
	struct bench_header *header = programs_headers(programs, TRACE_HASH);
	struct bench_frame *frame = programs_frames(programs, TRACE_HASH);
	size_t count = fill_hash(programs, bed, LOOKUP_HASH, bed->file.count, numbers);

	for (size_t i = 0; i < BENCH_TRACE; i++) {
		uint32_t number = numbers[draw((uint32_t)count)];

		header[i].key = bed->key[number];
		put_frame(&frame[i], &bed->sample[number]);
	}
	add_strangers(programs, bed, bed->file.count - count);
}

static void put_sources(struct programs *programs, const struct bed *bed)
{
	for (size_t i = 0; i < bed->file.count; i++)
		programs_source_add(programs, bed->file.rule[i].src, bed->file.rule[i].src_bits);
}

/* ---- flows that the cache holds at once */

static void sample_of_key(const struct pep_key *key, struct sample *ret)
{
	bool ports = key->word[PEP_KEY_PROTOCOL] & PEP_PROTOCOL_PORTS;

	memset(ret, 0, sizeof(*ret));
	ret->family = key->word[PEP_KEY_PROTOCOL] & PEP_PROTOCOL_IPV6 ? PEP_IPV6 : PEP_IPV4;
	ret->outer_vlan = ret->inner_vlan = PEP_VLAN_NONE;
	ret->ttl = 64;
	memcpy(ret->src, &key->word[PEP_KEY_SRC], sizeof(ret->src));
	memcpy(ret->dst, &key->word[PEP_KEY_DST], sizeof(ret->dst));
	ret->protocol = (uint8_t)(key->word[PEP_KEY_PROTOCOL] & PEP_PROTOCOL_NUMBER);
	if (ports) {
		ret->sport = (uint16_t)(key->word[PEP_KEY_PORTS] >> 16);
		ret->dport = (uint16_t)key->word[PEP_KEY_PORTS];
	}
}

/* What is in this CPU's part of the flow cache; returns how many. */
static size_t read_cache(const struct bed *bed, struct bench_frame *ret)
{
	const struct datapath *datapath = bed->datapath;
	uint32_t entries = datapath->options.flow_cache_entries;
	uint32_t first = (uint32_t)sched_getcpu() * entries;
	struct sample sample;
	struct pep_flow flow;
	size_t count = 0;

	for (uint32_t i = first; i < first + entries; i++) {
		if (bpf_map_lookup_elem(datapath->map[MAP_FLOWS], &i, &flow) || !flow.generation)
			continue;
		sample_of_key(&flow.key, &sample);
		put_frame(&ret[count++], &sample);
	}
	return count;
}

/* The whole trace goes through once; the flows that are there then are no other's place. */
static void put_cached(struct programs *programs, const struct bed *bed)
{
	size_t room = bed->datapath->options.flow_cache_entries, count;
	CLEANUP(cleanup_free) struct bench_frame *cached = allocate(room, sizeof(*cached));
	struct bench_frame *frame = programs_frames(programs, TRACE_CACHED);
	double ns[BENCH_SLICES];

	programs_feed(programs, NEXT_PIPELINE, TRACE_ALL, ns);
	count = read_cache(bed, cached);
	if (!count) {
		fprintf(stderr, "nothing is in the flow cache\n");
		exit(1);
	}
	for (size_t i = 0; i < BENCH_TRACE; i++)
		frame[i] = cached[draw((uint32_t)count)];
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
	put_cached(programs, bed);
	return programs;
}
