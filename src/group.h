/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What several changes come to together: each is planned on what the ones
 * before it left, and all of it becomes one state.  A change adds its edits when
 * it is known to be allowed, so that one that is refused leaves nothing.
 */
#ifndef GROUP_H
#define GROUP_H

#include <stddef.h>

#include "policy.h"

struct address_sets;
struct audit_diff;
struct daemon;
struct policyset;
struct problems;
struct settings;

struct group_edit {
	const char *id; /* of the policy, or of one in the base */
	struct policy *policy; /* NULL: it is removed */
};

struct group {
	const struct settings *settings; /* borrowed */
	struct policyset *base; /* what is in force */
	struct address_sets *sets; /* as they are to be */
	struct group_edit *edit; /* ascending */
	size_t edits, room;
	struct audit_diff *diff; /* takes note of edits from here on; NULL: nothing does */
	size_t of_origin[ORIGINS]; /* policies, as they are to be */
	struct policyset *set; /* as it is to be; NULL: group_make_set() was not called */
};

/** Begins with what is in force. In the loop. */
void group_begin(const struct daemon *daemon, struct group *ret);

/** Drops all it holds. */
void group_clear(struct group *group);

/** The policy of that id as it is to be, or NULL. */
struct policy *group_find(const struct group *group, const char *id);

/** How many policies there are to be. */
size_t group_count(const struct group *group);

/**
 * Puts policies in and takes others out; the ids of @remove are the base's or those of policies in
 * the group. Quick if both are sorted by id. Returns 0, or -ENOMEM with nothing done.
 */
int group_edit(struct group *group, const char *const *remove, size_t remove_count,
	       struct policy *const *put, size_t put_count);

/** Makes another set the group's, instead of edits. Takes a reference. */
void group_replace(struct group *group, struct policyset *set);
/** The same for the sets of addresses. */
void group_replace_sets(struct group *group, struct address_sets *sets);

/** Makes group->set. Returns 0 or -ENOMEM. */
int group_make_set(struct group *group);

/* The edits as lists: what a journal has. Free both. */
struct group_lists {
	const char **remove;
	size_t remove_count;
	struct policy **put; /* borrowed */
	size_t put_count;
};

/** Returns 0 or -ENOMEM. */
int group_list(const struct group *group, struct group_lists *ret);
/** Frees the lists. */
void group_lists_clear(struct group_lists *lists);

#endif
