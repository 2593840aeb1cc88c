/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change that is in force for a time: unless it is confirmed in that, what was
 * before comes back, by the kernel's clock (datapath_pending.h).  There is one
 * at a time.  Until it has ended other changes are refused, and what the daemon
 * does by itself waits.
 *
 * It is stored beside the state, not in it: only its confirmation makes it that.
 */
#ifndef PENDING_H
#define PENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon.h"
#include "group.h"

#define PENDING_SECONDS_MOST 86400
#define PENDING_ID_SIZE 9

struct daemon_next;
struct datapath_change;

struct pending {
	struct daemon *daemon;
	char id[PENDING_ID_SIZE];
	uint32_t seconds; /* that it was given */
	uint64_t deadline_ns; /* CLOCK_MONOTONIC */
	struct change_result result;
	struct group group; /* what it comes to; its base is the set before */
	struct address_sets *sets_before;
	bool stored;
	bool ending; /* it is being taken back */
	bool failed; /* which the daemon could not follow, as the log says */
	struct datapath_change *change; /* NULL: it is not published yet */
	struct event *timer;
};

/** Makes one that is not published. In the loop. Returns 0 or -errno. */
int pending_new(struct daemon *daemon, uint32_t seconds, struct pending **ret);

/**
 * Whether the state before could come back without the daemon: -EINVAL with the reason in
 * @problems when what is attached to would have to change for it.
 */
int pending_check(const struct daemon *daemon, const struct daemon_next *next,
		  struct problems *problems);

/** Makes it durable as pending; its time begins. Any thread. Returns 0, or -EIO (noted). */
int pending_store(struct pending *pending, const struct group *group, struct problems *problems);

/** Publishes it; cannot fail. Takes the group; the rest as daemon_publish(). */
void pending_begin(struct pending *pending, struct group *group, const struct daemon_next *next,
		   struct datapath_change **change);

/** Frees one; of one that was stored and not published the store forgets. Tolerates NULL. */
void pending_free(struct pending **pending);

/** It has gone back in the kernel, and the daemon could not follow. In the loop. */
void pending_try_again(struct pending *pending, int error);

/** Its time does not matter any more. In the loop. */
void pending_stop(struct pending *pending);

/** Frees daemon->pending, which stays as it is in kernel and store. */
void pending_close(struct daemon *daemon);

/** The set that comes back, or NULL when nothing is pending. */
const struct policyset *pending_before(const struct daemon *daemon);

/** Whole seconds that are left, rounded up. */
uint32_t pending_seconds_left(const struct pending *pending);

/** Notes which change is pending and what to do. */
void pending_refuse(const struct daemon *daemon, struct problems *problems);

/* ---- daemon_enforce.c */

/** As daemon_publish(), until @deadline_ns (CLOCK_MONOTONIC), if daemon->pending is not confirmed before. The
 * change stays the caller's. */
void daemon_publish_pending(struct daemon *daemon, const struct daemon_next *next,
			    struct datapath_change *change, uint64_t deadline_ns);
/** Follows what the kernel has taken back already; @next is what was before. */
void daemon_return(struct daemon *daemon, const struct daemon_next *next,
		   struct datapath_change *change);

/* ---- pending_resume.c */

/** Publishes what was pending when an earlier process ended, for the time that is left. */
void pending_resume(struct daemon *daemon);

/* ---- pending_end.c */

typedef void (*pending_ended)(void *context, int error, const struct change_result *result,
			      const struct problems *problems);

/**
 * Has the change @id (NULL: whichever is pending) confirmed, or else taken back. @done (NULL: nobody
 * wants to know) is called in any case: 0; with the reason in the problems -ENOENT there is no such
 * change, -ETIME too late, -EIO it cannot be stored; or -errno. Takes its turn among the changes.
 */
void pending_end(struct daemon *daemon, const char *id, bool confirm, pending_ended done,
		 void *context);

#endif
