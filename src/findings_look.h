/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at a set of policies: what the findings*.c files share.
 */
#ifndef FINDINGS_LOOK_H
#define FINDINGS_LOOK_H

#include "findings.h"

/* In which order a family's policies are evaluated. */
struct look_order {
	size_t *index; /* of the policy at a place */
	size_t *place; /* of a policy */
};

struct look {
	const struct findings_question *question;
	struct findings *findings;
	size_t count, safes;
	struct region *region, *safe;
	bool *judged; /* it counts, and its region is known */
	struct look_order order[PEP_FAMILIES];
	struct span_arena spans; /* of all regions */
	struct spans (*of_set)[PEP_FAMILIES]; /* the same, of named sets */
	const struct region **out; /* room for a search */
	struct span_arena arena; /* the same */
	size_t searches; /* of packets of pairs, so far */
	size_t work; /* spans that may still be looked at */
	bool gave_up; /* something of the policy that is looked at stays unknown */
	size_t found[FINDINGS]; /* how many of each kind */
};

/** Whether nobody wants the answer any more. */
bool look_is_cancelled(const struct look *look);

/** Whether there are as many of a kind as are listed. */
bool look_is_full(const struct look *look, enum finding_kind kind);

/** Notes a finding. Returns 0 or -ENOMEM. */
int look_note(struct look *look, const struct finding *finding);

/** All that can be said of one policy. Returns 0 or -ENOMEM. */
int look_at_policy(struct look *look, size_t index);

/** What can be said of a policy, @later, as @earlier is evaluated before it in some family. Returns
 * 0 or -ENOMEM. */
int look_at_pair(struct look *look, size_t earlier, size_t later);

/**
 * A packet that gets to a policy, and is in @also and @third too (NULL: anything).
 * Returns 1, 0 when there is none, -E2BIG when it is not known.
 */
int look_reach(struct look *look, size_t index, enum pep_family family,
	       const struct region *const also[2], struct region_point *ret);

/** Whether a packet that meets @policy goes no further. */
bool look_is_final(const struct policy *policy);

/** Whether the two do different things with a packet. */
bool look_differ(const struct policy *a, const struct policy *b);

#endif
