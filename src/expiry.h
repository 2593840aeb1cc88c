/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of policies.  The datapath stops applying one by itself at its time;
 * here those of the API are deleted afterwards, and deadlines are computed
 * anew when the wall clock was set or the machine slept.
 */
#ifndef EXPIRY_H
#define EXPIRY_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;
struct expiry;
struct policy;

/** Watches clock and deadlines on daemon->base. Returns 0 or -errno. */
int expiry_open(struct daemon *daemon, struct expiry **ret);

/** The set has changed: looks for its next deadline. Tolerates NULL. */
void expiry_follow_set(struct expiry *expiry);

/* One moment on the clocks that deadlines refer to. */
struct expiry_now {
	int64_t real_us; /* CLOCK_REALTIME */
	uint64_t boot_ns; /* CLOCK_BOOTTIME */
};
/** Reads both clocks. */
void expiry_read_clocks(struct expiry_now *ret);

/** Microseconds until @policy ends, <= 0 when it has; INT64_MAX: never. */
int64_t expiry_left_us(const struct policy *policy, const struct expiry_now *now);

/** Stops watching. Tolerates NULL. */
void expiry_close(struct expiry **expiry);

#endif
