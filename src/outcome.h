/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of why packets passed or were dropped: the rows of PEP_OUTCOMES as data.
 */
#ifndef OUTCOME_H
#define OUTCOME_H

#include <stddef.h>

#include "pep.h"

struct outcome {
	const char *name; /* "POLICY_BLOCK" */
	enum pep_verdict verdict;
	const char *label; /* of metrics and API: "policy" */
	const char *text; /* what it means */
};

/** The row of enum pep_outcome; NULL for a number that has none. */
const struct outcome *outcome_find(unsigned int outcome);

#endif
