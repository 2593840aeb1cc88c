/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard: a change that would cut what keeps the machine within reach is
 * refused before it is published.
 */
#ifndef GUARD_H
#define GUARD_H

struct daemon;
struct daemon_next;
struct datapath_change;
struct lifelines;
struct problems;

#define GUARD_STATELESS "default-block-is-stateless"

/**
 * Runs packets of each lifeline dry, in the state in force and in the one that is prepared. In the
 * loop. Returns 0, or -EHOSTUNREACH with what would be cut, and the policy that
 * does it, in @problems; or -errno.
 */
int guard_check(const struct daemon *daemon, const struct daemon_next *next,
		const struct datapath_change *change, const struct lifelines *lifelines,
		struct problems *problems);

#endif
