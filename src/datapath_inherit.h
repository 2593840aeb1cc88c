/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a start takes over of earlier processes: counters, debts of limits.
 */
#ifndef DATAPATH_INHERIT_H
#define DATAPATH_INHERIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct datapath;

/* What a start takes over. */
struct datapath_inherited {
	size_t policies; /* whose counters go on */
	uint32_t run; /* the last that counted them; 0: there was none */
};

/**
 * Before the programs of earlier processes are replaced: takes over the debts of limits, and has
 * the maps outlive this process. Returns 0 or -errno: something of this was not possible.
 */
int datapath_hand_over(struct datapath *datapath);

/**
 * After that: goes on counting where they ended, and lets go of what they left. Returns 0 or -errno:
 * what could not be read begins at zero.
 */
int datapath_inherit(struct datapath *datapath, struct datapath_inherited *ret);

/** Whether earlier processes left something to count on with. */
bool datapath_has_past(const struct datapath *datapath);

/** @{ */
/**
 * Go on with what is known otherwise, before datapath_hand_over(): passed packets and bytes and
 * dropped ones; direction, outcome, packets and bytes; the number at an index of the totals. What
 * is not there, or has no memory, is left out.
 */
void datapath_policy_count_on(struct datapath *datapath, const char *id, const uint64_t number[4]);
void datapath_interface_count_on(struct datapath *datapath, const char *name,
				 const uint64_t number[4]);
void datapath_total_count_on(struct datapath *datapath, const uint64_t number[2]);
/** @} */

#endif
