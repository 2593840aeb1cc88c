/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes on their way to be in force, in the order in which they came:
 *
 *   planned (thread) -> checked (loop) -> compiled, stored (thread) -> published, answered (loop)
 *
 * Those that came while others were under way go together, as one state, one
 * write to the journal and one step of the packets.  If such a group cannot be
 * put in force, its members are tried one by one.  While a group is under way
 * nothing else changes what is in force, and the loop goes on reading it.
 */
#ifndef COMMITS_H
#define COMMITS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon.h"
#include "problem.h"

struct commit;
struct commits;
struct datapath_change;
struct group;

/* What becomes of one that comes while a change is pending. */
enum commit_while_pending {
	COMMIT_IS_REFUSED, /* -EALREADY, the reason in its problems */
	COMMIT_WAITS, /* until that has ended */
	COMMIT_GOES, /* it does not concern what is in force, or ends that change */
};

struct commit_kind {
	/**
	 * In the thread: says in the group what is wanted, and in the result what that comes to.
	 * Called again, from the start, when a group failed. Returns 0 or -errno, the reason in
	 * @commit->problems; the group is as before then.
	 */
	int (*plan)(struct commit *commit, struct group *group);
	/** In the thread: another way to compile than that of a state; NULL: none. */
	int (*prepare)(struct commit *commit, struct datapath_change **ret);
	/** In the thread: makes durable what is not policies of the API; NULL: nothing. */
	int (*store)(struct commit *commit, struct group *group);
	/** In the loop: takes that back. */
	void (*unstore)(struct commit *commit);
	/** In the loop, when all else has succeeded: the last that can fail; NULL: nothing. */
	int (*switch_over)(struct commit *commit);
	/** In the loop, once it is in force or has failed; owns the commit from here on. */
	void (*finish)(struct commit *commit, int error);
	enum commit_while_pending while_pending;
};

/* One change. The owner embeds it; all else is filled in. */
struct commit {
	STAILQ_ENTRY(commit) link;
	const struct commit_kind *kind;
	struct daemon *daemon;
	bool alone; /* never with others */
	bool dry_run; /* checks only; alone, too */
	bool again; /* the state in force is computed anew; alone, too */
	bool guarded; /* refused when it would cut what keeps the machine within reach */
	bool forced; /* a guarded one that is not; alone, too */
	uint32_t confirm_seconds; /* it goes back unless it is confirmed; alone, too; 0: it stays */
	struct change_result result;
	struct problems problems;
	int error; /* of its plan */
};

/** Opens; with @threaded false all is done within commits_add(), in which tests use it. 0 or -errno. */
int commits_open(struct daemon *daemon, bool threaded, struct commits **ret);

/** Adds a commit; its finish() is called in any case, if need be at once. */
void commits_add(struct commits *commits, struct commit *commit);

/** Has something of a large state freed where it delays nobody. Takes it. */
void commits_free_later(struct commits *commits, void (*release)(void *context), void *context);

/** Ends what is under way, and fails what waits with -ECANCELED. Tolerates NULL. */
void commits_close(struct commits **commits);

#endif
