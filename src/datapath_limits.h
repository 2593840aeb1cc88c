/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits: what policies' rates come to, and which slots have room for them.
 * Shared by the datapath_*.c files only.
 */
#ifndef DATAPATH_LIMITS_H
#define DATAPATH_LIMITS_H

#include "datapath_state.h"

struct policy;

/** What a policy's rates come to; zeros where it has none. */
void datapath_limits_make(const struct policy *policy, struct pep_rates *ret);

/** Makes sure that @count more slots can be given limits. Returns 0, -ENOMEM, -ENOSPC or -errno. */
int datapath_limits_reserve(struct datapath *datapath, size_t count);

/** Gives a slot limits, of what was reserved; full buckets. It keeps them until it is cleared. */
void datapath_limits_take(struct datapath *datapath, struct pep_slot *slot);

/** Takes the limits of a slot that nothing names; tolerates one without. */
void datapath_limits_give(struct datapath *datapath, struct pep_slot *slot);

/** A slot's limits; NULL: it has none. */
struct pep_limits *datapath_limits_of(const struct datapath *datapath, const struct pep_slot *slot);

/** Has the buckets hold what is missing in those of @old, an earlier run's limits, by the rates of the
 * versions in force. */
void datapath_limits_inherit(struct pep_limits *limits, unsigned int version,
			     const struct pep_limits *old, unsigned int old_version);

/** Makes what is in the buckets as much of the new rates, those of version @after, as it was of
 * the others. */
void datapath_limits_carry(struct pep_limits *limits, unsigned int after);

#endif
