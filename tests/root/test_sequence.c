// SPDX-License-Identifier: Apache-2.0
/*
 * Random sequences of changes: policies are added, deleted, replaced, changed
 * in what they do and nothing else, disabled; they expire, and are removed some
 * time later; changes are abandoned; the main image is compiled anew now and
 * then.  Ids come and go among few, so that slots and ranks are used again:
 * most steps have room for 64 policies, the others for more, which take longer.  After every
 * step random packets must meet what the oracle says of the set as it is then.
 *
 * A step takes a second of a clock of its own, which packets bring along: all
 * that expires does so between two steps.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "datapath_fold.h"
#include "datapath_pending.h"
#include "datapath_steady.h"
#include "dry_bed.h"
#include "json.h"
#include "json_cleanup.h"
#include "policy_json.h"
#include "problem.h"
#include "random_policies.h"
#include "random_samples.h"

#define STEPS 17000 /* a million, with the packets */
#define STEPS_QUICK 800
#define PACKETS 60 /* a step */
#define AT_ONCE 6 /* policies changed in a step */
#define WINDOW 64 /* policies that a text has room for */
#define SLOTS 65536
#define US_PER_S 1000000LL
#define PENDING_NS 60000000000LL
#define CLOCK_TICK_NS 10000000 /* the programs read a clock that goes in ticks */

struct wanted {
	struct policyset *set, *failsafe;
	bool default_block;
};

struct sequence {
	struct dry_bed bed;
	struct wanted now; /* in force */
	unsigned int ids; /* that policies have: as many can be in force at once */
	int64_t time_us; /* CLOCK_REALTIME, some time */
	unsigned long operations, folds, expired, most, reused, confirmed, withdrawn;
	unsigned int owner[SLOTS]; /* number of the policy that had it last, and one */
	uint32_t slots; /* that were used */
	char json[RANDOM_JSON_BYTES];
};

static void fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

/* ---- steps: each makes the next set of the last one */

static struct policyset *edited(const struct policyset *base, const char *const *remove,
				size_t removes, const struct policyset *add)
{
	const struct policyset_edit edit = { .remove = remove,
					     .remove_count = removes,
					     .add = add ? add->policy : NULL,
					     .add_count = add ? add->count : 0 };
	struct policyset *set;

	if (policyset_edit(base, &edit, &set))
		fail("no set");
	return set;
}

static struct policyset *put_some(struct sequence *q)
{
	unsigned int count = 1 + draw(AT_ONCE);
	struct policyset *add = random_set_from(draw(q->ids - count + 1), count, false, q->json);
	struct policyset *set;

	set = edited(q->now.set, NULL, 0, add);
	policyset_put(&add);
	return set;
}

static struct policyset *delete_some(struct sequence *q)
{
	const char *remove[AT_ONCE];
	size_t count = 0;

	while (q->now.set->count && count < 1 + draw(AT_ONCE))
		remove[count++] = q->now.set->policy[draw((uint32_t)q->now.set->count)]->id;
	return edited(q->now.set, remove, count, NULL);
}

/* As many as there is room for. */
static struct policyset *fill(struct sequence *q)
{
	struct policyset *set = policyset_get(q->now.set), *add, *next;

	for (unsigned int first = 0; first < q->ids; first += WINDOW) {
		add = random_set_from(first, WINDOW, false, q->json);
		next = edited(set, NULL, 0, add);
		policyset_put(&add);
		policyset_put(&set);
		set = next;
	}
	return set;
}

static struct policyset *replace_all(struct sequence *q)
{
	unsigned int count = draw(WINDOW);

	return random_set_from(draw(q->ids - count + 1), count, false, q->json);
}

/* What the daemon does about those that have expired. */
static struct policyset *remove_expired(struct sequence *q)
{
	const struct policyset *set = q->now.set;
	CLEANUP(cleanup_free) const char **remove = calloc(set->count + 1, sizeof(*remove));
	size_t count = 0;

	if (!remove)
		fail("no memory");
	for (size_t i = 0; i < set->count; i++) {
		if (set->policy[i]->expires_at && set->policy[i]->expires_at <= q->time_us)
			remove[count++] = set->policy[i]->id;
	}
	q->expired += count;
	return edited(set, remove, count, NULL);
}

/* A policy that is the same but for what is said in @members. */
static struct policyset *changed(const struct policy *policy, const char *members)
{
	CLEANUP(cleanup_json) struct json_object *json = policy_to_json(policy), *other = NULL;
	CLEANUP(problems_clear) struct problems problems = { 0 };
	static char text[RANDOM_JSON_BYTES];

