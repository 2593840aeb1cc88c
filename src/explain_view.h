/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace of a dry run as JSON.
 */
#ifndef EXPLAIN_VIEW_H
#define EXPLAIN_VIEW_H

#include <stdint.h>

#include "pep.h"

struct explain_state;
struct json_object;

/** Adds the verdict, how it came to it, and the packet as it was understood. Returns 0 or -ENOMEM. */
int explain_view_add(const struct explain_state *state, const struct pep_trace *trace,
		     struct json_object *json);

/** Verdict, reason, policy and steps alone; the caller owns it. NULL: out of memory. */
struct json_object *explain_view_chain(const struct explain_state *state,
				       const struct pep_trace *trace);

/** The same members for a packet that no program sees: it passes. Returns 0 or -ENOMEM. */
int explain_view_unseen(struct json_object *json);

/** The same for a frame that the kernel refuses to run. Returns 0 or -ENOMEM. */
int explain_view_unknown(struct json_object *json);

/** The rank of the policy that decided, or would have but for a failsafe policy; 0: none did, or it
 * is not known. */
uint32_t explain_view_rank(const struct pep_trace *trace);

#endif
