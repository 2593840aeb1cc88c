// SPDX-License-Identifier: Apache-2.0
/*
 * No packet is decided by a state that never existed.  While one thread
 * publishes as fast as it can - sets replaced, policies added, deleted, disabled,
 * expiring, swapped, slots used again, maps outgrown, changes that go back -
 * another runs packets of both directions and two interfaces.  Each must be
 * what the oracle says of the generation that it saw, at its time.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "datapath_interfaces.h"
#include "datapath_pending.h"
#include "datapath_state.h"
#include "datapath_steady.h"
#include "dry_bed.h"
#include "problem.h"
#include "random_policies.h"

#define GENERATIONS_MOST 4096
#define GENERATIONS_LEAST 100 /* it takes longer where others use the CPUs */
#define RESULTS_MOST 400000
#define SLOTS 64
#define SAMPLES 128
#define SMALL_IMAGE_BYTES (1U << 18) /* less than the large sets come to */
#define LARGE_EVERY 40
#define RUN_EVERY 24 /* of which half add one policy each */
#define DELAY_NS 20000000
#define EXPIRY_MOST_US 100000
#define PENDING_NS 20000000
#define CLOCK_TICK_US 10000 /* the programs read a clock that goes in ticks */
#define CLOCKS_APART_US 2000 /* at most, the error of a deadline */

struct state {
	struct policyset *set;
	struct oracle *oracle;
	int64_t made_us;
	uint64_t before; /* the generation that comes back, if it goes back; 0: it stays */
	char policy[SLOTS][16];
};

struct result {
	uint16_t sample;
	uint64_t generation;
	int64_t time_us; /* CLOCK_REALTIME */
	uint32_t outcome;
	uint32_t slot;
};

struct race {
	struct dry_bed bed;
	struct policyset *none;
	struct state *state; /* by generation */
	struct result *result;
	size_t results;
	size_t returns; /* packets that were the first to see what came back by itself */
	size_t expired; /* packets that a policy would have met earlier in its state's time */
	struct sample sample[SAMPLES];
	pthread_mutex_t lock; /* the programs' fds, as links would hold them */
	bool stop;
};

static void check(struct race *r, bool ok, const char *what)
{
	r->bed.passed += ok;
	r->bed.failed += !ok;
	if (!ok && r->bed.failed < 20)
		fprintf(stderr, "FAILED: %s\n", what);
}

/* ---- packets */

static void draw_samples(struct race *r)
{
	static const uint32_t addresses[] = { 0x0a010203, 0x0a010204, 0x0a090101, 0xc0a80001 };
	static const uint16_t ports[] = { 80, 443, 53, 8080 };

	for (size_t i = 0; i < SAMPLES; i++) {
		struct sample *s = &r->sample[i];

		s->interface = i % 2 ? "orc0" : "orc1";
		s->direction = i % 4 < 2 ? PEP_INGRESS : PEP_EGRESS;
		s->outer_vlan = s->inner_vlan = PEP_VLAN_NONE;
		s->src[0] = addresses[draw(4)];
		s->dst[0] = addresses[draw(4)];
		s->protocol = draw(2) ? 6 : 17;
		s->sport = ports[draw(4)];
		s->dport = ports[draw(4)];
		s->ttl = 64;
		s->payload = (uint16_t)draw(64);
	}
}

/* One time of both clocks; another one where the thread was interrupted between them. */
static int64_t same_time_us(uint64_t *monotonic_ns)
{
	int64_t before_us;
	int64_t after_us;

	do {
		before_us = clock_ns(CLOCK_REALTIME) / 1000;
		*monotonic_ns = (uint64_t)clock_ns(CLOCK_MONOTONIC);
		after_us = clock_ns(CLOCK_REALTIME) / 1000;
	} while (after_us - before_us > CLOCKS_APART_US / 2);
	return after_us;
}

static void run_one(struct race *r, size_t index)
{
	static const enum datapath_program programs[PEP_DIRECTIONS] = { PROGRAM_XDP_FRAGS,
									PROGRAM_TC_EGRESS };
	struct sample s = r->sample[index];
	unsigned char frame[FRAME_BYTES_MAX];
	struct datapath_packet packet = { .frame = frame,
					  .bytes = frame_build(&s, false, frame),
					  .program = programs[s.direction],
					  .ifindex = DRY_IFINDEX + (uint32_t)(s.interface[3] - '0'),
					  .direction = s.direction,
					  .vlan = PEP_VLAN_NONE };
	struct result *result = &r->result[r->results];
	struct pep_trace trace;

	result->time_us = same_time_us(&packet.time_ns);
	pthread_mutex_lock(&r->lock);
	dry_bed_run(&r->bed, &packet, &trace);
	pthread_mutex_unlock(&r->lock);
	result->sample = (uint16_t)index;
	result->generation = trace.generation;
	result->outcome = trace.outcome;
	result->slot = trace.slot;
	r->results++;
}

