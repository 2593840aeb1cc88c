/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranks: the evaluation order as numbers that rules carry.  Those of the main
 * image leave gaps, in which an overlay's policies find theirs.
 */
#ifndef RANKING_H
#define RANKING_H

#include <stddef.h>
#include <stdint.h>

#include "pep.h"

struct policy;
struct policyset;

/* The policies of a set that can match in a family, in evaluation order, each with its rank. */
struct ranking {
	uint32_t *index; /* into set->policy */
	uint32_t *rank; /* ascending, none 0 */
	size_t count;
};

/** Ranks all policies of a set, as far apart as it goes. Returns 0 or -ENOMEM. */
int ranking_make(const struct policyset *set, enum pep_family family, struct ranking *ret);

/* Where policies are that others shall be ranked between. */
struct ranked {
	/** The policy at a position of @ranking, as it is to be compared. */
	const struct policy *(*policy)(void *context, size_t position);
	void *context;
	const struct ranking *ranking;
	enum pep_family family;
};

#define RANKED_MOST 2

/**
 * Ranks the policies of @set between those of @count (1 to RANKED_MOST) @others of one family, as
 * if all were one set. Returns 0, -ENOMEM, or -ERANGE when a gap is too small.
 */
int ranking_between(const struct policyset *set, const struct ranked *others, size_t count,
		    struct ranking *ret);

/** Frees the lists. */
void ranking_clear(struct ranking *ranking);

#endif
