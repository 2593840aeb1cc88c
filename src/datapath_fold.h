/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folding: a thread compiles a new main image of what is in force, overlay
 * included, while changes go on; then it takes the old one's place.
 */
#ifndef DATAPATH_FOLD_H
#define DATAPATH_FOLD_H

#include <stdbool.h>

struct datapath;
struct datapath_change;

/** Whether the overlay has grown so far that folding is worth it, and nothing is being folded. */
bool datapath_fold_is_due(const struct datapath *datapath);

/**
 * Starts the thread. @in_haste: the first image will do, and a better one is looked for when it is
 * folded again. Returns 0, -EBUSY when there is one, or -errno.
 */
int datapath_fold_begin(struct datapath *datapath, bool in_haste);

/** Readable when it is time for datapath_fold_prepare(); -1: there is no thread. */
int datapath_fold_fd(const struct datapath *datapath);

/**
 * Prepares what the thread compiled, under the changes that came meanwhile; waits for it if need
 * be. As datapath_prepare(), with whose changes it takes turns; datapath_fold_drop() is to follow
 * in any case. Returns 0, -ENOENT when there is no thread, -ESTALE when too much has changed
 * meanwhile, or -errno.
 */
int datapath_fold_prepare(struct datapath *datapath, struct datapath_change **ret);

/** Ends the thread early: datapath_fold_prepare() is -ESTALE then. Where changes are prepared. */
void datapath_fold_cancel(struct datapath *datapath);

/** Waits for the thread, and forgets what it compiled. */
void datapath_fold_drop(struct datapath *datapath);

#endif
