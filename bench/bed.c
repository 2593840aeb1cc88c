// SPDX-License-Identifier: Apache-2.0
#include "bed.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

#define FLOW_CACHE 16384 /* the default of datapath.flow_cache_entries */
#define RULES_ALL_CHECKED 50000 /* up to here the oracle is asked about every header */
#define SAMPLE 8192
#define SHOWN 5 /* mismatches */
#define LOOPBACK 1
#define THREADS_MOST 64

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

static void publish(struct bed *bed)
{
	const struct datapath_state state = {
		.set = bed->set,
		.failsafe = bed->failsafe,
		.max_rules = 4000000,
	};
	struct datapath_change *change = NULL;
	struct problems problems = { 0 };
	int error = datapath_prepare(bed->datapath, &state, &change, &problems);

	if (!error)
		error = datapath_promote(bed->datapath, change);
	for (size_t i = 0; i < problems.count; i++)
		fprintf(stderr, "%s\n", problems.list[i].detail);
	check(error, "publish");
	datapath_commit(bed->datapath, &change);
	problems_clear(&problems);
	datapath_figures(bed->datapath, &bed->figures);
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

void bed_open(const char *path, unsigned int dead_percent, struct bed *ret_bed)
{
	const struct datapath_options options = { .flow_cache_entries = FLOW_CACHE,
						  .best_image = true };
	struct pep_trace trace;
	char *why = NULL;

	classbench_read(path, &ret_bed->file);
	check(datapath_open(&options, &ret_bed->datapath, &why), why ? why : "datapath");
	check(datapath_interface_add(ret_bed->datapath, LOOPBACK, "lo", false), "lo");
	ret_bed->set = classbench_policies(&ret_bed->file);
	ret_bed->failsafe = policyset_new();
	publish(ret_bed);
	check(datapath_rest(ret_bed->datapath), "grace period");
	kill_some(ret_bed, dead_percent);
	draw_trace(ret_bed);
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
