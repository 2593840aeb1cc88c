// SPDX-License-Identifier: Apache-2.0
#include "programs.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cleanup.h"
#include "datapath_maps.h"
#include "datapath_share.h"
#include "feed.skel.h"
#include "lookup.skel.h"

struct programs {
	struct bench_lookup *lookup;
	struct bench_feed *feed;
	bool ipv6;
	struct bench_header *headers;
	struct bench_frame *frames;
	uint64_t *slots;
};

static void check(int error, const char *what)
{
	if (error >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-error));
	exit(1);
}

static void *map_memory(const struct bpf_map *map)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	void *memory = mmap(NULL, (bytes + page - 1) / page * page, PROT_READ | PROT_WRITE,
			    MAP_SHARED, bpf_map__fd(map), 0);

	check(memory == MAP_FAILED ? -errno : 0, "mmap");
	return memory;
}

/* Mappings of maps go with the process. */
static void load_lookup(struct programs *programs, struct datapath *datapath,
			const struct programs_sizes *sizes)
{
	struct bench_lookup *lookup = bench_lookup__open();
	uint32_t key_bytes = sizes->ipv6 ? sizeof(struct pep_key) : sizeof(struct bench_key4);
	uint32_t prefix_bytes = sizes->ipv6 ? sizeof(struct bench_prefix) : 2 * sizeof(uint32_t);

	check(lookup ? 0 : -errno, "lookup.bpf.o");
	programs->lookup = lookup;
	DATAPATH_SET_SWITCHES(lookup->rodata, datapath);
	lookup->rodata->ipv6 = sizes->ipv6;
	check(datapath_share_maps(datapath, lookup->obj), "maps of the datapath");
	bpf_map__set_key_size(lookup->maps.hash_rules, key_bytes);
	bpf_map__set_key_size(lookup->maps.hash_headers, key_bytes);
	bpf_map__set_key_size(lookup->maps.sources, prefix_bytes);
	bpf_map__set_max_entries(lookup->maps.hash_rules, sizes->hash_rules);
	bpf_map__set_max_entries(lookup->maps.hash_headers, sizes->hash_headers);
	bpf_map__set_max_entries(lookup->maps.sources, sizes->sources);
	check(bench_lookup__load(lookup), "lookup.bpf.o");
	programs->headers = map_memory(lookup->maps.headers);
	programs->slots = map_memory(lookup->maps.found_slots);
}

static void set_next(const struct bench_feed *feed, uint32_t index, int fd)
{
	check(fd, "the datapath's program");
	if (bpf_map_update_elem(bpf_map__fd(feed->maps.next), &index, &fd, BPF_ANY))
		check(-errno, "tail call");
}

static void load_feed(struct programs *programs, struct datapath *datapath)
{
	struct bench_feed *feed = bench_feed__open();
	int hash = bpf_map__fd(programs->lookup->maps.hash_rules);

	check(feed ? 0 : -errno, "feed.bpf.o");
	programs->feed = feed;
	check(bpf_map__reuse_fd(programs->ipv6 ? feed->maps.hash6 : feed->maps.hash4, hash),
	      "hash");
	check(bench_feed__load(feed), "feed.bpf.o");
	programs->frames = map_memory(feed->maps.frames);
	set_next(feed, NEXT_EMPTY, bpf_program__fd(feed->progs.bench_nothing));
	set_next(feed, NEXT_HASH, bpf_program__fd(feed->progs.bench_hash_pipeline));
	set_next(feed, NEXT_PIPELINE, datapath_program(datapath, PROGRAM_XDP, NULL));
}

struct programs *programs_load(struct datapath *datapath, const struct programs_sizes *sizes)
{
	struct programs *programs = calloc(1, sizeof(*programs));

	check(programs ? 0 : -ENOMEM, "programs");
	programs->ipv6 = sizes->ipv6;
	load_lookup(programs, datapath, sizes);
	load_feed(programs, datapath);
	return programs;
}

void programs_free(struct programs **programs)
{
	struct programs *p = *programs;

	if (!p)
		return;
	munmap(p->headers, sizeof(*p->headers) * 2 * BENCH_TRACE);
	munmap(p->slots, sizeof(*p->slots) * BENCH_TRACE);
	munmap(p->frames, sizeof(*p->frames) * (TRACES * BENCH_TRACE + 1));
	bench_lookup__destroy(p->lookup);
	bench_feed__destroy(p->feed);
	free(p);
	*programs = NULL;
}

