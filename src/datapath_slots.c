// SPDX-License-Identifier: Apache-2.0
/*
 * Slots: who has which, and what a slot's version says of its policy.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "datapath_counters.h"
#include "datapath_maps.h"
#include "datapath_slots.h"
#include "policyset.h"

#define NS_PER_S 1000000000LL
#define UNITS_SHIFT 6 /* of GCRA: 2^-6 ns */
#define UNITS_PER_S (64.0 * 1e9)
#define COST_MAX (1ULL << 36) /* leaves 28 bits for an amount: ratelimit.h */
#define SHIFT_MAX 40
#define BURST_MAX (1ULL << 61)
#define EXPIRY_MOST_NS (INT64_MAX / 2) /* 146 years: no kernel runs so long */
#define EXPIRY_TOLERANCE_NS 1000000 /* the same deadline computed twice differs by less */

/* ---- who has which */

/* Its chunk is there: reserve_slots(). */
static uint32_t take_slot(struct datapath *datapath)
{
	if (datapath->free_slots)
		return datapath->free_slot[--datapath->free_slots];
	return datapath->next_slot++;
}

/* Makes all chunks at once that @count new policies need: there is one wait for them. */
static int reserve_slots(struct datapath *datapath, size_t count)
{
	const uint32_t first = datapath->next_slot / PEP_CHUNK;
	size_t end;

	if (count <= datapath->free_slots)
		return 0;
	end = datapath->next_slot + count - datapath->free_slots;
	if (end > (size_t)PEP_CHUNK * PEP_CHUNKS)
		return -ENOSPC;
	return datapath_maps_add_chunks(datapath, first,
					(uint32_t)((end - 1) / PEP_CHUNK) + 1 - first);
}

/* Room was made for all slots there are: slot_plan_make(). */
static void give_slot(struct datapath *datapath, uint32_t slot)
{
	datapath->free_slot[datapath->free_slots++] = slot;
}

