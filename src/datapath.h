/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel side: programs, maps, and how a new state is published (the order
 * of steps is in docs/architecture/components.md).  Attaching is attach.h.
 */
#ifndef DATAPATH_H
#define DATAPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pep.h"

struct address_sets;
struct datapath;
struct datapath_change;
struct image;
struct keep;
struct policyset;

enum datapath_program {
	PROGRAM_XDP_FRAGS,
	PROGRAM_XDP,
	PROGRAM_TC_INGRESS,
	PROGRAM_TC_EGRESS,
	PROGRAMS
};

struct datapath_options {
	struct keep *keep; /* what earlier processes left, and where maps outlive this one; NULL */
	uint32_t flow_cache_entries; /* per CPU, a power of two */
	uint32_t debug_delay_ns; /* between reading the control word and the lookup; tests only */
	uint32_t image_bytes; /* larger images need other programs; 0: as much as many need */
	uint32_t layer_policies; /* of an overlay that is kept for those that follow; 0: 256 */
	bool best_image; /* look for the best main image at once, not when it is folded */
	bool settle_ahead; /* a thread waits for old packets to end, before the next change does */
};

/**
 * Creates the maps and loads nothing yet; nothing is enforced. @ret_detail gets
 * a sentence for the operator on failure (caller frees). Returns 0 or -errno:
 * -EPERM without the capabilities, -EOPNOTSUPP when the kernel lacks something.
 */
int datapath_open(const struct datapath_options *options, struct datapath **ret, char **ret_detail);

/** Closes everything; links live on while others hold them. */
void datapath_free(struct datapath **datapath);

/**
 * The fd of a program, loaded when first asked for; it stays the datapath's.
 * @ret_detail as datapath_open(). Returns the fd or -errno.
 */
int datapath_program(struct datapath *datapath, enum datapath_program program, char **ret_detail);

/** Called by datapath_promote() when the attachments must replace their programs; one at a time. */
typedef int (*datapath_replace)(void *context, struct datapath *datapath);
void datapath_on_replace(struct datapath *datapath, datapath_replace replace, void *context);

/* What becomes current in one step. */
struct datapath_state {
	const struct policyset *set;
	const struct policyset *failsafe;
	const struct address_sets *sets; /* that the policies name; NULL: none */
	uint32_t flags; /* PEP_IMAGE_ */
	size_t max_rules;
	uint32_t steps; /* how many changes it stands for: its generation moves so far; 0: 1 */
	bool whole; /* compile a main image, even where an overlay would do */
};

struct problems;
/**
 * Does all of a change that takes time: slots, rules, image, maps. The state in force is
 * untouched. May run in another thread than the rest, one change at a time (datapath_prepare.c
 * says what that may do meanwhile). Finish with datapath_promote() and datapath_commit(), or
 * datapath_abandon(). Returns 0 or -errno; -ENOSPC and -EFBIG with a reason, -EBUSY while pending.
 */
int datapath_prepare(struct datapath *datapath, const struct datapath_state *state,
		     struct datapath_change **ret, struct problems *problems);

/**
 * The last that can fail: programs that know the change's image take the place of others, when it
 * needs a larger map. Returns 0 or -errno; the change is to be abandoned then.
 */
int datapath_promote(struct datapath *datapath, struct datapath_change *change);

/** Publishes; cannot fail. What was in force is the change's then, until datapath_dispose(). */
void datapath_publish(struct datapath *datapath, struct datapath_change *change);
/** Frees a change that was published; of a large one it takes long. Any thread. */
void datapath_dispose(struct datapath_change **change);
/** Both. Returns the generation in force. */
uint64_t datapath_commit(struct datapath *datapath, struct datapath_change **change);
/** Takes datapath_prepare() back. Tolerates NULL in *change. */
void datapath_abandon(struct datapath *datapath, struct datapath_change **change);

/** Ends what is being compiled, and all later compiling, with -ECANCELED: for a stop. */
void datapath_cancel(struct datapath *datapath);
const bool *datapath_cancelled(const struct datapath *datapath); /* read it atomically */

/** Publishes the state in force again under a new generation: flow caches forget. */
void datapath_refresh(struct datapath *datapath);

/* Figures of what is in force. */
struct datapath_figures {
	uint64_t generation; /* of the last datapath_commit() */
	size_t rules;
	size_t overlay_policies; /* that the main image does not have, or has otherwise */
	size_t dead_policies; /* that the main image has, and nobody any more */
	size_t image_bytes; /* of main image and overlay */
	size_t image_capacity;
	uint32_t worst_compares; /* rules a packet is compared with at most, also as policies end */
	uint32_t worst_live; /* the same while all that are in force stay so */
	bool improvable; /* folding would find a better main image */
	uint64_t publish_ns; /* the last one took */
	uint64_t build_ns;
};
/** Fills in the figures of the state in force. */
void datapath_figures(const struct datapath *datapath, struct datapath_figures *ret);

#endif
