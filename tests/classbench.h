/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ClassBench rule sets, IPv4 or IPv6, as policies, and headers aimed at their
 * rules.  One rule a line, the first has precedence:
 *
 *   @SRC/len DST/len splo : sphi dplo : dphi proto/mask flags/mask
 *
 * TCP flags are left out.
 */
#ifndef CLASSBENCH_H
#define CLASSBENCH_H

#include <stddef.h>

#include "oracle.h"

struct classbench_rule {
	uint32_t src[4], dst[4];
	unsigned int src_bits, dst_bits;
	unsigned int sport_low, sport_high, dport_low, dport_high;
	unsigned int protocol, protocol_mask;
	enum pep_family family;
};

struct classbench {
	struct classbench_rule *rule;
	size_t count, room;
};

/** Reads a file, also one that gzip or xz compressed; exits with the reason when it is none. */
void classbench_read(const char *path, struct classbench *ret);

/** Frees the rules. */
void classbench_clear(struct classbench *file);

/**
 * The rules as a set of policies "r0", "r1", ...: every third is BLOCK, the others are ALLOW. Line
 * numbers become priorities, which several rules share in a file of more than
 * 65,536. The caller puts it.
 */
struct policyset *classbench_policies(const struct classbench *file);

/** A random point of a random rule or, @anywhere, of its ports and protocol with any addresses. */
void classbench_draw(const struct classbench *file, bool anywhere, struct sample *ret);

#endif
