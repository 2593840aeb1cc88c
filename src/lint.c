/* SPDX-License-Identifier: Apache-2.0 */
#include "lint.h"

#include "cleanup.h"
#include "overlap.h"
#include "policy.h"
#include "policyset.h"

bool lint_overridden(const struct policy *policy, const struct policyset *failsafe)
{
	CLEANUP(footprint_clear) struct footprint own = { 0 };
	bool found = false;

	if (!policy->enabled ||
	    (policy->action != PEP_ACTION_BLOCK && policy->action != PEP_ACTION_RATE_LIMIT))
		return false;
	if (!policy_is_broad(policy, PEP_IPV4) && !policy_is_broad(policy, PEP_IPV6))
		return false;
	if (footprint_make(policy, &own))
		return false;
	for (size_t i = 0; i < failsafe->count && !found; i++) {
		CLEANUP(footprint_clear) struct footprint other = { 0 };

		if (footprint_make(failsafe->policy[i], &other))
			return false;
		for (int family = 0; family < PEP_FAMILIES; family++)
			found |= policy_is_broad(policy, family) &&
				 footprints_overlap(&own, &other, family);
	}
	return found;
}