/* So that giving slots back cannot fail, and ids can be found by slot. */
static int make_room(struct datapath *datapath, size_t more)
{
	size_t room = datapath->next_slot + more;
	const char **policies;
	uint32_t *slots;

	if (room <= datapath->free_slots_room)
		return 0;
	room += room / 4 + 64;
	slots = realloc(datapath->free_slot, room * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	datapath->free_slot = slots;
	policies = realloc(datapath->slot_policy, room * sizeof(*policies));
	if (!policies)
		return -ENOMEM;
	memset(policies + datapath->slot_policy_room, 0,
	       (room - datapath->slot_policy_room) * sizeof(*policies));
	datapath->slot_policy = policies;
	datapath->slot_policy_room = room;
	datapath->free_slots_room = room;
	return 0;
}

/* Both sets are sorted by id: one pass finds those that stay. Returns how many others there are. */
static size_t keep_slots(const struct datapath_slots *now, const struct policyset *set,
			 struct slot_plan *plan)
{
	size_t j = 0, have = now->set ? now->set->count : 0, others = 0;
	int order;

	for (size_t i = 0; i < set->count; i++) {
		order = 1;
		while (j < have &&
		       (order = strcmp(now->set->policy[j]->id, set->policy[i]->id)) < 0)
			j++;
		if (j < have && order == 0) {
			plan->slot[i] = now->slot[j++];
		} else {
			plan->slot[i] = PEP_SLOT_NONE;
			others++;
		}
	}
	return others;
}

static int assign(struct datapath *datapath, const struct datapath_slots *now,
		  const struct policyset *set, struct slot_plan *plan)
{
	int error = reserve_slots(datapath, keep_slots(now, set, plan));

	if (error)
		return error;
	for (size_t i = 0; i < set->count; i++) {
		if (plan->slot[i] != PEP_SLOT_NONE)
			continue;
		plan->slot[i] = take_slot(datapath);
		plan->added[plan->added_count++] = plan->slot[i];
	}
	return 0;
}

int slot_plan_make(struct datapath *datapath, const struct datapath_slots *now,
		   const struct policyset *set, struct slot_plan *ret)
{
	struct slot_plan plan = { 0 };
	int error;

	plan.slot = calloc(set->count + 1, sizeof(*plan.slot));
	plan.added = calloc(set->count + 1, sizeof(*plan.added));
	error = plan.slot && plan.added ? make_room(datapath, set->count) : -ENOMEM;
	if (!error)
		error = assign(datapath, now, set, &plan);
	if (error) {
		slot_plan_undo(datapath, &plan);
		return error;
	}
	*ret = plan;
	return 0;
}

void slot_plan_undo(struct datapath *datapath, struct slot_plan *plan)
{
	for (size_t i = 0; i < plan->added_count; i++)
		give_slot(datapath, plan->added[i]);
	free(plan->slot);
	free(plan->added);
	memset(plan, 0, sizeof(*plan));
}

void datapath_slots_clear(struct datapath_slots *slots)
{
	policyset_put(&slots->set);
	free(slots->slot);
	slots->slot = NULL;
}

/* Those of @now that @set does not have any more. */
static void release_slots(struct datapath *datapath, const struct datapath_slots *now,
			  const struct policyset *set)
{
	size_t j = 0;
	int order;

	for (size_t i = 0; now->set && i < now->set->count; i++) {
		order = 1;
		while (j < set->count &&
		       (order = strcmp(set->policy[j]->id, now->set->policy[i]->id)) < 0)
			j++;
		if (j < set->count && order == 0)
			continue;
		datapath->slot_policy[now->slot[i]] = NULL;
		give_slot(datapath, now->slot[i]);
	}
}

void slot_plan_adopt(struct datapath *datapath, struct slot_plan *plan, struct policyset *set,
		     struct datapath_slots *now)
{
	release_slots(datapath, now, set);
	for (size_t i = 0; i < set->count; i++)
		datapath->slot_policy[plan->slot[i]] = set->policy[i]->id;
	datapath_slots_clear(now);
	now->set = policyset_get(set);
	now->slot = TAKE_PTR(plan->slot);
	free(plan->added);
	memset(plan, 0, sizeof(*plan));
}

const char *datapath_slot_policy(const struct datapath *datapath, uint32_t slot)
{
	return slot < datapath->slot_policy_room ? datapath->slot_policy[slot] : NULL;
}

uint32_t datapath_policy_slot(const struct datapath *datapath, const char *id)
{
	const struct datapath_slots *slots = &datapath->policies;
	ptrdiff_t index = slots->set ? policyset_index(slots->set, id) : -1;

	if (index >= 0)
		return slots->slot[index];
	slots = &datapath->failsafe;
	index = slots->set ? policyset_index(slots->set, id) : -1;
	return index >= 0 ? slots->slot[index] : PEP_SLOT_NONE;
}

/* ---- what a version says */

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

static void version_make(const struct policy *policy, struct pep_version *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->action = (uint8_t)policy->action;
	ret->expires_ns = expires_ns(policy);
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
	if (policy->bytes.per_second) {
		ret->flags |= PEP_VERSION_BYTES;
		limit_set(&policy->bytes, &ret->bytes, &ret->bytes_shift);
	}
	if (policy->packets.per_second) {
		ret->flags |= PEP_VERSION_PACKETS;
		limit_set(&policy->packets, &ret->packets, &ret->packets_shift);
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

/* The version that is not in force is the one to write; `from` makes it count. */
static void version_write(struct pep_slot *slot, const struct pep_version *wanted,
			  uint64_t generation)
{
	unsigned int current = slot->version[1].from > slot->version[0].from;
	struct pep_version *target = &slot->version[!current];

	if (slot->version[current].from && version_same(&slot->version[current], wanted))
		return;
	__atomic_store_n(&target->from, 0, __ATOMIC_RELEASE);
	memcpy((char *)target + sizeof(target->from), (const char *)wanted + sizeof(wanted->from),
	       sizeof(*target) - sizeof(target->from));
	__atomic_store_n(&target->from, generation, __ATOMIC_RELEASE);
}

void slot_plan_write(struct datapath *datapath, const struct slot_plan *plan,
		     const struct policyset *set, uint64_t generation)
{
	struct pep_version wanted;

	for (size_t i = 0; i < plan->added_count; i++) {
		memset(datapath_slot_at(datapath, plan->added[i]), 0, sizeof(struct pep_slot));
		datapath_counters_forget(datapath, plan->added[i]);
	}
	for (size_t i = 0; i < set->count; i++) {
		version_make(set->policy[i], &wanted);
		version_write(datapath_slot_at(datapath, plan->slot[i]), &wanted, generation);
	}
}

void slot_plan_unwrite(struct datapath *datapath, const struct slot_plan *plan, size_t count,
		       uint64_t generation)
{
	for (size_t i = 0; i < count; i++) {
		struct pep_slot *slot = datapath_slot_at(datapath, plan->slot[i]);

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

void slot_plan_carry(struct datapath *datapath, const struct slot_plan *plan, size_t count,
		     uint64_t generation)
{
	for (size_t i = 0; i < count; i++) {
		struct pep_slot *slot = datapath_slot_at(datapath, plan->slot[i]);
		unsigned int fresh = slot->version[1].from == generation;
		const struct pep_version *after = &slot->version[fresh];
		const struct pep_version *before = &slot->version[!fresh];

		if (after->from != generation || !before->from)
			continue;
		carry_bucket(&slot->bytes_tat, &before->bytes, &after->bytes,
			     before->bytes_shift - after->bytes_shift);
		carry_bucket(&slot->packets_tat, &before->packets, &after->packets,
			     before->packets_shift - after->packets_shift);
	}
}
