/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grace periods: what packets that are under way may still see.  Shared by the
 * datapath_*.c files only.
 */
#ifndef DATAPATH_SETTLE_H
#define DATAPATH_SETTLE_H

#include "datapath_maps.h"

/** Makes the map that waits. Returns 0 or -errno. */
int datapath_settle_open(struct datapath *datapath);

/**
 * Returns when every packet under way sees @generation, which must be in force
 * or older, or a newer one. At once where that is known. Returns 0 or -errno.
 */
int datapath_settle(struct datapath *datapath, uint64_t generation);

/** Returns when no packet is under way in any program that has begun before. Returns 0 or -errno. */
int datapath_settle_all(const struct datapath *datapath);

/** Whether that is known without waiting. */
bool datapath_is_settled(const struct datapath *datapath, uint64_t generation);

/** To be called behind an update of an outer map with the generation that was in force before it:
 * it returned when all earlier packets had ended. */
void datapath_note_settled(struct datapath *datapath, uint64_t generation);

/** Starts a thread that waits behind each change, so that the next need not. Returns 0 or -errno. */
int datapath_settle_ahead(struct datapath *datapath);

/** What that does from now on, for the generation in force; without it nothing. */
void datapath_settle_soon(struct datapath *datapath);

/** Ends the thread. Tolerates that there is none. */
void datapath_settle_close(struct datapath *datapath);

/** The generation in force; any thread. */
uint64_t datapath_generation(const struct datapath *datapath);

#endif
