/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The group of commits under way, and those that wait.  For commits.c and commit_steps.c.
 */
#ifndef COMMITS_STATE_H
#define COMMITS_STATE_H

#include <stddef.h>

#include "commits.h"
#include "group.h"
#include "lifelines.h"

STAILQ_HEAD(commit_list, commit);

struct commits {
	struct daemon *daemon;
	struct worker *worker; /* NULL: all is done at once */
	struct commit_list waiting;
	struct commit_list later; /* wait until nothing is pending */
	size_t singles; /* so many of these go one by one: a group of them failed */
	bool busy;
	bool closing;

	/* The group under way. */
	struct commit_list members;
	size_t count;
	size_t planned; /* of these; the rest finds the group full */
	uint32_t changes; /* of these, that change something */
	bool stored;
	struct group group;
	struct problems problems; /* of all */
	struct datapath_change *change;
	struct lifelines lifelines; /* for the guard */
	struct pending *pending; /* that it is to be; NULL: it stays */
	int error;
};

/** The first step: in the thread, and in the loop behind it. */
void commits_plan(void *context);
void commits_planned(void *context);

/** Does @work in the thread, then @done in the loop. */
void commits_run(struct commits *commits, void (*work)(void *context), void (*done)(void *context));

/** Ends the group, in force or without a change, and begins the next one. */
void commits_finish(struct commits *commits);

/** The same when it failed: what is wrong with the only one is its own; of several each has
 * another chance. */
void commits_fail(struct commits *commits, int error);

#endif
