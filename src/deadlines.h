/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ends of policies, the next one first.  A change to a few of a million
 * policies costs what the few cost.
 */
#ifndef DEADLINES_H
#define DEADLINES_H

#include <stddef.h>
#include <stdint.h>

struct deadline;
struct expiry_now;
struct policy;
struct policyset;

/* Of one clock, as a heap: no parent ends after its children. */
struct deadline_heap {
	struct deadline *entry;
	size_t count, room;
};

/* Policies of the API that end; those that are not in the set any more are left out when they
 * come to the top. */
struct deadlines {
	struct deadline_heap real, boot; /* CLOCK_REALTIME, CLOCK_BOOTTIME */
	struct policyset *set; /* that it is about; NULL: none yet */
};

/** Is about @set from here on. Returns 0, or -ENOMEM: it is about none, the next call tries again. */
int deadlines_follow(struct deadlines *deadlines, struct policyset *set);

/** Microseconds until the next policy ends, <= 0 when one has; INT64_MAX: none ends. */
int64_t deadlines_left_us(struct deadlines *deadlines, const struct expiry_now *now);

/** Drops and frees all. */
void deadlines_clear(struct deadlines *deadlines);

#endif
