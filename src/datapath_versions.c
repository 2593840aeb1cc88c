// SPDX-License-Identifier: Apache-2.0
/*
 * What a slot's version says of its policy.
 *
 * A slot has two versions: the one in force, and one that is older or the next
 * one.  So the next one may be written only when no packet is under way that
 * began before the one in force.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "datapath_counters.h"
#include "datapath_limits.h"
#include "datapath_settle.h"
#include "datapath_slots.h"
#include "datapath_steady.h"
#include "policy.h"

#define NS_PER_S 1000000000LL
#define EXPIRY_MOST_NS (INT64_MAX / 2) /* 146 years: no kernel runs so long */
#define EXPIRY_TOLERANCE_NS 1000000 /* the same deadline computed twice differs by less */
#define CLOCKS_APART_NS 100000 /* between two readings of one time */
#define CLOCK_TRIES 8

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now))
		return 0;
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* What @clock and CLOCK_MONOTONIC say at the same time, unless the machine lets no thread run on. */
static void read_clocks(clockid_t clock, int64_t *ret, int64_t *monotonic)
{
	int64_t before = clock_ns(CLOCK_MONOTONIC);

	for (int tries = 0; tries < CLOCK_TRIES; tries++) {
		*ret = clock_ns(clock);
		*monotonic = clock_ns(CLOCK_MONOTONIC);
		if (*monotonic - before < CLOCKS_APART_NS)
			return;
		before = *monotonic;
	}
}

/* Wall time can be further away than nanoseconds can say. */
static int64_t wall_left_ns(int64_t expires_at, int64_t now_ns)
{
	int64_t left;

	if (__builtin_mul_overflow(expires_at - now_ns / 1000, 1000, &left))
		return EXPIRY_MOST_NS;
	return left < EXPIRY_MOST_NS ? left : EXPIRY_MOST_NS;
}

/* A deadline on CLOCK_MONOTONIC; 1 when it has passed, 0 for never. */
static uint64_t expires_ns(const struct policy *policy)
{
	int64_t now;
	int64_t monotonic;
	int64_t left;

	if (policy->ttl_deadline_ns) {
		read_clocks(CLOCK_BOOTTIME, &now, &monotonic);
		left = (int64_t)policy->ttl_deadline_ns - now;
	} else if (policy->expires_at) {
		read_clocks(CLOCK_REALTIME, &now, &monotonic);
		left = wall_left_ns(policy->expires_at, now);
	} else {
		return 0;
	}
	left += monotonic;
	if (left > EXPIRY_MOST_NS)
		return EXPIRY_MOST_NS;
	return left > 0 ? (uint64_t)left : 1;
}

/* A version and, where it has limits, what is in their record. */
struct content {
	struct pep_version version;
	struct pep_rates rates;
	uint32_t owner; /* as in the slot; 0: nobody's */
};

static bool is_limited(const struct pep_version *version)
{
	return version->flags & (PEP_VERSION_BYTES | PEP_VERSION_PACKETS);
}

static void set_owner(struct content *content, const struct policy *policy)
{
	uint64_t owner = datapath_owner(policy->id);

	content->version.owner = (uint32_t)owner;
	content->owner = (uint32_t)(owner >> 32);
}

static void content_make(const struct version_wanted *wanted, struct content *content)
{
	const struct policy *policy = wanted->policy;
	struct pep_version *ret = &content->version;

	memset(content, 0, sizeof(*content));
	if (policy)
		set_owner(content, policy);
	if (!policy || !policy->enabled) {
		ret->flags = PEP_VERSION_DEAD;
		return;
	}
	datapath_limits_make(policy, &content->rates);
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
	if (policy->rare->bytes.per_second)
		ret->flags |= PEP_VERSION_BYTES;
	if (policy->rare->packets.per_second)
		ret->flags |= PEP_VERSION_PACKETS;
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

static bool is_written(const struct datapath *datapath, const struct pep_slot *slot,
		       const struct content *wanted)
{
	const struct pep_limits *limits = datapath_limits_of(datapath, slot);
	unsigned int v = newest(slot);

	if (!slot->version[v].from || !version_same(&slot->version[v], &wanted->version))
		return false;
	return !is_limited(&wanted->version) ||
	       (limits && !memcmp(&limits->version[v], &wanted->rates, sizeof(wanted->rates)));
}

/* The version that is not in force is the one to write; `from` makes it count. */
static void version_write(struct datapath *datapath, struct pep_slot *slot,
			  const struct content *wanted, uint64_t generation)
{
	unsigned int v = !newest(slot);
	struct pep_version *target = &slot->version[v];
	struct pep_limits *limits;

	__atomic_store_n(&target->from, 0, __ATOMIC_RELEASE);
	if (wanted->owner)
		slot->owner = wanted->owner;
	if (is_limited(&wanted->version))
		datapath_limits_take(datapath, slot);
	limits = datapath_limits_of(datapath, slot);
	if (limits)
		limits->version[v] = wanted->rates;
	memcpy((char *)target + sizeof(target->from),
	       (const char *)&wanted->version + sizeof(target->from),
	       sizeof(*target) - sizeof(target->from));
	__atomic_store_n(&target->from, generation, __ATOMIC_RELEASE);
}

/* So that from here on nothing fails. */
static int make_room(struct datapath *datapath, struct slot_plan *plan,
		     const struct version_wanted *wanted, size_t count)
{
	size_t limited = 0;

	plan->written = malloc((count + 1) * sizeof(*plan->written));
	if (!plan->written)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct policy *policy = wanted[i].policy;

		if (policy && (policy->rare->bytes.per_second || policy->rare->packets.per_second))
			limited += !datapath_slot_at(datapath, wanted[i].slot)->limits;
	}
	return datapath_limits_reserve(datapath, limited);
}

