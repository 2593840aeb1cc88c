/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What earlier processes left: counters, buckets, fragments under way.  Shared
 * by the datapath_*.c files only; datapath_inherit.h is for the others.
 */
#ifndef DATAPATH_PAST_H
#define DATAPATH_PAST_H

#include "datapath_chunks.h"

struct datapath_reader;

/* A policy of this run, and its slot in another one. */
struct past_owner {
	uint64_t hash;
	uint32_t slot;
	uint32_t old_slot; /* PEP_SLOT_NONE */
	uint64_t from; /* of the newest version of that */
};

struct past_run {
	uint32_t number;
	int map[MAPS]; /* borrowed of the keep; -1: not kept, or of another layout */
	uint32_t words[MAPS]; /* of a record, which can be shorter or longer than today's */
	struct pep_run *header;
	uint32_t *slot; /* of this run by slots of that one; PEP_SLOT_NONE */
	size_t slots;
};

struct datapath_past {
	struct past_run *run; /* by number */
	size_t count;
	struct past_owner *owner; /* by hash, once slots are given */
	size_t owners;
};

#define PAST_WORDS(type) (sizeof(type) / sizeof(uint64_t))

/** Finds it in datapath->keep; generations go on above theirs. Returns 0 or -errno. */
int datapath_past_open(struct datapath *datapath);

/** The map of fragments under way, or -1. */
int datapath_past_fragments(const struct datapath *datapath);

/** Forgets it; all stays kept. Tolerates that there is none. */
void datapath_past_close(struct datapath *datapath);

/* ---- for the files of this one */

/** Maps @bytes of a map of a run. 0, -ENOENT when it is not kept, or -errno. */
int past_map_memory(const struct past_run *run, enum datapath_map_index map, size_t bytes,
		    void *ret);

/** Copies @count records of a plain array, of @words each; for free(). 0 or -errno. */
int past_copy(const struct past_run *run, enum datapath_map_index map, size_t count, size_t words,
	      void *ret);

/** Opens a reader of an outer map, for records of @words. Returns 0 or -errno. */
int past_read(const struct past_run *run, enum datapath_map_index map, uint32_t words,
	      struct datapath_reader **ret);

/** Whether all maps of a run are there: no death in between, no other layout. */
bool past_is_whole(const struct past_run *run);

/** Lists the policies in force and their slots. Returns 0 or -ENOMEM. */
int past_list_owners(const struct datapath *datapath);

/** Fills in a run's slots, and the debts of its limits become those of this one's. 0 or -errno. */
int past_inherit_slots(struct datapath *datapath, struct past_run *run);

/** Adds what a run counted to this one's baselines, which exist. Returns 0 or -errno. */
int past_pour(struct datapath *datapath, const struct past_run *run);

#endif
