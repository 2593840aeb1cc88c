/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings as warnings and as JSON, with what cures them and their packet in
 * the words of pepctl explain.
 */
#ifndef FINDINGS_TEXT_H
#define FINDINGS_TEXT_H

#include "findings.h"

struct json_object;
struct problems;

/** "shadowed", "redundant" ... */
const char *finding_name(enum finding_kind kind);

/**
 * Adds a warning for each, at @prefix and "/N", and one for what is left out.
 * Returns 0 or -ENOMEM.
 */
int findings_warn(const struct findings_question *question, const struct findings *findings,
		  const char *prefix, struct problems *problems);

/**
 * An array of {"kind", "pointer", "policy", "other", "detail", "cure", "words",
 * "packet"}, the packet as POST /explain takes it. The caller owns it; NULL: out
 * of memory.
 */
struct json_object *findings_json(const struct findings_question *question,
				  const struct findings *findings, const char *prefix);

/** The packet as POST /explain takes it. Ownership as above. */
struct json_object *finding_packet_json(const struct findings *findings,
					const struct region_point *packet);

/** The packet in words, "in proto tcp from ..."; the caller frees it. NULL: out of memory. */
char *finding_words(const struct findings *findings, const struct region_point *packet);

#endif
