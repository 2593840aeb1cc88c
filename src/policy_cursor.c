/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_cursor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"

enum {
	IPV6_ONLY,
	PRIORITY,
	SRC_BITS,
	DST_BITS,
	SRC_SPAN,
	DST_SPAN,
	ANY_PROTOCOL,
	ACTION,
	NUMBERS,
};

/* What each of the numbers in front of the id can be. */
static const struct {
	long long min, max;
} limits[NUMBERS] = {
	[IPV6_ONLY] = { 0, 1 },
	[PRIORITY] = { 0, UINT16_MAX },
	[SRC_BITS] = { INT16_MIN, INT16_MAX },
	[DST_BITS] = { INT16_MIN, INT16_MAX },
	[SRC_SPAN] = { 0, UINT32_MAX },
	[DST_SPAN] = { 0, UINT32_MAX },
	[ANY_PROTOCOL] = { 0, 1 },
	[ACTION] = { 0, UINT8_MAX },
};

struct policy_cursor policy_cursor(const struct policy *policy)
{
	bool ipv6_only = !policy_has_family(policy, PEP_IPV4);

	return (struct policy_cursor){
		.ipv6_only = ipv6_only,
		.order = policy_order(policy, ipv6_only ? PEP_IPV6 : PEP_IPV4),
	};
}

void policy_cursor_print(const struct policy_cursor *cursor, char ret[POLICY_CURSOR_SIZE])
{
	const struct policy_order *order = &cursor->order;

	snprintf(ret, POLICY_CURSOR_SIZE, "%d.%d.%d.%d.%u.%u.%d.%d.%s", cursor->ipv6_only,
		 order->priority, order->src_bits, order->dst_bits, order->src_span,
		 order->dst_span, order->any_protocol, order->action, order->id);
}

int policy_cursor_parse(const char *text, struct policy_cursor *ret)
{
	long long number[NUMBERS] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(number); i++) {
		char *end;

		errno = 0;
		number[i] = strtoll(text, &end, 10);
		if (errno || end == text || *end != '.' || number[i] < limits[i].min ||
		    number[i] > limits[i].max)
			return -EINVAL;
		text = end + 1;
	}
	*ret = (struct policy_cursor){
		.ipv6_only = number[IPV6_ONLY],
		.order = {
			.priority = (uint16_t)number[PRIORITY],
			.src_bits = (int16_t)number[SRC_BITS],
			.dst_bits = (int16_t)number[DST_BITS],
			.src_span = (uint32_t)number[SRC_SPAN],
			.dst_span = (uint32_t)number[DST_SPAN],
			.any_protocol = number[ANY_PROTOCOL] != 0,
			.action = (uint8_t)number[ACTION],
			.id = text,
		},
	};
	return *text ? 0 : -EINVAL;
}

int policy_cursor_compare(const struct policy_cursor *a, const struct policy_cursor *b)
{
	if (a->ipv6_only != b->ipv6_only)
		return a->ipv6_only - b->ipv6_only;
	return policy_order_compare(&a->order, &b->order);
}
