/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each answer that shows a policy says of it; more is looked for by findings.h.
 */
#ifndef LINT_H
#define LINT_H

#include <stdbool.h>

struct policy;
struct policyset;

/* What a policy is warned of that lint_overridden(). */
#define LINT_OVERRIDDEN "overridden-by-failsafe"

/**
 * Whether a failsafe policy lets some packet pass that @policy would drop:
 * only broad ones, see pepctl-policy(5). False too when out of memory.
 */
bool lint_overridden(const struct policy *policy, const struct policyset *failsafe);

#endif
