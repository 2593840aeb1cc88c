/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the overlay is folded into the main image: when it has grown, and when
 * changes have paused.
 */
#ifndef DAEMON_FOLD_H
#define DAEMON_FOLD_H

struct daemon;
struct daemon_fold;

/** Makes the events. Returns 0, -ENOMEM. */
int daemon_fold_open(struct daemon *daemon, struct daemon_fold **ret);

/** To be called after each change of what is in force. Tolerates NULL. */
void daemon_fold_follow(struct daemon_fold *fold);

/** Tolerates NULL in *fold. */
void daemon_fold_close(struct daemon_fold **fold);

#endif
