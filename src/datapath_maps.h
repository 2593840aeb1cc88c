/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The maps behind the datapath, and the memory of them that the daemon sees.
 * Shared by the datapath_*.c files only.
 */
#ifndef DATAPATH_MAPS_H
#define DATAPATH_MAPS_H

#include "datapath_chunks.h"
#include "datapath_kernel.h"

/** Creates all maps and maps what the daemon reads. Returns 0 or -errno. */
int datapath_maps_create(struct datapath *datapath, char **ret_detail);

/** Unmaps and closes everything. */
void datapath_maps_close(struct datapath *datapath);

/* An outer map of images that is to take the place of images_a or images_b. */
struct image_maps {
	int map; /* MAP_IMAGES_A or MAP_IMAGES_B; -1: none */
	int fd;
	uint32_t bytes; /* of an image */
};

/** Makes an outer map for images of @bytes that nobody uses yet. Returns 0 or -errno. */
int datapath_maps_make_images(enum datapath_map_index map, uint32_t bytes, struct image_maps *ret);

/** Takes it as the datapath's own, once no program in force uses the one before. */
void datapath_maps_take_images(struct datapath *datapath, struct image_maps *maps);

/** Names of the maps, by enum datapath_map_index. */
const char *datapath_map_name(enum datapath_map_index index);

/* ---- datapath_load.c */

/**
 * Loads every program that is loaded once more, for other maps of images; those that are loaded
 * stay. Returns 0 or -errno.
 */
int datapath_load_again(struct datapath *datapath, const struct image_maps *maps,
			int ret[PROGRAMS]);

/**
 * Makes these the datapath's programs and maps of images, and hands them out
 * (datapath_on_replace()). Returns 0 or -errno.
 */
int datapath_exchange_programs(struct datapath *datapath, struct image_maps *maps,
			       int program[PROGRAMS]);

#endif
