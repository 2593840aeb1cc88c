/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What came in the last minute, by slot.  A slot that never counted anything
 * takes no memory, and no time passes over the others: each knows when it was
 * last brought up to date.
 */
#ifndef TRACKS_H
#define TRACKS_H

#include <stdint.h>

/* The last minute is twelve buckets of five seconds: small enough to keep for every policy. */
#define TRACK_BUCKETS 12

struct track {
	uint64_t seen; /* the counter at the last sample */
	uint32_t bucket[TRACK_BUCKETS]; /* packets of each five seconds */
	uint32_t turn; /* number of the five seconds that it is up to date with */
};

/* A track of whoever has a slot. */
struct slot_track {
	struct track track;
	int64_t last_hit_us;
	uint32_t life; /* of the slot: another one is another policy's */
};

struct tracks {
	struct slot_track **chunk; /* NULL: nothing was counted in it */
	uint32_t chunks;
};

/** Adds what came since the last sample, in the five seconds @turn; from zero after a reset.
 * Returns how much that is. */
uint64_t track_follow(struct track *track, uint32_t turn, uint64_t counter);

/** The last minute's, as of the five seconds @turn. */
uint64_t track_sum(const struct track *track, uint32_t turn);

/** The track of a slot; NULL: it has counted nothing in that life of it. */
const struct slot_track *tracks_find(const struct tracks *tracks, uint32_t slot, uint32_t life);

/** The same, made when it is not there; NULL: no memory. */
struct slot_track *tracks_make(struct tracks *tracks, uint32_t slot, uint32_t life);

/** How many slots have a track or might have. */
uint32_t tracks_limit(const struct tracks *tracks);

/** Frees all. */
void tracks_clear(struct tracks *tracks);

#endif
