/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the sets of addresses of a state come together, and how one is changed.
 */
#ifndef DAEMON_SETS_H
#define DAEMON_SETS_H

#include <stdbool.h>
#include <stddef.h>

struct address_set;
struct address_sets;
struct change_result;
struct daemon;
struct group;
struct policyset;
struct problems;

/**
 * Puts the sets of both origins together. Returns 0, -EINVAL when a name is in
 * both or one of @policies names a set that is in neither, -ENOMEM.
 */
int daemon_merge_sets(const struct address_sets *files, const struct address_sets *api,
		      const struct policyset *policies, struct address_sets **ret,
		      struct problems *problems);

/** Whether the two hold other sets: by identity. NULL: none. */
bool daemon_sets_differ(const struct address_sets *a, const struct address_sets *b);

/**
 * Replaces those of *files that say the same as one of @in_force from a file by
 * that one; the others keep when they were made. Returns 0 or -ENOMEM.
 */
int daemon_keep_known_sets(const struct address_sets *in_force, struct address_sets **files);

/* A wanted change of one of the API's sets. Borrowed, not owned. */
struct set_change {
	const char *name;
	struct address_set *put; /* origin and times are filled in; NULL: delete it */
};

/**
 * Makes it the only change of a group; as change_plan() (change.h). A set in use, or one of another
 * origin, is -EPERM.
 */
int set_change_plan(struct group *group, const struct set_change *change, struct change_result *ret,
		    struct problems *problems);

/** The change of a set of the API's that makes @after of @before; its name is NULL when none differs. */
struct set_change set_change_between(const struct address_sets *before,
				     const struct address_sets *after);

/** Makes the set durable; @before are those that are stored. Any thread. Returns 0, or -EIO (noted). */
int set_change_store(const struct daemon *daemon, const struct set_change *change,
		     const struct address_sets *before, struct problems *problems);
/** Takes that back. */
void set_change_unstore(const struct daemon *daemon, const struct set_change *change,
			const struct address_sets *before);

#endif
