/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of policies, what was found in it, and the oracle that knows better.
 */
#ifndef FINDINGS_BED_H
#define FINDINGS_BED_H

#include "findings.h"
#include "oracle.h"

#define BED_NOW_US 1700000000000000
#define BED_POLICIES_MOST 30

struct findings_bed {
	struct policyset *set, *failsafe, *none; /* the last is empty */
	struct findings findings;
	char *text, *safe_text; /* of random ones */
};

extern struct findings_bed bed;

/** Makes a random set and looks at it. */
void bed_draw(void);
/** The same of JSON, in which apostrophes are quotes, with one failsafe policy. */
void bed_parse(const char *text);
/** Frees all. */
void bed_clear(void);

/** A packet as the oracle takes it. */
struct sample bed_sample(const struct region_point *point);

/**
 * What becomes of a packet without one of the policies, once those have ended
 * that do before the one at @lasting; FINDING_NONE: with all.
 */
struct oracle_answer bed_ask(size_t without, size_t lasting, const struct policyset *failsafe,
			     const struct sample *s);

/** Whether a packet gets to a policy. */
bool bed_meets(size_t index, const struct sample *s);

/** Fails unless what a finding claims is so with its packet. */
void bed_check(const struct finding *finding);

/** Fails if a packet meets another end without the policy. */
void bed_check_redundant(const struct finding *finding, const struct sample *s);

#endif
