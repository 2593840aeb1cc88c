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

struct datapath_change {
	struct policyset *set, *failsafe;
	struct address_sets *sets; /* NULL: none */
	struct slot_plan policies, failsafes;
	uint32_t steps; /* generations that it is worth, >= 1 */
	uint64_t generation; /* 0: it has none yet */
	bool defines; /* it is one of the definition, not a fold */
	uint64_t main, overlay; /* entries, as in the control word */
	int image; /* the map of the main image */
	struct image_maps maps; /* that are to take the place of others */
	int program[PROGRAMS]; /* loaded for these; -1: not */
	uint32_t flags; /* PEP_IMAGE_, of the state */
	struct datapath_base base; /* of the new main image; set NULL: it stays */
	struct policyset *overlaid; /* whose rules are in the overlay; NULL: none */
	struct datapath_figures figures;
	struct timespec began;
	uint64_t defined_before; /* once published: what datapath->defined was */
};

struct image;
struct rules_names;

/** What policies refer to, for rules of the policies with these slots. */
void datapath_change_names(struct datapath *datapath, struct rules_names *ret);

/**
 * Gives the change its generation, unless it has one: to be called before anything is written that
 * says it. From here to the change's end the state in force cannot get another generation.
 */
void datapath_change_stamp(struct datapath *datapath, struct datapath_change *change);

/** As datapath_interface_id(), for a change: until it ends the id is the name's. Any thread. */
int datapath_interface_id_prepared(struct datapath *datapath, const char *name);

/** How long ago, by CLOCK_MONOTONIC. */
uint64_t datapath_since_ns(const struct timespec *began);

/** PEP_IMAGE_ flags of a state's image. */
uint32_t datapath_image_flags(const struct datapath_state *state);

/* ---- datapath_images.c */

/**
 * Ranks and compiles a main image, without touching anything else: may run in a thread of its own.
 * Returns 0, -ENOMEM, -ENOSPC or -EFBIG (noted).
 */
int datapath_compile(struct datapath_base *base, const struct policyset *failsafe,
		     const struct rules_names *names, struct image *ret, struct problems *problems);

/** Puts an image behind the one in force; returns when no program can see what was there. The
 * change gets no overlay. Returns 0, -EFBIG or -errno. */
int datapath_place_image(struct datapath *datapath, const struct image *image,
			 struct datapath_change *change);

/** Empties the entries that are not in force. Returns 0 or -errno. */
int datapath_images_drop(struct datapath *datapath);
/** Whether there are such. */
bool datapath_images_left(const struct datapath *datapath);

/** Compiles and places a main image of all policies. As datapath_prepare(). */
int datapath_change_image(struct datapath *datapath, const struct datapath_state *state,
			  struct datapath_change *change, struct problems *problems);

/* ---- datapath_overlay.c */

/**
 * Compiles an overlay over the main image in force. Returns 0, -ENOMEM, -errno, or -E2BIG when it
 * takes a new main image instead; then nothing was done.
 */
int datapath_change_overlay(struct datapath *datapath, const struct datapath_state *state,
			    struct datapath_change *change);

/** The same over the main image that the change brings, for the policies in force. */
int datapath_change_fold(struct datapath *datapath, const struct image *image,
			 struct datapath_change *change);

/* ---- datapath_prepare.c */

/** Prepares the state in force again, over another main image; takes @base if it succeeds. As
 * datapath_change_fold(). */
int datapath_prepare_base(struct datapath *datapath, struct datapath_base *base,
			  const struct image *image, struct datapath_change **ret);

/** There is no change any more: what had to wait for its end is done. */
void datapath_change_end(struct datapath *datapath);

/* ---- datapath_publish.c */

/** What a change that is published took the place of does not come back: its slots become free. */
void datapath_change_release(struct datapath *datapath, const struct datapath_change *change);

#endif
