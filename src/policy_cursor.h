/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a page of policies ends: the place of its last policy in the order of
 * evaluation, which stays a place when that policy has gone.
 */
#ifndef POLICY_CURSOR_H
#define POLICY_CURSOR_H

#include <stdbool.h>

#include "policy_order.h"

#define POLICY_CURSOR_SIZE 256

struct policy_cursor {
	bool ipv6_only; /* these are behind all others */
	struct policy_order order;
};

/** The place of @policy; it borrows the id. */
struct policy_cursor policy_cursor(const struct policy *policy);

/** As a text of characters that a URL may hold as they are. */
void policy_cursor_print(const struct policy_cursor *cursor, char ret[POLICY_CURSOR_SIZE]);

/** Reads it again; *ret borrows the id of @text. Returns 0 or -EINVAL. */
int policy_cursor_parse(const char *text, struct policy_cursor *ret);

/** < 0 when @a comes first; 0 only for equal ids. */
int policy_cursor_compare(const struct policy_cursor *a, const struct policy_cursor *b);

#endif
