/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots that programs need not read to know that their policy applies: the map
 * "steady".
 */
#ifndef DATAPATH_STEADY_H
#define DATAPATH_STEADY_H

#include <stdint.h>

struct datapath;

/**
 * To be called when nothing has changed for a while, and not while datapath_prepare() runs:
 * lookups become faster that meet policies which changed since the last call, and images that are
 * not in force any more are freed, unless a change is prepared. Waits for a grace period (some
 * 10 ms) if there are any. Returns 0 or -errno, which does no harm.
 */
int datapath_rest(struct datapath *datapath);

/** From here on programs read the slot; for datapath_*.c, before its versions are touched. */
void datapath_unsteady(struct datapath *datapath, uint32_t slot);

#endif
