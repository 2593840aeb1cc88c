/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of attaching: links that outlive the process.
 */
#ifndef ATTACH_KEPT_H
#define ATTACH_KEPT_H

#include <stdint.h>

#include "attach_entry.h"

struct keep;

/** Fills in empty anchors of an entry with links that an earlier process left there. */
void attach_kept_take(struct attach_entry *entry);

/** The present program takes the old one's place in an anchor, and it is kept on. 0 or -errno. */
int attach_kept_renew(struct attach_entry *entry, struct anchor *anchor);

/** Has an anchor's link kept, if it is one. That it cannot be is told in the log. */
void attach_kept_put(const struct attach_entry *entry, const struct anchor *anchor);

/** Has it kept no longer. */
void attach_kept_drop(const struct attach_entry *entry, const struct anchor *anchor);

typedef const struct attach_entry *(*attach_kept_find)(const void *context, uint32_t ifindex);

/** Detaches and drops all links that no entry has. */
void attach_kept_sweep(struct keep *keep, attach_kept_find find, const void *context);

/** Loads the programs that found links will need. Returns 0 or -errno, as datapath_program(). */
int attach_kept_load(const struct keep *keep, struct datapath *datapath, char **ret_detail);

#endif
