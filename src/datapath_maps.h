/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The maps behind the datapath, and the memory of them that the daemon sees.
 * Shared by the datapath_*.c files only.
 */
#ifndef DATAPATH_MAPS_H
#define DATAPATH_MAPS_H

#include "datapath_state.h"

/** Creates all maps and maps what the daemon reads. Returns 0 or -errno. */
int datapath_maps_create(struct datapath *datapath, char **ret_detail);

/** Unmaps and closes everything. */
void datapath_maps_close(struct datapath *datapath);

/** Makes images_a (0) or images_b (1) hold images of @bytes; neither in force nor in a program yet. */
int datapath_maps_resize_images(struct datapath *datapath, unsigned int which, uint32_t bytes);

/** Makes @count chunks of slots and their counters exist. Returns 0, -ENOSPC or -errno. */
int datapath_maps_add_chunks(struct datapath *datapath, uint32_t first, uint32_t count);

/** Makes the counters of an interface id exist. Returns 0 or -errno. */
int datapath_maps_add_tally(struct datapath *datapath, uint32_t id);

/** Names of the maps, by enum datapath_map_index. */
const char *datapath_map_name(enum datapath_map_index index);

/** A slot of the mapped chunks; the chunk must exist. */
struct pep_slot *datapath_slot_at(const struct datapath *datapath, uint32_t slot);

/** Forgets all counts of a slot that nobody uses. */
void datapath_counters_forget(struct datapath *datapath, uint32_t slot);

/* ---- datapath_load.c */

/** Loads anew every program that is loaded, for other image sizes, and hands them out. */
int datapath_reload_programs(struct datapath *datapath);

/** 0 if the kernel has what programs call, else -EOPNOTSUPP and what it lacks in @ret_detail. */
int datapath_check_kernel(char **ret_detail);

#endif
