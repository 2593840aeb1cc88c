/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tuple that decides in which order policies are evaluated.  It is made
 * once per policy and family, so that sorting many policies does not walk
 * their lists again and again.
 */
#ifndef POLICY_ORDER_H
#define POLICY_ORDER_H

#include <stdint.h>

#include "policy.h"

struct policy_order {
	uint16_t priority; /* ascending */
	int16_t src_bits, dst_bits; /* of the shortest member; descending */
	uint32_t src_span, dst_span; /* ports; ascending */
	uint8_t any_protocol; /* exact before any */
	uint8_t action; /* 0: BLOCK and REJECT ... */
	const char *id; /* bytewise; the policy's */
};

/** The tuple of @policy; it borrows the id. */
struct policy_order policy_order(const struct policy *policy, enum pep_family family);

/** < 0 when @a comes first; 0 only for equal ids. */
int policy_order_compare(const struct policy_order *a, const struct policy_order *b);

#endif
