// SPDX-License-Identifier: Apache-2.0
#include "bed.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cleanup.h"
#include "datapath_counters.h"
#include "datapath_dry.h"
#include "datapath_interfaces.h"
#include "datapath_maps.h"
#include "datapath_steady.h"
#include "frame.h"
#include "policyset.h"
#include "problem.h"
#include "root/random_policies.h"
#include "worst.h"

#define FLOW_CACHE 16384 /* the default of datapath.flow_cache_entries */
#define RULES_ALL_CHECKED 50000 /* up to here the oracle is asked about every header */
#define SAMPLE 8192
#define SHOWN 5 /* mismatches */
#define LOOPBACK 1
#define THREADS_MOST 64
#define FLOW_CACHE_SMALL 64
#define WORST 4096 /* headers: of a million, those that are worst */

static void check(int error, const char *what)
{
	if (error >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-error));
	exit(1);
}

static void *allocate(size_t count, size_t bytes)
{
	void *memory = calloc(count, bytes);

	check(memory ? 0 : -ENOMEM, "memory");
	return memory;
}

/* ---- what is in force */

static void publish(struct bed *bed, const struct policyset *set)
{
	const struct datapath_state state = {
		.set = set,
		.failsafe = bed->failsafe,
		.max_rules = 4000000,
	};
	struct datapath_change *change = NULL;
	struct problems problems = { 0 };
	int error = datapath_prepare(bed->datapath, &state, &change, &problems);

	for (size_t i = 0; i < problems.count; i++)
		fprintf(stderr, "%s\n", problems.list[i].detail);
	if (!error)
		error = datapath_promote(bed->datapath, change);
	check(error, "publish");
	datapath_commit(bed->datapath, &change);
	problems_clear(&problems);
	datapath_figures(bed->datapath, &bed->figures);
}

/* The main image is of all but @count policies, spread over the set, which come then. */
static void publish_overlay(struct bed *bed, uint32_t count)
{
	CLEANUP(cleanup_free) const char **later = allocate(count, sizeof(*later));
	CLEANUP(policyset_put) struct policyset *others = NULL;
	struct policyset_edit edit = { .remove = later, .remove_count = count };

	if (count > bed->set->count)
		check(-E2BIG, "--overlay");
	for (size_t i = 0; i < count; i++)
		later[i] = bed->set->policy[i * bed->set->count / count]->id;
	check(policyset_edit(bed->set, &edit, &others), "set without the overlay's");
	publish(bed, others);
	publish(bed, bed->set);
	check(bed->figures.overlay_policies == count ? 0 : -E2BIG, "overlay");
}

/* As a policy's deletion will leave its slot while the image still has its rules. */
static void kill_slot(struct bed *bed, const char *id)
{
	struct pep_slot *slot =
		datapath_slot_at(bed->datapath, datapath_policy_slot(bed->datapath, id));

	datapath_unsteady(bed->datapath, datapath_policy_slot(bed->datapath, id));
	slot->version[0].from = 0;
	slot->version[1].from = 0;
}

/* bed->live becomes the set without those whose slots die. */
static void kill_some(struct bed *bed, unsigned int percent)
{
	CLEANUP(cleanup_free) const char **dead = allocate(bed->set->count, sizeof(*dead));
	struct policyset_edit edit = { .remove = dead };

	for (size_t i = 0; i < bed->set->count; i++) {
		if (draw(100) >= percent)
			continue;
		kill_slot(bed, bed->set->policy[i]->id);
		dead[edit.remove_count++] = bed->set->policy[i]->id;
	}
	check(policyset_edit(bed->set, &edit, &bed->live), "set of what is live");
}

/* ---- the trace */

/* Nine of ten aimed at rules.  Each is drawn anew, so their order is random. */
static void draw_trace(struct bed *bed)
{
	bed->sample = allocate(BENCH_TRACE, sizeof(*bed->sample));
	bed->key = allocate(BENCH_TRACE, sizeof(*bed->key));
	bed->drops = allocate(BENCH_TRACE, sizeof(*bed->drops));
	for (size_t i = 0; i < BENCH_TRACE; i++) {
		classbench_draw(&bed->file, draw(10) == 0, &bed->sample[i]);
		bed->sample[i].interface = "lo";
	}
}

/* The main image in force, mapped; for munmap() of image->bytes. */
static const struct pep_image *map_image(const struct bed *bed)
{
	const struct datapath *datapath = bed->datapath;
	uint32_t entry = PEP_WORD_MAIN(datapath->control->word_now) & ~PEP_MAIN_B, id;
	void *image = MAP_FAILED;
	int fd;

	check(bpf_map_lookup_elem(datapath->map[datapath->image], &entry, &id), "image");
	fd = bpf_map_get_fd_by_id(id);
	check(fd, "image");
	image = mmap(NULL, bed->figures.image_bytes, PROT_READ, MAP_SHARED, fd, 0);
	check(image == MAP_FAILED ? -errno : 0, "image");
	close(fd);
	return image;
}

/* The worst headers, in random order, as often as there is room for. */
static void draw_worst(struct bed *bed)
{
	CLEANUP(cleanup_free) struct sample *worst = allocate(WORST, sizeof(*worst));
	const struct pep_image *image = map_image(bed);

	worst_search(&bed->file, image, WORST, worst);
	munmap((void *)image, bed->figures.image_bytes);
	for (size_t i = 0; i < BENCH_TRACE; i++) {
		bed->sample[i] = worst[draw(WORST)];
		bed->sample[i].interface = "lo";
	}
}

