// SPDX-License-Identifier: Apache-2.0
/*
 * What a slot's version says of its policy.
 *
 * A slot has two versions: the one in force, and one that is older or the next
 * one.  So the next one may be written only when no packet is under way that
 * began before the one in force.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "datapath_counters.h"
#include "datapath_settle.h"
#include "datapath_slots.h"
#include "policy.h"

#define NS_PER_S 1000000000LL
#define UNITS_SHIFT 6 /* of GCRA: 2^-6 ns */
#define UNITS_PER_S (64.0 * 1e9)
#define COST_MAX (1ULL << 36) /* leaves 28 bits for an amount: ratelimit.h */
#define SHIFT_MAX 40
#define BURST_MAX (1ULL << 61)
#define EXPIRY_MOST_NS (INT64_MAX / 2) /* 146 years: no kernel runs so long */
#define EXPIRY_TOLERANCE_NS 1000000 /* the same deadline computed twice differs by less */

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now))
		return 0;
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Wall time can be further away than nanoseconds can say. */
static int64_t wall_left_ns(int64_t expires_at)
{
	int64_t left;

	if (__builtin_mul_overflow(expires_at - clock_ns(CLOCK_REALTIME) / 1000, 1000, &left))
		return EXPIRY_MOST_NS;
	return left < EXPIRY_MOST_NS ? left : EXPIRY_MOST_NS;
}

/* A deadline on CLOCK_MONOTONIC; 1 when it has passed, 0 for never. */
static uint64_t expires_ns(const struct policy *policy)
{
	int64_t left;

	if (policy->ttl_deadline_ns)
		left = (int64_t)policy->ttl_deadline_ns - clock_ns(CLOCK_BOOTTIME);
	else if (policy->expires_at)
		left = wall_left_ns(policy->expires_at);
	else
		return 0;
	left += clock_ns(CLOCK_MONOTONIC);
	if (left > EXPIRY_MOST_NS)
		return EXPIRY_MOST_NS;
	return left > 0 ? (uint64_t)left : 1;
}

/* As much precision as 36 bits hold; see ratelimit.h of the programs. */
static void limit_set(const struct rate *rate, struct pep_limit *limit, uint8_t *shift)
{
	uint64_t burst = rate->burst ? rate->burst : rate->per_second;
	double cost = UNITS_PER_S / (double)rate->per_second, time;

	*shift = 0;
	while (cost * 2 < (double)COST_MAX && *shift < SHIFT_MAX) {
		cost *= 2;
		(*shift)++;
	}
	limit->cost = (uint64_t)llround(cost);
	time = (double)burst * UNITS_PER_S / (double)rate->per_second;
	limit->burst = time < (double)BURST_MAX ? (uint64_t)time : BURST_MAX;
}

static void version_make(const struct version_wanted *wanted, struct pep_version *ret)
{
	const struct policy *policy = wanted->policy;

	memset(ret, 0, sizeof(*ret));
	if (!policy || !policy->enabled) {
		ret->flags = PEP_VERSION_DEAD;
		return;
	}
	ret->action = (uint8_t)policy->action;
	ret->expires_ns = expires_ns(policy);
	if (wanted->overlay)
		ret->flags |= PEP_VERSION_OVERLAY;
	if (policy->log)
		ret->flags |= PEP_VERSION_LOG;
	if (policy->conform_continue)
		ret->flags |= PEP_VERSION_CONTINUE;
	if (policy->origin == ORIGIN_FAILSAFE)
		ret->flags |= PEP_VERSION_FAILSAFE;
	if (policy_is_broad(policy, PEP_IPV4))
		ret->flags |= PEP_VERSION_BROAD4;
	if (policy_is_broad(policy, PEP_IPV6))
		ret->flags |= PEP_VERSION_BROAD6;
	if (policy->rare->bytes.per_second) {
		ret->flags |= PEP_VERSION_BYTES;
		limit_set(&policy->rare->bytes, &ret->bytes, &ret->bytes_shift);
	}
	if (policy->rare->packets.per_second) {
		ret->flags |= PEP_VERSION_PACKETS;
		limit_set(&policy->rare->packets, &ret->packets, &ret->packets_shift);
	}
}

static bool version_same(const struct pep_version *now, const struct pep_version *wanted)
{
	struct pep_version copy = *wanted;
	int64_t apart = (int64_t)(now->expires_ns - wanted->expires_ns);

	copy.from = now->from;
	if (now->expires_ns && wanted->expires_ns && apart > -EXPIRY_TOLERANCE_NS &&
	    apart < EXPIRY_TOLERANCE_NS)
		copy.expires_ns = now->expires_ns;
	return !memcmp(&copy, now, sizeof(copy));
}

static unsigned int newest(const struct pep_slot *slot)
{
	return slot->version[1].from > slot->version[0].from;
}

static bool is_written(const struct pep_slot *slot, const struct pep_version *wanted)
{
	const struct pep_version *now = &slot->version[newest(slot)];

	return now->from && version_same(now, wanted);
}

