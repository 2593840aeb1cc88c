/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inner maps: slots, limits and counters come in chunks, counters of
 * interfaces one by one, as they are needed; the daemon sees them as memory.
 * Shared by the datapath_*.c files only.
 */
#ifndef DATAPATH_CHUNKS_H
#define DATAPATH_CHUNKS_H

#include "datapath_state.h"

/** Maps @bytes of a map's memory into *@ret, a pointer. Returns 0 or -errno. */
int datapath_map_memory(int fd, size_t bytes, void *ret);

/** Takes that back. Tolerates NULL. */
void datapath_unmap_memory(void *memory, size_t bytes);

/** Makes @count chunks of slots and their counters exist. Returns 0, -ENOSPC or -errno. */
int datapath_chunks_add(struct datapath *datapath, uint32_t first, uint32_t count);

/** Makes @count chunks of limits exist. As datapath_chunks_add(). */
int datapath_chunks_add_limits(struct datapath *datapath, uint32_t first, uint32_t count);

/** Makes the counters of an interface id exist. Returns 0 or -errno. */
int datapath_chunks_add_tally(struct datapath *datapath, uint32_t id);

/** Makes baselines of all policies' and interfaces' counters exist. Returns 0 or -errno. */
int datapath_chunks_add_baselines(struct datapath *datapath);

/** Goes on with what an interface counted in an earlier run. Returns 0 or -errno. */
int datapath_tally_inherit(struct datapath *datapath, const char *name,
			   const struct pep_tally *tallies);

/** Unmaps all of them. */
void datapath_chunks_close(struct datapath *datapath);

/** How many stripes the counters of a chunk of slots have. */
uint32_t datapath_chunk_stripes(const struct datapath *datapath, uint32_t chunk);

/** A slot of the mapped chunks; the chunk must exist. */
struct pep_slot *datapath_slot_at(const struct datapath *datapath, uint32_t slot);

/** Forgets all counts of a slot that nobody uses. */
void datapath_counters_forget(struct datapath *datapath, uint32_t slot);

#endif