/* Of the versions that will be overwritten, since when packets must not be under way. */
static uint64_t youngest_in_force(const struct datapath *datapath,
				  const struct version_wanted *wanted, size_t count)
{
	struct content content;
	uint64_t youngest = 0;

	for (size_t i = 0; i < count; i++) {
		const struct pep_slot *slot = datapath_slot_at(datapath, wanted[i].slot);
		uint64_t from = slot->version[newest(slot)].from;

		if (from <= youngest)
			continue;
		content_make(&wanted[i], &content);
		if (!is_written(datapath, slot, &content))
			youngest = from;
	}
	return youngest;
}

static void clear_added(struct datapath *datapath, const struct slot_plan *plan)
{
	for (size_t i = 0; i < plan->added_count; i++) {
		struct pep_slot *slot = datapath_slot_at(datapath, plan->added[i]);

		datapath_unsteady(datapath, plan->added[i]);
		datapath_limits_give(datapath, slot);
		memset(slot, 0, sizeof(*slot));
		datapath_counters_forget(datapath, plan->added[i]);
	}
}

int slot_plan_write(struct datapath *datapath, struct slot_plan *plan,
		    const struct version_wanted *wanted, size_t count, uint64_t generation)
{
	struct content content;
	int error;

	clear_added(datapath, plan);
	error = make_room(datapath, plan, wanted, count);
	if (error)
		return error;
	if (!datapath_is_settled(datapath, datapath_generation(datapath)))
		error = datapath_settle(datapath, youngest_in_force(datapath, wanted, count));
	for (size_t i = 0; i < count && !error; i++) {
		struct pep_slot *slot = datapath_slot_at(datapath, wanted[i].slot);

		content_make(&wanted[i], &content);
		if (is_written(datapath, slot, &content))
			continue;
		datapath_unsteady(datapath, wanted[i].slot);
		version_write(datapath, slot, &content, generation);
		plan->written[plan->written_count++] = wanted[i].slot;
	}
	return error;
}

void slot_plan_unwrite(struct datapath *datapath, const struct slot_plan *plan, uint64_t generation)
{
	for (size_t i = 0; i < plan->written_count; i++) {
		struct pep_slot *slot = datapath_slot_at(datapath, plan->written[i]);

		datapath_unsteady(datapath, plan->written[i]);
		for (int v = 0; v < 2; v++) {
			if (slot->version[v].from == generation)
				__atomic_store_n(&slot->version[v].from, 0, __ATOMIC_RELEASE);
		}
	}
}

/* Of the slots with a version of @generation: to the newest one, or to the one before. */
static void carry(struct datapath *datapath, const struct slot_plan *plan, uint64_t generation,
		  bool back)
{
	const size_t limited = datapath->limits.next > 1 ? plan->written_count : 0;

	for (size_t i = 0; i < limited; i++) {
		const struct pep_slot *slot = datapath_slot_at(datapath, plan->written[i]);
		struct pep_limits *limits = datapath_limits_of(datapath, slot);
		unsigned int v = newest(slot);

		if (limits && slot->version[v].from == generation && slot->version[!v].from)
			datapath_limits_carry(limits, back ? !v : v);
	}
}

void slot_plan_carry(struct datapath *datapath, const struct slot_plan *plan, uint64_t generation)
{
	carry(datapath, plan, generation, false);
}

void slot_plan_carry_back(struct datapath *datapath, const struct slot_plan *plan,
			  uint64_t generation)
{
	carry(datapath, plan, generation, true);
}