static void *run_packets(void *context)
{
	struct race *r = context;
	uint32_t index = 0;

	while (!__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE) && r->results < RESULTS_MOST) {
		run_one(r, index % SAMPLES);
		index += 7; /* not draw(): that is the publisher's */
		usleep(index % 16 ? 0 : 50); /* or grace periods take very long */
	}
	return NULL;
}

/* ---- states */

/* What the datapath calls when it loads programs anew: what runs now ends first. */
static int replace_programs(void *context, struct datapath *datapath)
{
	struct race *r = context;

	pthread_mutex_lock(&r->lock);
	pthread_mutex_unlock(&r->lock);
	return datapath ? 0 : -EINVAL;
}

/* Some policies end while the state is in force, others after it was replaced. */
static void let_expire(struct policyset *set)
{
	for (size_t i = 0; i < set->count; i++) {
		if (!set->policy[i]->expires_at && draw(4) == 0)
			set->policy[i]->expires_at =
				clock_ns(CLOCK_REALTIME) / 1000 + draw(EXPIRY_MOST_US);
	}
}

/* One more than before, which makes none of the others wait: overlays follow each other quickly. */
static struct policyset *one_more(const struct policyset *before, uint64_t generation)
{
	static char json[RANDOM_JSON_BYTES];
	struct policyset *one = random_set_from((unsigned int)generation + 100, 1, false, json);
	struct policyset *set;

	if (policyset_add(before, one->policy, one->count, &set))
		exit(1);
	policyset_put(&one);
	return set;
}

static struct policyset *next_set(const struct race *r, uint64_t generation)
{
	static char json[RANDOM_JSON_BYTES * 8];
	struct policyset *set;
	size_t at;

	if (generation % RUN_EVERY >= RUN_EVERY / 2 && r->state[generation - 1].set)
		return one_more(r->state[generation - 1].set, generation);
	if (generation % LARGE_EVERY) {
		set = random_set(1 + draw(12), false, json);
		let_expire(set);
		return set;
	}
	at = (size_t)sprintf(json, "[");
	for (int i = 0; i < 1500; i++)
		at += (size_t)sprintf(
			json + at,
			"%s{\"id\":\"p%d\",\"action\":\"%s\",\"src\":{\"ip\":\"10.%d.%d.0/24\"}"
			",\"direction\":\"both\",\"priority\":%d}",
			i ? "," : "", i, i % 2 ? "ALLOW" : "BLOCK", i % 11, i / 11, i);
	sprintf(json + at, "]");
	return parse_set(json, false);
}

static void remember(struct race *r, uint64_t generation, struct policyset *set)
{
	struct state *state = &r->state[generation];

	state->set = set;
	state->oracle = oracle_new(set, r->none, false, 0);
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		const char *id = datapath_slot_policy(r->bed.datapath, slot);

		snprintf(state->policy[slot], sizeof(state->policy[slot]), "%s", id ? id : "");
	}
}

/* Confirmed or withdrawn, in time or not. */
static void put_pending(struct race *r, struct datapath_change *change, struct policyset *set,
			int64_t now_us)
{
	struct datapath *datapath = r->bed.datapath;
	uint64_t before = datapath->generation, generation;
	uint64_t wait_us = draw(PENDING_NS / 1000) + (draw(2) ? CLOCK_TICK_US : 0);
	uint64_t deadline_ns = (uint64_t)clock_ns(CLOCK_MONOTONIC) + PENDING_NS;

	datapath_publish_pending(datapath, change, deadline_ns);
	generation = datapath->generation;
	remember(r, generation, set);
	r->state[generation].made_us = now_us;
	usleep(wait_us);
	if (draw(2) && !datapath_confirm(datapath, change)) {
		datapath_dispose(&change);
		return;
	}
	r->state[generation].before = before;
	dry_bed_withdraw(&r->bed, change);
	remember(r, datapath->generation, policyset_get(datapath->policies.set));
	r->state[datapath->generation].made_us = clock_ns(CLOCK_REALTIME) / 1000;
}

/* What a packet of this generation finds is known before it can see it. */
static void publish(struct race *r)
{
	struct datapath_state state = { .failsafe = r->none, .max_rules = 1000000 };
	struct datapath_change *change = NULL;
	struct problems problems = { 0 };
	int64_t now_us = clock_ns(CLOCK_REALTIME) / 1000;
	struct datapath_figures figures;
	struct policyset *set;
	uint64_t generation;

	datapath_figures(r->bed.datapath, &figures);
	set = next_set(r, figures.generation + 1);
	state.set = set;
	if (datapath_prepare(r->bed.datapath, &state, &change, &problems) ||
	    datapath_promote(r->bed.datapath, change)) {
		fprintf(stderr, "cannot publish\n");
		exit(1);
	}
	if (figures.generation && draw(10) == 0) { /* a failure after everything was laid out */
		datapath_abandon(r->bed.datapath, &change);
		policyset_put(&set);
		return;
	}
	if (draw(8) == 0)
		datapath_rest(r->bed.datapath);
	if (figures.generation && draw(6) == 0) {
		put_pending(r, change, set, now_us);
		return;
	}
	generation = datapath_commit(r->bed.datapath, &change);
	remember(r, generation, set);
	r->state[generation].made_us = now_us;
	if (draw(4) == 0)
		datapath_rest(r->bed.datapath);
	problems_clear(&problems);
}