struct bench_header *programs_headers(struct programs *programs, enum bench_trace trace)
{
	return programs->headers + (size_t)BENCH_TRACE * trace;
}

struct bench_frame *programs_frames(struct programs *programs, enum bench_trace trace)
{
	return programs->frames + (size_t)BENCH_TRACE * trace;
}

const uint64_t *programs_slots(const struct programs *programs)
{
	return programs->slots;
}

bool programs_hash_add(struct programs *programs, enum lookup which, const struct pep_key *key,
		       bool drop)
{
	const struct bench_key4 packed = { key->word[PEP_KEY_SRC], key->word[PEP_KEY_DST],
					   key->word[PEP_KEY_PORTS], key->word[PEP_KEY_PROTOCOL] };
	const struct bench_found found = { .drop = drop };
	const struct bpf_map *map = which == LOOKUP_HASH ? programs->lookup->maps.hash_rules
							 : programs->lookup->maps.hash_headers;

	if (!bpf_map_update_elem(bpf_map__fd(map),
				 programs->ipv6 ? (const void *)key : (const void *)&packed, &found,
				 BPF_NOEXIST))
		return true;
	check(errno == EEXIST ? 0 : -errno, "hash");
	return false;
}

void programs_source_add(struct programs *programs, const uint32_t *word, unsigned int bits)
{
	struct bench_prefix prefix = { .bits = bits };
	const uint32_t value = 1;

	for (int i = 0; i < 4; i++)
		prefix.address[i] = htonl(word[i]);
	if (bpf_map_update_elem(bpf_map__fd(programs->lookup->maps.sources), &prefix, &value,
				BPF_ANY))
		check(-errno, "LPM trie");
}

/* ---- runs */

/* Returns what the last run returned; @ret_ns gets what the kernel measured, a run. */
static uint32_t run(const struct bpf_program *program, uint32_t repeat, uint32_t *ret_ns)
{
	static unsigned char frame[BENCH_FRAME];
	struct xdp_md context = { .data_end = sizeof(frame), .ingress_ifindex = 1 }; /* lo */
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame),
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = (int)repeat);

	if (bpf_prog_test_run_opts(bpf_program__fd(program), &options))
		check(-errno, bpf_program__name(program));
	*ret_ns = options.duration;
	return options.retval;
}

static void check_verdict(uint32_t verdict, const char *what)
{
	if (verdict == XDP_DROP || verdict == XDP_PASS)
		return;
	fprintf(stderr, "%s: a lookup went wrong\n", what);
	exit(1);
}

double programs_lookup(struct programs *programs, enum lookup which, enum bench_trace trace,
		       unsigned int slice)
{
	const struct bpf_program *const program[] = {
		[LOOKUP_EMPTY] = programs->lookup->progs.bench_empty,
		[LOOKUP_CLASSIFY] = programs->lookup->progs.bench_classify,
		[LOOKUP_CHECK] = programs->lookup->progs.bench_check,
		[LOOKUP_HASH] = programs->lookup->progs.bench_hash,
		[LOOKUP_HASH_ALL] = programs->lookup->progs.bench_hash_all,
		[LOOKUP_LPM] = programs->lookup->progs.bench_lpm,
	};
	uint32_t ns;

	programs->lookup->bss->first = (uint32_t)trace * BENCH_TRACE + slice * BENCH_SLICE;
	check_verdict(run(program[which], 1, &ns), bpf_program__name(program[which]));
	return (double)ns / BENCH_SLICE;
}

void programs_feed(struct programs *programs, enum bench_next next, enum bench_trace trace,
		   double ret_ns[BENCH_SLICES])
{
	const struct bpf_program *const program[] = {
		[NEXT_EMPTY] = programs->feed->progs.bench_feed_empty,
		[NEXT_HASH] = programs->feed->progs.bench_feed_hash,
		[NEXT_PIPELINE] = programs->feed->progs.bench_feed_pipeline,
	};
	struct bench_feed__bss *bss = programs->feed->bss;
	uint32_t ns;

	bss->first = (uint32_t)trace * BENCH_TRACE;
	bss->position = 0;
	/* All in one, because each call waits for a grace period; and one run more, which
	 * takes the time at which the last slice has ended. */
	check_verdict(run(program[next], BENCH_TRACE + 1, &ns), "feed");
	for (int i = 0; i < BENCH_SLICES; i++)
		ret_ns[i] = (double)(bss->began_ns[i + 1] - bss->began_ns[i]) / BENCH_SLICE;
}
