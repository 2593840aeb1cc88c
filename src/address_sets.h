/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All sets of addresses of a state: immutable, sorted by name, each name once.
 * A change makes a new collection that shares the sets that stay.
 */
#ifndef ADDRESS_SETS_H
#define ADDRESS_SETS_H

#include <stddef.h>
#include <stdint.h>

#include "policy.h"

struct address_set;

struct address_sets {
	unsigned int references;
	struct address_set **set; /* sorted by name, bytewise */
	size_t count;
};

/** An empty collection with one reference, or NULL. */
struct address_sets *address_sets_new(void);

/** Takes another reference and returns @sets. */
struct address_sets *address_sets_get(struct address_sets *sets);
/** Drops a reference; *sets becomes NULL. Tolerates NULL. */
void address_sets_put(struct address_sets **sets);

/** The set of that name, or NULL. The collection keeps it. */
struct address_set *address_sets_find(const struct address_sets *sets, const char *name);

/** Its index, or -1. */
ptrdiff_t address_sets_index(const struct address_sets *sets, const char *name);

/**
 * A collection of what is in @base and in @more (NULL: nothing), taking
 * references of its own; of a name in both, @more's. Returns 0 or -ENOMEM.
 */
int address_sets_merge(const struct address_sets *base, const struct address_sets *more,
		       struct address_sets **ret);

/** A copy of @base with @set put in, or in place of one of its name. Returns 0 or -ENOMEM. */
int address_sets_with(const struct address_sets *base, struct address_set *set,
		      struct address_sets **ret);

/** A copy of @base without the set of that name. Returns 0 or -ENOMEM. */
int address_sets_without(const struct address_sets *base, const char *name,
			 struct address_sets **ret);

/** A copy of those of @origin alone. Returns 0 or -ENOMEM. */
int address_sets_of(const struct address_sets *base, enum origin origin, struct address_sets **ret);

/** When the first entry of any set ends, in CLOCK_REALTIME's microseconds; INT64_MAX: none does. */
int64_t address_sets_next_expiry(const struct address_sets *sets);

/** A copy of @base in which no set has entries that have ended at @now_us. 0 or -ENOMEM. */
int address_sets_without_expired(const struct address_sets *base, int64_t now_us,
				 struct address_sets **ret);

#endif