/* What the oracle says of the state that the packet saw, at @time_us. */
static bool agrees(const struct race *r, const struct result *result, int64_t time_us)
{
	const struct state *state = &r->state[result->generation];
	const char *policy = result->slot < SLOTS ? state->policy[result->slot] : "";
	struct sample s = r->sample[result->sample];
	unsigned char frame[FRAME_BYTES_MAX];
	struct oracle_answer want;

	frame_build(&s, false, frame);
	oracle_set_time(state->oracle, time_us);
	oracle_ask(state->oracle, &s, &want);
	return result->outcome == want.outcome &&
	       (result->slot == PEP_SLOT_NONE || result->slot >= SLOTS ||
		!strcmp(policy, want.policy));
}

/* Of policies that end soon after each other some may have ended. */
static bool agrees_about(const struct race *r, const struct result *result)
{
	for (int64_t apart = -CLOCKS_APART_US; apart <= CLOCKS_APART_US; apart += 50)
		if (agrees(r, result, result->time_us + apart))
			return true;
	return false;
}

static void verify(struct race *r)
{
	size_t seen = 0;
	uint64_t last = 0, gone = 0;

	for (size_t i = 0; i < r->results; i++) {
		const struct result *result = &r->result[i];
		bool agreed = agrees_about(r, result);

		check(r, agreed, "a packet was decided by a state that never existed");
		if (result->generation < last && result->generation == r->state[last].before) {
			gone = last;
			r->returns++;
		}
		check(r, result->generation >= last || gone == last,
		      "a packet saw an older state than the last");
		check(r, result->generation != gone, "a packet saw a state that had gone back");
		seen += result->generation != last;
		r->expired += agreed && !agrees(r, result, r->state[result->generation].made_us);
		last = result->generation;
	}
	printf("%zu packets saw %zu generations, %zu so far met what had expired, %zu times a "
	       "state came back\n",
	       r->results, seen, r->expired, r->returns);
	check(r, seen > 10, "packets saw many states");
}

static void race(struct race *r, uint32_t delay_ns, int seconds)
{
	struct datapath_options options = { .flow_cache_entries = 1024,
					    .debug_delay_ns = delay_ns,
					    .image_bytes = SMALL_IMAGE_BYTES,
					    .settle_ahead = true };
	time_t end = time(NULL) + seconds;
	pthread_t thread;

	if (datapath_open(&options, &r->bed.datapath, NULL) ||
	    datapath_interface_add(r->bed.datapath, DRY_IFINDEX, "orc0", false) ||
	    datapath_interface_add(r->bed.datapath, DRY_IFINDEX + 1, "orc1", false)) {
		fprintf(stderr, "no datapath\n");
		exit(1);
	}
	datapath_on_replace(r->bed.datapath, replace_programs, r);
	/* Loaded by one thread, as in the daemon. */
	if (datapath_program(r->bed.datapath, PROGRAM_XDP_FRAGS, NULL) < 0 ||
	    datapath_program(r->bed.datapath, PROGRAM_TC_EGRESS, NULL) < 0)
		exit(1);
	publish(r);
	r->results = 0;
	r->stop = false;
	if (pthread_create(&thread, NULL, run_packets, r))
		exit(1);
	for (int i = 0; i < GENERATIONS_MOST - 8 &&
			time(NULL) < end + (i < GENERATIONS_LEAST ? 5 * seconds : 0);
	     i++)
		publish(r);
	__atomic_store_n(&r->stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	verify(r);
	for (size_t i = 0; i < GENERATIONS_MOST; i++) {
		if (r->state[i].oracle)
			oracle_free(r->state[i].oracle);
		policyset_put(&r->state[i].set);
	}
	memset(r->state, 0, GENERATIONS_MOST * sizeof(*r->state));
	datapath_free(&r->bed.datapath);
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 10;
	struct race r = { .none = policyset_new(), .lock = PTHREAD_MUTEX_INITIALIZER };

	r.state = calloc(GENERATIONS_MOST, sizeof(*r.state));
	r.result = calloc(RESULTS_MOST, sizeof(*r.result));
	if (!r.state || !r.result || !r.none)
		return 1;
	draw_samples(&r);
	race(&r, 0, seconds);
	race(&r, DELAY_NS, seconds);
	check(&r, r.returns > 2, "states come back");
	check(&r, r.expired > 10, "policies expire while they are in force");
	printf("%lu passed, %lu failed\n", r.bed.passed, r.bed.failed);
	free(r.state);
	free(r.result);
	policyset_put(&r.none);
	return r.bed.failed != 0;
}
