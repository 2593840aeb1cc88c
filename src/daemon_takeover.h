/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From one process to the next: what a start does besides attaching, before and
 * behind it.
 */
#ifndef DAEMON_TAKEOVER_H
#define DAEMON_TAKEOVER_H

#include <stdbool.h>

struct daemon;

/** Before attaching: debts of limits are taken over, and what is counted will outlive this process. */
void daemon_hand_over(const struct daemon *daemon);

/** Behind it: counters go on where they ended, and it is told what was taken over. */
void daemon_inherit(const struct daemon *daemon);

/** Stores counters at a stop. */
void daemon_save_counters(const struct daemon *daemon);

/** Reads them, if nothing is taken over, before daemon_hand_over(). */
void daemon_load_counters(const struct daemon *daemon);

/**
 * Whether what is attached is to stay at a stop. What is in the service manager's store does: it
 * goes when the service is stopped, and not when it is restarted.
 */
bool daemon_stays(const struct daemon *daemon);

#endif
