/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What snapshot and journal say of each id, one after the other: the last word
 * on it holds.
 */
#ifndef STORE_ENTRIES_H
#define STORE_ENTRIES_H

#include <stddef.h>

struct policy;
struct policyset;
struct store_entry;

struct store_entries {
	struct store_entry *entry;
	size_t count, room;
};

/** The policy is there; takes a reference. Returns 0 or -ENOMEM. */
int store_entries_put(struct store_entries *entries, struct policy *policy);

/** There is none of that id. Returns 0 or -ENOMEM. */
int store_entries_remove(struct store_entries *entries, const char *id);

/** A set of what holds in the end. Returns 0 or -ENOMEM. */
int store_entries_make_set(struct store_entries *entries, struct policyset **ret);

/** Drops and frees all. */
void store_entries_clear(struct store_entries *entries);

#endif
