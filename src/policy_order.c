// SPDX-License-Identifier: Apache-2.0
#include "policy_order.h"

#include <string.h>

#include "address.h"
#include "cleanup.h"
#include "number.h"

static const uint8_t action_order[] = {
	[PEP_ACTION_BLOCK] = 0,	   [PEP_ACTION_REJECT] = 0, [PEP_ACTION_RATE_LIMIT] = 1,
	[PEP_ACTION_LOG_ONLY] = 2, [PEP_ACTION_ALLOW] = 3,
};

struct policy_order policy_order(const struct policy *policy, enum pep_family family)
{
	return (struct policy_order){
		.priority = policy->priority,
		.src_bits = (int16_t)address_list_shortest(&policy->src, family),
		.dst_bits = (int16_t)address_list_shortest(&policy->dst, family),
		.src_span = number_list_span(&policy->sport),
		.dst_span = number_list_span(&policy->dport),
		.any_protocol = policy->protocol == POLICY_PROTOCOL_ANY,
		.action = action_order[policy->action],
		.id = policy->id,
	};
}

/* The sign of a - b. */
static int ascending(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

int policy_order_compare(const struct policy_order *a, const struct policy_order *b)
{
	const int steps[] = {
		ascending(a->priority, b->priority),
		/* The longer prefix first. */
		b->src_bits - a->src_bits,
		b->dst_bits - a->dst_bits,
		ascending(a->src_span, b->src_span),
		ascending(a->dst_span, b->dst_span),
		ascending(a->any_protocol, b->any_protocol),
		ascending(a->action, b->action),
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i])
			return steps[i];
	return strcmp(a->id, b->id);
}