	if (!json || json_read(members, strlen(members), 0, &other, &problems))
		fail(members);
	json_object_object_foreach(other, key, value) {
		json_object_object_add(json, key, json_object_get(value));
	}
	snprintf(text, sizeof(text), "[%s]", json_object_to_json_string(json));
	return parse_set(text, false);
}

static struct policyset *change_effect(struct sequence *q)
{
	static const char *const effects[] = {
		"{\"action\":\"BLOCK\"}", "{\"action\":\"LOG_ONLY\"}", "{\"action\":\"ALLOW\"}",
		"{\"enabled\":false}",	  "{\"enabled\":true}",	       "{\"log\":true}"
	};
	struct policyset *set = policyset_get(q->now.set), *add, *next;

	for (unsigned int i = 0; q->now.set->count && i < 1 + draw(AT_ONCE); i++) {
		const struct policy *policy = q->now.set->policy[draw((uint32_t)q->now.set->count)];

		if (policy->action == PEP_ACTION_RATE_LIMIT)
			continue; /* it has members that others must not have */
		add = changed(policy, effects[draw(ARRAY_SIZE(effects))]);
		next = edited(set, NULL, 0, add);
		policyset_put(&add);
		policyset_put(&set);
		set = next;
	}
	return set;
}

static struct policyset *change_nothing(struct sequence *q)
{
	return policyset_get(q->now.set);
}

/* The last two are rare. */
static struct policyset *(*const steps[])(struct sequence *q) = {
	put_some, put_some,	 put_some,	delete_some,	delete_some, remove_expired,
	put_some, change_effect, change_effect, change_nothing, replace_all, fill,
};

/* ---- publishing */

/* Who has which slot, and had it before. */
static void watch_slots(struct sequence *q)
{
	for (size_t i = 0; i < q->now.set->count; i++) {
		const char *id = q->now.set->policy[i]->id;
		uint32_t slot = datapath_policy_slot(q->bed.datapath, id);
		unsigned int number = (unsigned int)atoi(id + 1) + 1;

		if (slot >= SLOTS)
			fail("a slot that cannot be");
		q->reused += q->owner[slot] && q->owner[slot] != number;
		q->owner[slot] = number;
		if (slot >= q->slots)
			q->slots = slot + 1;
	}
	if (q->now.set->count > q->most)
		q->most = q->now.set->count;
}

static void ask(struct sequence *q);

static void follow(struct sequence *q, const struct wanted *wanted)
{
	policyset_put(&q->now.set);
	policyset_put(&q->now.failsafe);
	q->now = (struct wanted){ policyset_get(wanted->set), policyset_get(wanted->failsafe),
				  wanted->default_block };
	watch_slots(q);
}

/* In force, and then it is confirmed, or withdrawn before its time or behind it. */
static void put_pending(struct sequence *q, const struct wanted *wanted,
			struct datapath_change *change)
{
	const struct wanted before = q->now;
	bool confirmed = draw(3) == 0, in_time = confirmed || draw(2);
	int64_t left_ns = in_time ? PENDING_NS : -CLOCK_TICK_NS;

	datapath_publish_pending(q->bed.datapath, change,
				 (uint64_t)(clock_ns(CLOCK_MONOTONIC) + left_ns));
	if (draw(2) && datapath_rest(q->bed.datapath))
		fail("no rest");
	if (draw(2))
		datapath_refresh(q->bed.datapath);
	if (in_time)
		q->now = *wanted;
	ask(q);
	q->now = before;
	if (confirmed) {
		if (datapath_confirm(q->bed.datapath, change))
			fail("cannot confirm");
		follow(q, wanted);
		q->confirmed++;
		datapath_dispose(&change);
		return;
	}
	dry_bed_withdraw(&q->bed, change);
	q->withdrawn++;
}

/* A wanted state becomes the one in force, or after all was laid out does not. */
static void publish(struct sequence *q, const struct wanted *wanted, bool abandon)
{
	const struct datapath_state state = {
		.set = wanted->set,
		.failsafe = wanted->failsafe,
		.flags = wanted->default_block ? PEP_IMAGE_DEFAULT_BLOCK : 0,
		.whole = draw(12) == 0,
		.max_rules = 100000,
	};
	struct datapath_change *change = NULL;
	struct problems problems = { 0 };

	if (datapath_prepare(q->bed.datapath, &state, &change, &problems))
		fail("cannot publish");
	if (abandon) {
		datapath_abandon(q->bed.datapath, &change);
		return;
	}
	if (datapath_promote(q->bed.datapath, change))
		fail("cannot exchange the programs");
	if (q->operations && draw(4) == 0) {
		put_pending(q, wanted, change);
		return;
	}
	datapath_commit(q->bed.datapath, &change);
	follow(q, wanted);
}