static void run_dry(const struct bed *bed, struct sample *sample, struct pep_trace *ret)
{
	unsigned char frame[FRAME_BYTES_MAX];
	const struct datapath_packet packet = {
		.frame = frame,
		.bytes = frame_build(sample, false, frame),
		.program = PROGRAM_XDP,
		.ifindex = LOOPBACK,
		.vlan = PEP_VLAN_NONE,
	};

	check(datapath_dry_run(bed->datapath, &packet, ret), "dry run");
}

void bed_open(const char *path, const struct bed_options *asked, struct bed *ret_bed)
{
	const struct datapath_options options = {
		.flow_cache_entries = asked->worst ? FLOW_CACHE_SMALL : FLOW_CACHE,
		.best_image = true,
	};
	struct pep_trace trace;
	char *why = NULL;

	classbench_read(path, &ret_bed->file);
	check(datapath_open(&options, &ret_bed->datapath, &why), why ? why : "datapath");
	check(datapath_interface_add(ret_bed->datapath, LOOPBACK, "lo", false), "lo");
	ret_bed->set = classbench_policies(&ret_bed->file);
	ret_bed->failsafe = policyset_new();
	if (asked->overlay)
		publish_overlay(ret_bed, asked->overlay);
	else
		publish(ret_bed, ret_bed->set);
	check(datapath_rest(ret_bed->datapath), "grace period");
	kill_some(ret_bed, asked->dead_percent);
	draw_trace(ret_bed);
	if (asked->worst)
		draw_worst(ret_bed);
	for (size_t i = 0; i < BENCH_TRACE; i++) {
		run_dry(ret_bed, &ret_bed->sample[i], &trace);
		ret_bed->key[i] = trace.key;
		ret_bed->drops[i] = trace.outcome == PEP_OUTCOME_POLICY_BLOCK;
	}
}

void bed_close(struct bed *bed)
{
	classbench_clear(&bed->file);
	datapath_free(&bed->datapath);
	policyset_put(&bed->set);
	policyset_put(&bed->live);
	policyset_put(&bed->failsafe);
	free(bed->sample);
	free(bed->key);
	free(bed->drops);
	memset(bed, 0, sizeof(*bed));
}

/* ---- whether it is right */

static const char *name_of(const struct bed *bed, uint64_t slot)
{
	const char *id =
		slot == PEP_SLOT_NONE ? NULL : datapath_slot_policy(bed->datapath, (uint32_t)slot);

	return id ? id : "-";
}

/* What the oracle says of some headers: of every `step`th one, from `first` on. */
struct share {
	pthread_t thread;
	const struct oracle *oracle;
	const struct sample *sample;
	struct oracle_answer *answer;
	size_t first, step;
};

static void *ask_share(void *argument)
{
	const struct share *share = argument;

	for (size_t i = share->first; i < BENCH_TRACE; i += share->step)
		oracle_ask(share->oracle, &share->sample[i], &share->answer[i]);
	return NULL;
}

/* By as many threads as there are CPUs: it takes longer than all that is measured. */
static void ask_oracle(const struct bed *bed, size_t step, struct oracle_answer *answer)
{
	struct oracle *oracle = oracle_new(bed->live, bed->failsafe, false, 0);
	struct share share[THREADS_MOST];
	size_t threads = (size_t)sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t all, own;

	check(oracle ? 0 : -ENOMEM, "oracle");
	threads = threads < THREADS_MOST ? threads : THREADS_MOST;
	memset(&all, 0xff, sizeof(all));
	check(sched_getaffinity(0, sizeof(own), &own), "CPUs");
	check(sched_setaffinity(0, sizeof(all), &all), "CPUs");
	for (size_t i = 0; i < threads; i++) {
		share[i] = (struct share){ .oracle = oracle,
					   .sample = bed->sample,
					   .answer = answer,
					   .first = i * step,
					   .step = threads * step };
		check(-pthread_create(&share[i].thread, NULL, ask_share, &share[i]), "thread");
	}
	for (size_t i = 0; i < threads; i++)
		pthread_join(share[i].thread, NULL);
	check(sched_setaffinity(0, sizeof(own), &own), "CPUs");
	oracle_free(oracle);
}

static void check_header(struct bed *bed, const struct oracle_answer *want, size_t index,
			 uint64_t found)
{
	struct pep_trace trace;
	const char *name = want->policy ? want->policy : "-";

	run_dry(bed, &bed->sample[index], &trace);
	if (trace.outcome == want->outcome && !strcmp(name, name_of(bed, trace.slot)) &&
	    !strcmp(name, name_of(bed, found)))
		return;
	if (bed->mismatches++ < SHOWN)
		fprintf(stderr, "header %zu: oracle %s (%d), program %s (%u), lookup %s\n", index,
			name, want->outcome, name_of(bed, trace.slot), trace.outcome,
			name_of(bed, found));
}

void bed_check(struct bed *bed, const uint64_t *slots)
{
	size_t step = bed->file.count > RULES_ALL_CHECKED ? BENCH_TRACE / SAMPLE : 1;
	CLEANUP(cleanup_free) struct oracle_answer *answer = allocate(BENCH_TRACE, sizeof(*answer));

	ask_oracle(bed, step, answer);
	for (size_t i = 0; i < BENCH_TRACE; i += step)
		check_header(bed, &answer[i], i, slots[i]);
}
