/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A named set of addresses: what "@name" in a policy stands for.  Immutable
 * once made and shared by the collections that contain it, so that two sets are
 * the same as long as they are the same pointer.
 *
 * There may be a million entries: they are sorted arrays, one for each family,
 * of 40 bytes an entry.
 */
#ifndef ADDRESS_SET_H
#define ADDRESS_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pep.h"
#include "policy.h"

#define ADDRESS_SET_ENTRIES_MAX 4000000

/* low..high inclusive. Times are microseconds of CLOCK_REALTIME. */
struct address_entry {
	struct address low, high;
	int64_t expires_at; /* 0: never */
};

/* Sorted by low, then high; no low..high is there twice. They may overlap. */
struct address_entries {
	struct address_entry *entry;
	size_t count;
};

struct address_set {
	unsigned int references;
	enum origin origin;
	char *name;
	int64_t created_at, updated_at;
	int64_t next_expiry; /* of the entry that ends first; INT64_MAX: none does */
	uint64_t hash; /* of the entries: other ones, another hash */
	struct address_entries list[PEP_FAMILIES];
};

/* Entries on their way into a set, in any order; clear with address_draft_clear(). */
struct address_draft {
	struct address_entries list[PEP_FAMILIES];
	size_t room[PEP_FAMILIES];
};

/** Adds an address, prefix or range. Returns 0, -ENOMEM, -E2BIG above ADDRESS_SET_ENTRIES_MAX. */
int address_draft_add(struct address_draft *draft, const struct address_range *range,
		      int64_t expires_at);

/** Frees the entries; the draft stays usable and empty. */
void address_draft_clear(struct address_draft *draft);

/**
 * Makes a set of a draft, which is empty afterwards. Of an entry that is there
 * twice the one that ends last stays. Origin and times are the caller's to fill
 * in. Returns 0 or -ENOMEM.
 */
int address_set_make(const char *name, struct address_draft *draft, struct address_set **ret);

/** Takes another reference and returns @set. */
struct address_set *address_set_get(struct address_set *set);
/** Drops a reference; *set becomes NULL. Tolerates NULL. */
void address_set_put(struct address_set **set);

/** How many entries, of both families. */
size_t address_set_count(const struct address_set *set);

/** Whether the two have the same entries, their ends included. */
bool address_set_equal(const struct address_set *a, const struct address_set *b);

/* What address_set_edit() came to, in entries. */
struct address_edit {
	size_t added, changed, removed; /* changed: it ends at another time */
	size_t absent; /* were to be removed and are not there */
};

/**
 * A copy of @base without the entries of @remove and with those of @add, which
 * count where an entry is in both. Returns 0 or -ENOMEM.
 */
int address_set_edit(const struct address_set *base, const struct address_set *remove,
		     const struct address_set *add, struct address_set **ret,
		     struct address_edit *ret_edit);

/** A copy without what has ended at @now_us. Returns 0 or -ENOMEM. */
int address_set_without_expired(const struct address_set *set, int64_t now_us,
				struct address_set **ret);

#endif
