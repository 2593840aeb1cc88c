/* SPDX-License-Identifier: Apache-2.0 */
#include "outcome.h"

static const struct outcome outcomes[] = {
#define ROW(name, verdict, label, text) { #name, verdict, label, text },
	PEP_OUTCOMES(ROW)
#undef ROW
};

const struct outcome *outcome_find(unsigned int outcome)
{
	return outcome < PEP_OUTCOME_COUNT ? &outcomes[outcome] : NULL;
}
