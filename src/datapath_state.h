/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the datapath holds: maps and their memory, slots, what is in force.
 * Shared by the datapath_*.c files only.
 */
#ifndef DATAPATH_STATE_H
#define DATAPATH_STATE_H

#include <pthread.h>

#include "datapath.h"
#include "datapath_base.h"
#include "datapath_layers.h"
#include "datapath_memory.h"

/* The maps by name, in the order of the table in datapath_maps.c. */
enum datapath_map_index {
	MAP_CONTROL,
	MAP_INTERFACES,
	MAP_FLOWS,
	MAP_SIGHTINGS,
	MAP_STEADY,
	MAP_TOTALS,
	MAP_EVENT_LIMITS,
	MAP_TRACE,
	MAP_RUN,
	MAP_NAMES,
	MAP_OVERLAYS,
	MAP_IMAGES_A,
	MAP_IMAGES_B,
	MAP_SLOTS,
	MAP_LIMITS,
	MAP_COUNTERS,
	MAP_INTERFACE_COUNTERS,
	MAP_BASELINES,
	MAP_INTERFACE_BASELINES,
	MAP_FRAGMENTS,
	MAP_EVENTS,
	MAPS,
};

/* The policies of a set and their slots. */
struct datapath_slots {
	struct policyset *set;
	uint32_t *slot; /* of set->policy[i] */
};

struct datapath_fold;

/* A slot that no state names from that generation on. */
struct datapath_free_slot {
	uint64_t generation;
	uint32_t slot;
};

struct datapath {
	struct datapath_options options;
	int map[MAPS];
	int program[PROGRAMS];
	uint32_t cpus;
	uint32_t stripes;
	uint32_t image_bytes[2]; /* of a value of images_a and images_b */
	uint32_t image_bytes_least;
	uint8_t image_entries[2]; /* bit per entry that holds an image */
	uint32_t nonce[2];
	uint64_t flow_seed[PEP_KEY_WORDS / 2];

	struct pep_control *control;
	struct pep_interface *interfaces;
	uint64_t *steady; /* PEP_STEADY_WORDS */
	struct pep_totals *totals;
	struct pep_run *run; /* what a later process is to know of this one */
	struct pep_name *kept_name; /* datapath->name[].name for it */
	struct pep_trace *trace;
	pthread_mutex_t trace_lock; /* of dry runs */
	struct datapath_chunk chunk[PEP_CHUNKS];
	struct datapath_limits limits;
	struct datapath_name *name; /* PEP_INTERFACES, by id; 0 is "no interface" */
	size_t names;

	struct datapath_slots policies, failsafe; /* in force */
	struct address_sets *sets; /* in force; NULL: none */
	struct datapath_free_slot *free_slot; /* a ring */
	size_t free_first, free_slots, free_slots_room;
	uint32_t next_slot; /* never used so far, or given up */
	uint32_t lives; /* of slots, so far */

	struct datapath_base base; /* of the main image in force */
	struct datapath_fold *fold; /* datapath_fold.c; NULL: none is under way */
	struct older_layer older;
	struct policyset *overlaid; /* policies whose rules are in the overlay; NULL: none */
	uint32_t flags; /* PEP_IMAGE_, of the state in force */
	unsigned char *overlays; /* PEP_OVERLAY_ENTRIES of PEP_OVERLAY_BYTES */
	uint32_t overlay; /* the entry last used */
	uint64_t overlay_until[PEP_OVERLAY_ENTRIES]; /* first generation that an entry is not in */

	pthread_mutex_t
		lock; /* of names, and of the next three, between a preparing thread and the loop's */
	uint64_t generation;
	bool changing; /* a change has a generation, until it ends */
	bool refresh_due; /* at that end */
	uint64_t changes; /* that have ended */
	struct datapath_change *pending; /* published, and may go back; NULL: none */
	bool cancelled; /* nothing is to be compiled any more */
	uint64_t defined; /* of the last change of the definition: not of a fold or refresh */
	uint64_t settled; /* no packet under way sees an older generation */
	int wait_outer, wait_inner; /* datapath_settle.c */
	struct settler *settler; /* the same; NULL: nobody waits ahead */
	int image; /* the map in force */
	int strange_image; /* a map that programs in force may not know; -1: none */
	struct datapath_figures figures;
	struct keep *keep; /* borrowed; NULL: maps end with the process */
	struct datapath_past *past; /* what earlier processes left; NULL: nothing */
	datapath_replace replace;
	void *replace_context;
};

#endif
