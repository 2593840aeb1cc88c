// SPDX-License-Identifier: Apache-2.0
/*
 * What a packet costs in the loaded XDP program, as the kernel measures it
 * (BPF_PROG_TEST_RUN), by the number of policies.  Needs root, touches no
 * interface.  Every header is run many times in a row, so caches are warm:
 * compare the rows with each other, not with another machine's.
 *
 *   nothing     before anything is published: what a run costs in itself
 *   classified  parser and classifier, as a dry run, past the flow cache
 *   cached      parser, flow cache, counters, as an ordinary packet
 */
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"
#include "datapath.h"
#include "datapath_maps.h"
#include "frame.h"
#include "policyset.h"
#include "problem.h"
#include "root/random_policies.h"

#define HEADERS 256
#define REPEAT 1000
#define POLICY_BYTES 128
#define SOURCES 0x0a000000 /* 10.0.0.0 */

static const unsigned int counts[] = { 0, 1, 10, 100, 1000, 10000 };

struct bench {
	struct datapath *datapath;
	struct policyset *none;
	struct sample sample[HEADERS];
	int program;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Random prefixes of 10.0.0.0/8, destination ports and protocols. */
static struct policyset *make_set(unsigned int count)
{
	CLEANUP(cleanup_free) char *json = malloc((size_t)(count + 1) * POLICY_BYTES);
	size_t used = 0;

	if (!json)
		die("memory");
	json[used++] = '[';
	for (unsigned int i = 0; i < count; i++) {
		unsigned int bits = 17 + draw(16);
		uint32_t source = (SOURCES | draw(256) << 16 | draw(65536)) & ~0U << (32 - bits);

		used += (size_t)snprintf(
			json + used, POLICY_BYTES,
			"%s{\"id\":\"p%u\",\"action\":\"BLOCK\",\"src\":{\"ip\":\"%u.%u.%u.%u/%u\"},"
			"\"protocol\":\"%s\",\"dst\":{\"port\":%u}}",
			i ? "," : "", i, source >> 24, source >> 16 & 0xff, source >> 8 & 0xff,
			source & 0xff, bits, draw(2) ? "tcp" : "udp", 1 + draw(1024));
	}
	json[used++] = ']';
	json[used] = '\0';
	return parse_set(json, false);
}

static void publish(struct bench *bench, const struct policyset *set)
{
	const struct datapath_state state = {
		.set = set,
		.failsafe = bench->none,
		.max_rules = 4000000,
	};
	struct datapath_change *change = NULL;
	struct problems problems = { 0 };

	if (datapath_prepare(bench->datapath, &state, &change, &problems) ||
	    datapath_promote(bench->datapath, change))
		die("publish");
	datapath_commit(bench->datapath, &change);
	/* A larger image comes with another program. */
	bench->program = datapath_program(bench->datapath, PROGRAM_XDP, NULL);
}

/* Nanoseconds of one run; @dry: past the flow cache, writing nothing but a trace. */
static uint32_t run(const struct bench *bench, const struct sample *sample, bool dry)
{
	unsigned char data[sizeof(struct pep_dry_metadata) + FRAME_BYTES_MAX] = { 0 };
	const struct pep_dry_metadata meta = {
		.dry.nonce = { bench->datapath->nonce[0], bench->datapath->nonce[1] },
	};
	size_t before = dry ? sizeof(meta) : 0;
	struct sample copy = *sample;
	size_t bytes = before + frame_build(&copy, false, data + before);
	struct xdp_md context = { .data = (uint32_t)before, .data_end = (uint32_t)bytes };
	union bpf_attr attr = { .test = {
					.prog_fd = (uint32_t)bench->program,
					.data_in = (uintptr_t)data,
					.data_size_in = (uint32_t)bytes,
					.repeat = REPEAT,
					.ctx_in = (uintptr_t)&context,
					.ctx_size_in = sizeof(context),
				} };

	memcpy(data, &meta, before);
	if (syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof(attr)))
		die("BPF_PROG_TEST_RUN");
	return attr.test.duration;
}

static int compare(const void *a, const void *b)
{
	return (int)(*(const uint32_t *)a > *(const uint32_t *)b) -
	       (int)(*(const uint32_t *)a < *(const uint32_t *)b);
}

/* Median, and that of the most expensive twentieth, of all headers. */
static void measure(const struct bench *bench, const char *what, bool dry)
{
	uint32_t ns[HEADERS];

	for (int i = 0; i < HEADERS; i++)
		ns[i] = run(bench, &bench->sample[i], dry);
	qsort(ns, HEADERS, sizeof(*ns), compare);
	printf("  %-10s %4u ns, 95 %% within %4u ns\n", what, ns[HEADERS / 2],
	       ns[HEADERS * 95 / 100]);
}

static void draw_headers(struct bench *bench)
{
	for (int i = 0; i < HEADERS; i++)
		bench->sample[i] = (struct sample){
			.family = PEP_IPV4,
			.outer_vlan = PEP_VLAN_NONE,
			.inner_vlan = PEP_VLAN_NONE,
			.src = { SOURCES | draw(256) << 16 | draw(65536) },
			.dst = { 0xc0000201 },
			.protocol = draw(2) ? 6 : 17,
			.sport = (uint16_t)(1024 + draw(60000)),
			.dport = (uint16_t)(1 + draw(1024)),
			.ttl = 64,
			.payload = 64,
		};
}

int main(void)
{
	const struct datapath_options options = { .flow_cache_entries = 16384, .best_image = true };
	struct bench bench = { .none = policyset_new() };

	draw_headers(&bench);
	if (!bench.none || datapath_open(&options, &bench.datapath, NULL))
		die("datapath");
	bench.program = datapath_program(bench.datapath, PROGRAM_XDP, NULL);
	printf("before anything is published\n");
	measure(&bench, "nothing", true);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct policyset *set = make_set(counts[i]);
		struct datapath_figures figures;

		publish(&bench, set);
		datapath_figures(bench.datapath, &figures);
		printf("%u policies, image %zu bytes, at most %u compares, built in %" PRIu64
		       " us\n",
		       counts[i], figures.image_bytes, figures.worst_compares,
		       figures.build_ns / 1000);
		measure(&bench, "classified", true);
		measure(&bench, "cached", false);
		policyset_put(&set);
	}
	datapath_free(&bench.datapath);
	policyset_put(&bench.none);
	return 0;
}
