/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interfaces that the configuration wants: what was tried with each, so
 * that it is tried again only when something has changed, and logged once.
 */
#ifndef WATCHED_H
#define WATCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attach.h"
#include "links.h"

struct choice;
struct settings;

struct watched {
	struct link link; /* as of the last attempt */
	struct attach_wanted wanted; /* of the last attempt */
	bool tried;
	int error; /* of the last attempt, -errno */
	uint32_t refused_for; /* ifindex, 0: not refused */
};

struct watched_list {
	struct attachments *attachments; /* borrowed */
	struct watched *watched;
	size_t count;
	char **absent; /* names that the configuration wants and nobody has, as last told */
	size_t absent_count;
};

/** The entry of an interface, made when it is new; valid until the next call. NULL: no memory. */
struct watched *watched_get(struct watched_list *list, const struct link *link);

/** Detaches and drops the entry, if there is one, and says @why in the log. */
void watched_forget(struct watched_list *list, uint32_t ifindex, const char *why);

/** Follows a rename. Returns whether it was one. */
bool watched_follow_name(struct watched_list *list, struct watched *watched, const char *name);

/** Attaches if something has changed since the last attempt. Returns 0 or that one's -errno. */
int watched_attach(struct watched_list *list, struct watched *watched, const struct link *link,
		   const struct attach_wanted *wanted);

/** Lists it as not attached because of choice->refused_for. */
void watched_refuse(struct watched_list *list, struct watched *watched,
		    const struct choice *choice);

/** Whether policies are enforced on it, in one mode or another. */
bool watched_is_attached(const struct watched_list *list, const struct watched *watched);

/** Why the last attempt failed, in the kernel's words if there are some. */
const char *watched_why(const struct watched_list *list, const struct watched *watched);

/** Lists the exact names of the configuration that no interface has. */
void watched_follow_absent(struct watched_list *list, const struct settings *settings);

/** Frees the lists; attachments stay. */
void watched_clear(struct watched_list *list);

#endif
