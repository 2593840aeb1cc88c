/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which policy has which slot, in the state in force and in the one that is
 * prepared, and what the slots' versions say.  Shared by the datapath_*.c
 * files only.
 */
#ifndef DATAPATH_SLOTS_H
#define DATAPATH_SLOTS_H

#include "datapath_maps.h"

struct policy;

/* Slots for a wanted set: what stays keeps its slot. */
struct slot_plan {
	uint32_t *slot; /* of set->policy[i] */
	uint32_t *added; /* the new ones among them */
	size_t added_count;
	uint32_t *fresh; /* indices of policies that the state in force has not, or otherwise */
	size_t fresh_count;
	uint32_t *removed; /* indices of policies in force that the set has not */
	size_t removed_count;
	uint32_t *written; /* slots that got a version */
	size_t written_count;
};

/**
 * Finds out what differs and takes slots. Returns 0, -ENOSPC when all slots are
 * taken, -ENOMEM or -errno.
 */
int slot_plan_make(struct datapath *datapath, const struct datapath_slots *now,
		   const struct policyset *set, struct slot_plan *ret);

/** Gives the added slots back, and frees the plan. */
void slot_plan_undo(struct datapath *datapath, struct slot_plan *plan);

/** Frees the plan. */
void slot_plan_clear(struct slot_plan *plan);

/** @now becomes the plan for *set, as of the generation in force. What was in @now is in plan and
 * *set afterwards, and slots that it alone has stay taken until slot_plan_release(). */
void slot_plan_adopt(struct datapath *datapath, struct slot_plan *plan, struct policyset **set,
		     struct datapath_slots *now);
/** What slot_plan_adopt() replaced does not come back: its slots that nothing names become free. */
void slot_plan_release(struct datapath *datapath, const struct slot_plan *plan);
/** It comes back instead: @now is what it was before slot_plan_adopt(), as of the generation in
 * force, and the slots that the plan added become free. */
void slot_plan_return(struct datapath *datapath, struct slot_plan *plan, struct policyset **set,
		      struct datapath_slots *now);

/** Drops the set and frees the list. */
void datapath_slots_clear(struct datapath_slots *slots);

/** There is a main image of @base, or will be: the slots that it names stay taken. */
void datapath_slots_name(struct datapath *datapath, const struct datapath_base *base);

/** There is not any more: slots that it alone named become free. */
void datapath_slots_release(struct datapath *datapath, const struct datapath_base *base);

/* ---- datapath_past.c */

/** What a slot says of whose it is, so that a later process knows: a hash of the policy's id, neither
 * half of it 0. */
uint64_t datapath_owner(const char *id);

/* ---- datapath_versions.c */

/* A version that a slot is to have; a NULL policy: a dead one. */
struct version_wanted {
	const struct policy *policy;
	uint32_t slot;
	bool overlay; /* its rules are in the overlay */
};

/** Writes the versions of @generation that differ, and waits first for packets that might see them
 * change. Clears the slots that the plan adds. Returns 0, -ENOMEM or -errno. */
int slot_plan_write(struct datapath *datapath, struct slot_plan *plan,
		    const struct version_wanted *wanted, size_t count, uint64_t generation);

/** Takes back the versions of @generation. */
void slot_plan_unwrite(struct datapath *datapath, const struct slot_plan *plan,
		       uint64_t generation);

/** Makes the buckets of limits that @generation changes those of the new limits; once published. */
void slot_plan_carry(struct datapath *datapath, const struct slot_plan *plan, uint64_t generation);
/** The other way round; once what was before is in force again, and before slot_plan_unwrite(). */
void slot_plan_carry_back(struct datapath *datapath, const struct slot_plan *plan,
			  uint64_t generation);

#endif
