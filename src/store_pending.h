/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the state directory says of a change that is pending: its transaction in
 * a file of its own, beside the state.  The file alone never makes it the state:
 * when its time is over, or after a reboot, it means nothing.
 */
#ifndef STORE_PENDING_H
#define STORE_PENDING_H

#include <stddef.h>
#include <stdint.h>

#include "pending.h"

struct address_set;
struct address_sets;
struct policy;
struct problems;
struct store;

struct store_pending {
	char id[PENDING_ID_SIZE];
	uint32_t seconds;
	uint64_t deadline_ns; /* CLOCK_BOOTTIME; as read, 0: of another boot */
	const char **remove;
	size_t remove_count;
	struct policy **put;
	size_t put_count;
	const char *removed_set; /* NULL: none */
	struct address_set *put_set; /* NULL: none */
};

/** Writes the file and waits until it is durable. Returns 0 or -errno. */
int store_put_pending(const struct store *store, const struct store_pending *pending);

/** Reads it back. store_pending_clear() frees what is in *ret. Returns 0, -ENOENT there is none,
 * -EPROTO it is of a newer format, -EBADMSG or another -errno. */
int store_load_pending(const struct store *store, struct store_pending *ret,
		       struct problems *problems);
/** Frees what store_load_pending() gave. */
void store_pending_clear(struct store_pending *pending);

/** Removes it, durably. Returns 0, also if there is none, or -errno. */
int store_drop_pending(const struct store *store);

#endif
