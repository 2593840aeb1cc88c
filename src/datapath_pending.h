/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change that takes itself back: it is in force, and at its deadline what was
 * before is in force again, by the programs alone, unless it is confirmed.
 * Between the two ends everything that the state before needs stays as it is.
 */
#ifndef DATAPATH_PENDING_H
#define DATAPATH_PENDING_H

#include <stdint.h>

struct datapath;
struct datapath_change;

/**
 * As datapath_publish(), until @deadline_ns of CLOCK_MONOTONIC. Something must be in force. Until
 * datapath_confirm() or datapath_return() nothing else can be prepared (-EBUSY).
 */
void datapath_publish_pending(struct datapath *datapath, struct datapath_change *change,
			      uint64_t deadline_ns);

/**
 * Makes it stay; then datapath_dispose() is to follow. Returns 0, or -ETIME when it is too late:
 * what was before is in force, and to be followed.
 */
int datapath_confirm(struct datapath *datapath, struct datapath_change *change);

/**
 * What was before is in force for every packet when it returns 0, under a new generation. Any
 * thread. Returns 0, or -errno; it is in force for new packets all the same, and this is to be
 * called again.
 */
int datapath_withdraw(struct datapath *datapath, struct datapath_change *change);

/** Behind that, in the loop: what the daemon knows of what is in force follows. Then
 * datapath_dispose(). */
void datapath_return(struct datapath *datapath, struct datapath_change *change);

#endif