static void step(struct sequence *q)
{
	size_t which = draw(60) ? draw(ARRAY_SIZE(steps) - 2) : ARRAY_SIZE(steps) - 1 - draw(2);
	struct wanted wanted = {
		.set = steps[which](q),
		.failsafe = draw(60) ? policyset_get(q->now.failsafe)
				     : random_set(draw(3), true, q->json),
		.default_block = draw(20) ? q->now.default_block : !q->now.default_block,
	};

	publish(q, &wanted, draw(10) == 0);
	policyset_put(&wanted.set);
	policyset_put(&wanted.failsafe);
	q->operations++;
}

/* A thread compiles while steps go on. */
static void fold(struct sequence *q)
{
	struct datapath_change *change = NULL;
	int error;

	if (datapath_fold_fd(q->bed.datapath) < 0) {
		if (datapath_fold_begin(q->bed.datapath, draw(2)))
			fail("cannot fold");
		return;
	}
	error = datapath_fold_prepare(q->bed.datapath, &change);
	if (!error)
		error = datapath_promote(q->bed.datapath, change);
	if (error && error != -ESTALE)
		fail("cannot publish what was folded");
	if (!error && draw(8))
		datapath_commit(q->bed.datapath, &change);
	datapath_abandon(q->bed.datapath, &change);
	datapath_fold_drop(q->bed.datapath);
	q->folds += !error;
}

/* ---- time */

/* Half a second from all that may expire. */
static void pass_second(struct sequence *q)
{
	int64_t ahead_us;

	q->time_us += US_PER_S;
	ahead_us = q->time_us - clock_ns(CLOCK_REALTIME) / 1000;
	q->bed.time_ns = (uint64_t)clock_ns(CLOCK_MONOTONIC) + (uint64_t)ahead_us * 1000;
	random_policies_expire(q->time_us / US_PER_S);
}

/* ---- a sequence */

static void ask(struct sequence *q)
{
	struct oracle *oracle =
		oracle_new(q->now.set, q->now.failsafe, q->now.default_block, q->time_us);
	struct sample sample;

	for (int i = 0; i < PACKETS; i++) {
		draw_sample(&sample);
		dry_bed_ask(&q->bed, oracle, &sample, draw_program(&sample));
	}
	oracle_free(oracle);
}

static void begin(struct sequence *q, unsigned int ids)
{
	struct policyset *none = policyset_new();

	memset(q, 0, sizeof(*q));
	dry_bed_open(&q->bed);
	q->bed.state = q->json;
	q->ids = ids;
	q->time_us = clock_ns(CLOCK_REALTIME) / 1000 / US_PER_S * US_PER_S + US_PER_S / 2;
	publish(q, &(struct wanted){ .set = none, .failsafe = none }, false);
	policyset_put(&none);
}

static int end(struct sequence *q)
{
	printf("%u ids, %lu in force at most: %lu steps, %lu folds, %lu expired, %u slots, given "
	       "to others %lu times, %lu confirmed, %lu withdrawn\n",
	       q->ids, q->most, q->operations, q->folds, q->expired, q->slots, q->reused,
	       q->confirmed, q->withdrawn);
	printf("operations and packets: %lu\n", q->operations + q->bed.passed + q->bed.failed);
	policyset_put(&q->now.set);
	policyset_put(&q->now.failsafe);
	dry_bed_check_still(&q->bed);
	return dry_bed_close(&q->bed);
}

static int run(unsigned int ids, unsigned int count)
{
	static struct sequence q;
	unsigned long failed = 0;

	begin(&q, ids);
	for (unsigned int i = 0; i < count; i++) {
		pass_second(&q);
		step(&q);
		if (draw(8) == 0)
			fold(&q);
		if (draw(6) == 0 && datapath_rest(q.bed.datapath))
			fail("no rest");
		ask(&q);
		if (q.bed.failed > failed)
			fprintf(stderr, "step %u, %u ids\n", i, ids);
		failed = q.bed.failed;
	}
	return end(&q);
}

int main(int argc, char **argv)
{
	unsigned int usual = getenv("TEST_SLOW") ? STEPS : STEPS_QUICK;
	unsigned int count = argc > 1 ? (unsigned int)atoi(argv[1]) : usual;
	int few = run(64, count - count / 16), many = run(192, count / 16);

	return few || many;
}
