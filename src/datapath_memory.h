/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of maps that come with what uses them: slots, limits, interfaces.
 * Shared by the datapath_*.c files only.
 */
#ifndef DATAPATH_MEMORY_H
#define DATAPATH_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pep.h"

struct policy;

/* One chunk of slots with its counters, mapped. */
struct datapath_chunk {
	struct pep_slot *slots;
	struct pep_matches *counters[PEP_STRIPES_MAX]; /* NULL from where it has no more stripes */
	struct pep_matches *baseline; /* PEP_CHUNK, mapped: what is subtracted; NULL: zeros */
	const struct policy **policy; /* PEP_CHUNK; NULL: none */
	uint32_t *life; /* the number of each one's life, when it was last taken */
	uint8_t *named; /* by how many main images, in force or being compiled */
	bool unsteady; /* some of the slots may become steady */
};

/* Records of limits, mapped, and which of them are free; datapath_limits.c. */
struct datapath_limits {
	struct pep_limits *chunk[PEP_CHUNKS];
	uint32_t next; /* never used so far; 0 is none */
	uint32_t *free;
	size_t free_count, free_room;
};

/* An interface's name and its counters. */
struct datapath_name {
	char name[16];
	struct pep_tally *tally[PEP_STRIPES_MAX]; /* NULL: never attached */
	struct pep_tally *baseline; /* as in datapath_chunk */
	uint64_t prepared; /* the last change whose policies name it */
};

#endif
