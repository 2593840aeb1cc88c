/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a wanted change of the API's policies comes to.
 */
#ifndef CHANGE_H
#define CHANGE_H

#include <stdbool.h>
#include <stddef.h>

struct change_result;
struct group;
struct policy;
struct problems;
struct settings;

/* A wanted change. Borrowed, not owned; origin and times of the policies that are put are filled in. */
struct change {
	bool replace_all; /* remove all of the API's first; only in a group of its own */
	const char *const *remove;
	size_t remove_count;
	struct policy *const *put;
	size_t put_count;
};

/**
 * Adds it to a group. A change that changes nothing adds nothing. Any thread. Returns 0; with the
 * reason in @problems and the group as it was: -EPERM a policy of another origin, -ENOSPC
 * capacity (with figures), -EAGAIN nothing may be changed now, -ENOMEM.
 */
int change_plan(struct group *group, const struct change *change, struct change_result *ret,
		struct problems *problems);

/** Notes why and returns -EAGAIN while everything is blocked because the files are bad. */
int change_refuse_blocked(const struct settings *settings, struct problems *problems);

#endif