/* The version that is not in force is the one to write; `from` makes it count. */
static void version_write(struct pep_slot *slot, const struct pep_version *wanted,
			  uint64_t generation)
{
	struct pep_version *target = &slot->version[!newest(slot)];

	__atomic_store_n(&target->from, 0, __ATOMIC_RELEASE);
	memcpy((char *)target + sizeof(target->from), (const char *)wanted + sizeof(wanted->from),
	       sizeof(*target) - sizeof(target->from));
	__atomic_store_n(&target->from, generation, __ATOMIC_RELEASE);
}

/* So that from here on nothing fails. */
static int make_room(struct slot_plan *plan, size_t count)
{
	plan->written = malloc((count + 1) * sizeof(*plan->written));
	return plan->written ? 0 : -ENOMEM;
}

/* Of the versions that will be overwritten, since when packets must not be under way. */
static uint64_t youngest_in_force(const struct datapath *datapath,
				  const struct version_wanted *wanted, size_t count)
{
	struct pep_version version;
	uint64_t youngest = 0;

	for (size_t i = 0; i < count; i++) {
		const struct pep_slot *slot = datapath_slot_at(datapath, wanted[i].slot);
		uint64_t from = slot->version[newest(slot)].from;

		if (from <= youngest)
			continue;
		version_make(&wanted[i], &version);
		if (!is_written(slot, &version))
			youngest = from;
	}
	return youngest;
}

static void clear_added(struct datapath *datapath, const struct slot_plan *plan)
{
	for (size_t i = 0; i < plan->added_count; i++) {
		memset(datapath_slot_at(datapath, plan->added[i]), 0, sizeof(struct pep_slot));
		datapath_counters_forget(datapath, plan->added[i]);
	}
}

int slot_plan_write(struct datapath *datapath, struct slot_plan *plan,
		    const struct version_wanted *wanted, size_t count, uint64_t generation)
{
	struct pep_version version;
	int error = make_room(plan, count);

	if (error)
		return error;
	clear_added(datapath, plan);
	if (!datapath_is_settled(datapath, datapath->generation))
		error = datapath_settle(datapath, youngest_in_force(datapath, wanted, count));
	for (size_t i = 0; i < count && !error; i++) {
		struct pep_slot *slot = datapath_slot_at(datapath, wanted[i].slot);

		version_make(&wanted[i], &version);
		if (is_written(slot, &version))
			continue;
		version_write(slot, &version, generation);
		plan->written[plan->written_count++] = wanted[i].slot;
	}
	return error;
}

void slot_plan_unwrite(struct datapath *datapath, const struct slot_plan *plan, uint64_t generation)
{
	for (size_t i = 0; i < plan->written_count; i++) {
		struct pep_slot *slot = datapath_slot_at(datapath, plan->written[i]);

		for (int v = 0; v < 2; v++) {
			if (slot->version[v].from == generation)
				__atomic_store_n(&slot->version[v].from, 0, __ATOMIC_RELEASE);
		}
	}
}

/* ---- buckets, when a limit changes */

/*
 * What was taken from the old bucket counts in the new one, up to its whole
 * burst.  As a time, the debt to a slow limit would close a faster one for long.
 */
static uint64_t carried_tat(uint64_t tat, const struct pep_limit *before, double scale,
			    const struct pep_limit *now_limit, uint64_t now)
{
	double debt;

	if (!before->cost || !now_limit->cost || tat <= now)
		return 0;
	debt = (double)(tat - now) * scale * (double)now_limit->cost / (double)before->cost;
	return now + (debt < (double)now_limit->burst ? (uint64_t)debt : now_limit->burst);
}

static void carry_bucket(__u64 *tat, const struct pep_limit *before, const struct pep_limit *after,
			 int shifts)
{
	uint64_t now = (uint64_t)clock_ns(CLOCK_MONOTONIC) << UNITS_SHIFT;
	__u64 old = __atomic_load_n(tat, __ATOMIC_RELAXED), carried;

	if (!shifts && !memcmp(before, after, sizeof(*before)))
		return;
	do {
		carried = carried_tat(old, before, exp2(shifts), after, now);
	} while (!__atomic_compare_exchange_n(tat, &old, carried, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
}

void slot_plan_carry(struct datapath *datapath, const struct slot_plan *plan, uint64_t generation)
{
	for (size_t i = 0; i < plan->written_count; i++) {
		struct pep_slot *slot = datapath_slot_at(datapath, plan->written[i]);
		const struct pep_version *after = &slot->version[newest(slot)];
		const struct pep_version *before = &slot->version[!newest(slot)];

		if (after->from != generation || !before->from)
			continue;
		carry_bucket(&slot->bytes_tat, &before->bytes, &after->bytes,
			     before->bytes_shift - after->bytes_shift);
		carry_bucket(&slot->packets_tat, &before->packets, &after->packets,
			     before->packets_shift - after->packets_shift);
	}
}
