/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a state becomes the one in force: read from the files, merged with what
 * came by API, enforced.  For the daemon's own files; routes use daemon.h.
 */
#ifndef DAEMON_STATE_H
#define DAEMON_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"

struct address_sets;
struct change_result;
struct daemon;
struct datapath_change;
struct group;
struct policyset;
struct problems;
struct settings;

/* What the administrator's files say. */
struct daemon_files {
	struct settings *settings;
	struct policyset *policies; /* of ORIGIN_FILE */
	struct address_sets *sets; /* of ORIGIN_FILE */
};

/**
 * Reads configuration and policy files; the log level of the command line
 * stays in force. Policies that say the same as one in force are that one. When
 * only the policies are bad, the settings are in @ret all the same. Pointers of
 * @problems begin with the file's name. Errors as settings_load().
 */
int daemon_files_read(const struct daemon *daemon, struct daemon_files *ret,
		      struct problems *problems);
/** Drops settings, policies and sets, those that are there. */
void daemon_files_clear(struct daemon_files *files);

/**
 * Puts the policies of both origins together. Returns 0, -EINVAL when an id is
 * in both or is one of the failsafe's, -ENOSPC over capacity, -ENOMEM.
 */
int daemon_merge(const struct settings *settings, const struct policyset *files,
		 const struct policyset *api, struct policyset **ret, struct problems *problems);

/** Notes an error and returns -ENOSPC when that are more policies than the settings allow. */
int daemon_check_capacity(const struct settings *settings, const size_t of_origin[ORIGINS],
			  struct problems *problems);

/**
 * Counts what makes @after of @before. Policies of @after that say the same
 * as before are the old ones by identity or by policy_equal().
 */
void daemon_count_changes(const struct policyset *before, const struct policyset *after,
			  struct change_result *ret);

/* A state to be enforced. Borrowed. */
struct daemon_next {
	const struct settings *settings;
	struct policyset *set;
	struct address_sets *sets; /* NULL: those in force */
	uint32_t steps; /* how many changes it stands for; 0: 1 */
};

/**
 * Makes a state the one in force, at once: for a start. daemon->set and sets are @next's
 * afterwards. Returns 0, or -errno with the reason in @problems and everything as before.
 */
int daemon_enforce(struct daemon *daemon, const struct daemon_next *next,
		   struct problems *problems);

/**
 * All of it that takes long and can fail in the kernel, in any thread. Says why in @problems.
 * Returns 0 or -errno.
 */
int daemon_prepare(struct daemon *daemon, const struct daemon_next *next,
		   struct datapath_change **ret, struct problems *problems);

/** Publishes what was prepared, and promoted; cannot fail. In the loop. */
void daemon_publish(struct daemon *daemon, const struct daemon_next *next,
		    struct datapath_change **change);

/** Makes the edits of a group durable, in any thread. Returns 0, or -EIO (noted). */
int daemon_store(const struct daemon *daemon, const struct group *group, struct problems *problems);
/** Takes that back. */
void daemon_unstore(const struct daemon *daemon);

/** Has the state in force published once more: deadlines are computed anew. */
void daemon_enforce_again(struct daemon *daemon);

/** Notes that @policies were exchanged: the state directory and the heap are tidied up soon. */
void daemon_settle_later(struct daemon *daemon, size_t policies);

/** PEP_IMAGE_ flags of a state. */
uint32_t daemon_image_flags(const struct settings *settings);

/** Writes every problem to the log, with @what in front. */
void daemon_log_problems(const struct problems *problems, const char *what);

/** Replaces daemon->degraded; a NULL @format clears it. */
void daemon_set_degraded(struct daemon *daemon, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Says in the log and to the service manager why the process is about to end. */
void daemon_give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** The line for the service manager: what is enforced, where, and what is wrong. */
void daemon_status(const struct daemon *daemon, char *text, size_t size);

/** Tells the service manager the line if it is another than before, once ready. */
void daemon_tell_status(struct daemon *daemon);

#endif
