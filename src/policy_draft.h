/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy while it is read: what it points at is in pieces that can grow.
 * When all of it is known it becomes one block.
 */
#ifndef POLICY_DRAFT_H
#define POLICY_DRAFT_H

#include "policy.h"

struct policy_draft {
	struct policy policy; /* its rare is the one here */
	struct policy_rare rare;
	struct label *labels; /* of rare, to be written */
	char **interfaces;
};

/** A policy of which nothing has been said. */
void policy_draft_start(struct policy_draft *draft);

/** Makes a policy of it, which leaves the draft as it is. Returns 0 or -ENOMEM. */
int policy_draft_finish(const struct policy_draft *draft, struct policy **ret);

/** Frees the pieces. */
void policy_draft_clear(struct policy_draft *draft);

#endif
