/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change between datapath_prepare() and its end, and the two ways to lay it
 * out: a new main image, or a new overlay over the one there is.  Shared by the
 * datapath_*.c files only.
 */
#ifndef DATAPATH_CHANGE_H
#define DATAPATH_CHANGE_H

#include <time.h>

#include "datapath_slots.h"

#define IMAGE_SLACK 64 /* the programs check for room for the largest record */
#define IMAGE_BYTES_MOST (1U << 28)

struct datapath_change {
	struct policyset *set, *failsafe;
	struct slot_plan policies, failsafes;
	uint64_t generation;
	uint64_t word;
	int image; /* the map of the main image */
	struct datapath_base base; /* of the new main image; set NULL: it stays */
	struct datapath_figures figures;
	struct timespec began;
};

struct rules_names;

/** What policies refer to, for rules of the policies with these slots. */
void datapath_change_names(struct datapath *datapath, struct rules_names *ret);

/** PEP_IMAGE_ flags of a state's image. */
uint32_t datapath_image_flags(const struct datapath_state *state);

/** Compiles a main image and puts it behind the one in force. As datapath_prepare(). */
int datapath_change_image(struct datapath *datapath, const struct datapath_state *state,
			  struct datapath_change *change, struct problems *problems);

/**
 * Compiles an overlay. Returns 0, -ENOMEM, -errno, or -E2BIG when it takes a new main image
 * instead; then nothing was done.
 */
int datapath_change_overlay(struct datapath *datapath, const struct datapath_state *state,
			    struct datapath_change *change);

#endif
