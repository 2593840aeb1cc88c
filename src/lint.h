/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is allowed in a set of policies and still looks like a mistake.
 */
#ifndef LINT_H
#define LINT_H

#include <stdbool.h>
#include <stddef.h>

#include "pep.h"

struct policy;
struct policy_list;
struct policyset;
struct problems;

/* More policies than these are not compared, which is said; pairs beyond are only counted. */
#define LINT_ORDER_POLICIES 4000
#define LINT_ORDER_PAIRS 20

/**
 * Warns of pairs that whoever reads the file from top to bottom would take
 * the wrong way: the later one is evaluated first, some packet matches both,
 * and they decide differently. @list is in the order of the file; the pointers
 * are @prefix and "/N". Returns 0 or -ENOMEM.
 */
int lint_order(const struct policy_list *list, const char *prefix, struct problems *problems);

/* What a policy is warned of that lint_overridden(). */
#define LINT_OVERRIDDEN "overridden-by-failsafe"

/**
 * Whether a failsafe policy lets some packet pass that @policy would drop:
 * only broad ones, see pepctl-policy(5). False too when out of memory.
 */
bool lint_overridden(const struct policy *policy, const struct policyset *failsafe);

#endif
