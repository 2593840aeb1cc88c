/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of policies: immutable once built, sorted by id, each id once.  A
 * change makes a new set that shares the policies that stay.
 */
#ifndef POLICYSET_H
#define POLICYSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"

struct policy_holder;

struct policyset {
	unsigned int references;
	struct policy_holder *holder; /* of the policies; shared with sets it was made of */
	struct policy **policy; /* sorted by id, bytewise */
	size_t count;
	size_t of_origin[ORIGINS];
	size_t expiring; /* policies that end by themselves */
	size_t egress, vlan; /* enabled policies that ask for egress, for tags */
};

/** An empty set with one reference, or NULL. */
struct policyset *policyset_new(void);

/** Takes another reference and returns @set. */
struct policyset *policyset_get(struct policyset *set);
/** Drops a reference; *set becomes NULL. Tolerates NULL. */
void policyset_put(struct policyset **set);

/** The policy of that id, or NULL. The set keeps it. */
struct policy *policyset_find(const struct policyset *set, const char *id);

/** Its index, or -1. */
ptrdiff_t policyset_index(const struct policyset *set, const char *id);

/* What is to be taken out and put in; all of it borrowed. */
struct policyset_edit {
	const char *const *remove; /* ids; absent ones do not matter */
	size_t remove_count;
	struct policy *const *add; /* each in place of one of the same id */
	size_t add_count;
};

/** A copy of @base, changed; takes references of its own. Returns 0 or -ENOMEM. */
int policyset_edit(const struct policyset *base, const struct policyset_edit *edit,
		   struct policyset **ret);

/** A copy of @base with @count policies of @add put in. As policyset_edit(). */
int policyset_add(const struct policyset *base, struct policy *const *add, size_t count,
		  struct policyset **ret);

/** A copy of @base without those of @origin. Returns 0 or -ENOMEM. */
int policyset_without(const struct policyset *base, enum origin origin, struct policyset **ret);

/**
 * Calls @added for each policy that was put into @set, or a set on the way to
 * it, since it was made of @base; some may not be in it any more. Returns false,
 * having called it for some, when that is not known.
 */
bool policyset_each_added(const struct policyset *set, const struct policyset *base,
			  void (*added)(void *context, struct policy *policy), void *context);

/**
 * Indices into set->policy in evaluation order of @family, those that cannot
 * match in it last. The caller frees *ret. Returns 0 or -ENOMEM.
 */
int policyset_order(const struct policyset *set, enum pep_family family, uint32_t **ret);

/** The same of all: those that can match in IPv4 in its order, then the others in that of IPv6. */
int policyset_order_all(const struct policyset *set, uint32_t **ret);

#endif
