/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From interfaces that come, go and change to attachments: which are wanted
 * (interfaces_choice.h), and what the policies ask of them.
 */
#ifndef INTERFACES_WATCH_H
#define INTERFACES_WATCH_H

#include <stdint.h>

struct daemon;
struct daemon_next;
struct interfaces_watch;
struct problems;

/**
 * Opens daemon->links on daemon->base. Nothing is attached before
 * interfaces_watch_follow(). Returns 0 or -errno.
 */
int interfaces_watch_open(struct daemon *daemon, struct interfaces_watch **ret);

/**
 * Makes the attachments what daemon->settings and daemon->set ask for. What
 * fails is logged and shown in the list of attachments. Like all below it
 * tolerates NULL, for a start that has not come so far.
 */
void interfaces_watch_follow(struct interfaces_watch *watch);

/** Removes filters that earlier processes left where nothing is wanted now. */
void interfaces_watch_sweep(const struct interfaces_watch *watch);

/** Forgets which attempts failed, so that the next interfaces_watch_follow() tries them again. */
void interfaces_watch_retry(struct interfaces_watch *watch);

/**
 * Asks the kernel whether what is attached is still there, and puts back what
 * somebody took away. Happens by itself every two seconds.
 */
void interfaces_watch_verify(struct interfaces_watch *watch);

/*
 * Around the publishing of a state.  Hooks that the new policies need are
 * there before them, and those that only the old ones needed go after them.
 * With default action BLOCK it is the other way round for egress: a hook that
 * is there while no policy speaks of egress would drop what both states pass.
 */

/** Whether what is attached could serve the next state; -EINVAL with the reason in @problems. */
int interfaces_watch_check(const struct interfaces_watch *watch, const struct daemon_next *next,
			   struct problems *problems);
/** Before the last step. Returns 0 or -errno with the reason in @problems. */
int interfaces_watch_prepare(struct interfaces_watch *watch, const struct daemon_next *next,
			     struct problems *problems);
/** Takes interfaces_watch_prepare() back. */
void interfaces_watch_revert(struct interfaces_watch *watch);
/** The state is published next and nothing can fail any more. */
void interfaces_watch_publishing(struct interfaces_watch *watch, const struct daemon_next *next);

/** Closes daemon->links and frees. Tolerates NULL. */
void interfaces_watch_close(struct interfaces_watch **watch);

#endif
