/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What counters alone cannot say: when a policy was last hit, and what the
 * last minute brought.  Sampled once a second; of very many policies some
 * each time, so that one is seen every few seconds.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <stddef.h>
#include <stdint.h>

struct daemon;
struct history;

/** Starts sampling on daemon->base. Returns 0 or -errno. */
int history_open(struct daemon *daemon, struct history **ret);

/** When a sample first saw the policy's counter move last: us of CLOCK_REALTIME; 0: never. */
int64_t history_last_hit(const struct history *history, const char *id);

/* One of the rows that `pepctl status` ends with. */
struct history_row {
	char name[129]; /* a policy's id, or the label of a drop reason */
	uint64_t packets; /* in the last 60 s */
};

/** The policies that dropped or matched most in the last minute, at most @max. Returns how many. */
size_t history_top_policies(const struct history *history, struct history_row *rows, size_t max);

/** The same of drop reasons. */
size_t history_top_reasons(const struct history *history, struct history_row *rows, size_t max);

/** Stops sampling and frees. Tolerates NULL. */
void history_close(struct history **history);

#endif
