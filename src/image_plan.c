// SPDX-License-Identifier: Apache-2.0
/*
 * A rule that leaves an address open would be copied all over a tree that is
 * cut by that address.  So rules are grouped by which addresses they pin down
 * (EffiCuts: Vamanan, Voskuilen, Vijaykumar, 2010).
 *
 * How long a prefix must be to pin an address down depends on the rules, and
 * so does how much memory is worth spending.
 */
#include "image_plan.h"

#include <string.h>

#include "rules.h"

const uint8_t plan_pinned[PEP_FAMILIES][2] = { { 4, 12 }, { 24, 40 } };
const struct thrift plan_thrifts[2] = { { 2.7, 1, 0.2 }, { 3, 0.8, 0.2 } };
const struct thrift plan_ample = { 6, 0.4, 0.1 };

static unsigned int group_of(const struct plan *plan, const struct rule *rule, unsigned int most)
{
	if (most == 1)
		return 0;
	if (rule->src_bits > plan->pinned)
		return plan->apart && most == GROUPS && rule->dst_bits <= plan->pinned ? 3 : 0;
	return most == 2 || rule->dst_bits > plan->pinned ? 1 : 2;
}

bool plan_groups(const struct plan *plan, const struct rule_list *list, struct groups *groups)
{
	const unsigned int most = list->count > FEW_RULES ? groups->most : 1;
	size_t before[GROUPS];

	memcpy(before, groups->count, sizeof(before));
	memset(groups->count, 0, sizeof(groups->count));
	for (size_t i = 0; i < list->count; i++) {
		unsigned int group = group_of(plan, &list->rule[i], most);

		groups->rule[group][groups->count[group]++] = (uint32_t)i;
	}
	return memcmp(before, groups->count, sizeof(before)) != 0;
}
