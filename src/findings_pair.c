// SPDX-License-Identifier: Apache-2.0
/*
 * What can be said of two policies that some packets match both.
 */
#include <errno.h>

#include "findings_look.h"
#include "policy.h"

#define SEARCHES_MOST 20000

/* What the pair could be, or FINDINGS: nothing. */
static enum finding_kind kind_of(struct look *look, size_t earlier, size_t later,
				 enum pep_family family)
{
	const struct policy *first = look->question->policy[earlier];
	const struct policy *second = look->question->policy[later];
	const struct region *a = &look->region[earlier], *b = &look->region[later];

	if (!look_is_final(first) || !look_differ(first, second) ||
	    second->action == PEP_ACTION_LOG_ONLY)
		return FINDINGS;
	if (!look->findings->is_reached[later]) /* that is told already */
		return later < earlier ? FINDING_ORDER : FINDINGS;
	if (first->action == PEP_ACTION_RATE_LIMIT && second->action == PEP_ACTION_BLOCK)
		return FINDING_LIMIT_PASSES;
	if (later < earlier)
		return FINDING_ORDER;
	if (first->action == PEP_ACTION_RATE_LIMIT || second->action == PEP_ACTION_RATE_LIMIT ||
	    region_contains(a, b, family, &look->work) ||
	    region_contains(b, a, family, &look->work))
		return FINDINGS;
	return FINDING_PARTLY_SHADOWED;
}

/* As for as many of a kind as are listed, and work is left for: more are only counted. */
static int look_closer(struct look *look, const struct finding *wanted, enum pep_family family)
{
	struct finding finding = *wanted;
	const struct region *const also[2] = { &look->region[finding.policy] };
	bool many = look_is_full(look, finding.kind) || look->searches >= SEARCHES_MOST;
	int result = -E2BIG;

	if (!many && look->work) {
		look->searches++;
		result = look_reach(look, finding.other, family, also, &finding.packet);
	}
	if (result < 0)
		look->findings->more[finding.kind]++;
	if (result != 1)
		return result < 0;
	if (finding.kind == FINDING_ORDER) { /* what is warned of stands later in the file */
		finding.policy = wanted->other;
		finding.other = wanted->policy;
	}
	return look_note(look, &finding) ? -ENOMEM : 1;
}

int look_at_pair(struct look *look, size_t earlier, size_t later)
{
	struct finding finding = { .policy = later, .other = earlier };
	int result = 0;

	if (!look->judged[earlier] || !look->judged[later])
		return 0;
	for (int family = 0; family < PEP_FAMILIES && !result; family++) {
		if (look->order[family].place[earlier] > look->order[family].place[later])
			continue;
		finding.kind = kind_of(look, earlier, later, family);
		if (finding.kind != FINDINGS &&
		    region_meets(&look->region[earlier], &look->region[later], family, &look->work))
			result = look_closer(look, &finding, family);
	}
	return result < 0 ? result : 0;
}
