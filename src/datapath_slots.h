/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which policy has which slot, in the state in force and in the one that is
 * prepared.  Shared by the datapath_*.c files only.
 */
#ifndef DATAPATH_SLOTS_H
#define DATAPATH_SLOTS_H

#include "datapath_maps.h"

/* Slots for a wanted set: what stays keeps its slot. */
struct slot_plan {
	uint32_t *slot; /* of set->policy[i] */
	uint32_t *added; /* the new ones among them */
	size_t added_count;
};

/** Returns 0, -ENOSPC when all slots are taken, -ENOMEM or -errno. */
int slot_plan_make(struct datapath *datapath, const struct datapath_slots *now,
		   const struct policyset *set, struct slot_plan *ret);

/** Gives the added slots back. */
void slot_plan_undo(struct datapath *datapath, struct slot_plan *plan);

/** Writes the versions that @set needs for @generation; after a grace period. */
void slot_plan_write(struct datapath *datapath, const struct slot_plan *plan,
		     const struct policyset *set, uint64_t generation);

/** Takes back the versions of @generation. */
void slot_plan_unwrite(struct datapath *datapath, const struct slot_plan *plan, size_t count,
		       uint64_t generation);

/** Makes the buckets of limits that @generation changes those of the new limits; once published. */
void slot_plan_carry(struct datapath *datapath, const struct slot_plan *plan, size_t count,
		     uint64_t generation);

/** @now becomes the plan for @set; slots that are not in it become free. */
void slot_plan_adopt(struct datapath *datapath, struct slot_plan *plan, struct policyset *set,
		     struct datapath_slots *now);

/** Drops the set and frees the list. */
void datapath_slots_clear(struct datapath_slots *slots);

#endif
