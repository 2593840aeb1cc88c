/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the datapath counts, by policy, by interface and in all, and how its
 * events are had.
 */
#ifndef DATAPATH_COUNTERS_H
#define DATAPATH_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pep.h"

struct datapath;
struct policyset;

/* What a policy counted. */
struct pep_counters {
	uint64_t packets; /* matched */
	uint64_t bytes;
	uint64_t dropped_packets; /* of them, dropped by this policy */
	uint64_t dropped_bytes;
	uint64_t would_drop_packets; /* reserved for audit mode */
	uint64_t would_drop_bytes;
};

/** Sums the stripes of a policy's counters; zeros for an unknown id. Since the last reset. */
void datapath_policy_counters(const struct datapath *datapath, const char *id,
			      struct pep_counters *ret);

/** The slot of a policy in the state in force, PEP_SLOT_NONE when it has none. */
uint32_t datapath_policy_slot(const struct datapath *datapath, const char *id);

/** As datapath_policy_slot(), of set->policy[@index]: quick if that set is in force. */
uint32_t datapath_slot_of(const struct datapath *datapath, const struct policyset *set,
			  size_t index);

/** As datapath_policy_counters(), without the search: for sampling all of them. */
void datapath_slot_counters(const struct datapath *datapath, uint32_t slot,
			    struct pep_counters *ret);

/** The outcomes of an interface and direction; @ret has PEP_OUTCOME_MAX. Since the last reset. */
void datapath_interface_tally(const struct datapath *datapath, const char *name,
			      enum pep_direction direction, struct pep_tally *ret);

/** Sums the stripes of the totals. Since the last reset. */
void datapath_totals(const struct datapath *datapath, struct pep_totals *ret);

/** All counters read as zero from here on. Returns 0 or -ENOMEM. */
int datapath_reset(struct datapath *datapath);

/** The names of interfaces that have counters or had them in earlier runs, from an id on that begins
 * at 0 and is raised behind each; NULL: no more. */
const char *datapath_next_counted(const struct datapath *datapath, size_t *id);

/** The id of the policy that has a slot, as of the state in force; NULL: none. */
const char *datapath_slot_policy(const struct datapath *datapath, uint32_t slot);

/** The number of the life of a slot, that began when it was given to a policy: no two have the same. */
uint32_t datapath_slot_life(const struct datapath *datapath, uint32_t slot);

/** Slots from this one on have never been used. */
uint32_t datapath_slot_limit(const struct datapath *datapath);

/**
 * Gives up slots that many policies had who are gone, with the daemon's memory for them; where
 * datapath_publish() may be called. Whether there were such.
 */
bool datapath_slots_trim(struct datapath *datapath);

/** Ids of policies whose rules are most in the longest list that a packet can be compared with, as
 * of the last main image: up to @most. How many they are. */
size_t datapath_costliest(const struct datapath *datapath, const char **ret, size_t most);

/* What the kernel holds for policies, in bytes. */
struct datapath_memory {
	size_t slots; /* how many have been given to policies, at most so many at once */
	size_t slot_bytes;
	size_t counter_bytes; /* of all stripes */
	size_t limit_bytes;
	size_t image_bytes; /* of the maps that images are in */
};
/** Fills in how much slots, counters, limits and images take. All but the last grows in chunks of
 * PEP_CHUNK slots, and is kept for later policies when some go. */
void datapath_memory(const struct datapath *datapath, struct datapath_memory *ret);

/** The fd of a map by its name in the programs ("events", "trace"), or -ENOENT. */
int datapath_map(const struct datapath *datapath, const char *name);

/** How many readers want a sample of every drop. */
void datapath_set_event_readers(struct datapath *datapath, uint64_t readers);

#endif
