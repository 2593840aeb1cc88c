/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is allowed in a set of policies and looks like a mistake, each with a
 * packet that shows it, as soon as those have ended that end before the ones it
 * is about.
 */
#ifndef FINDINGS_H
#define FINDINGS_H

#include <stddef.h>
#include <stdint.h>

#include "region.h"

struct policy;
struct policyset;

enum finding_kind {
	FINDING_IMPOSSIBLE, /* no packet is like that */
	FINDING_SHADOWED, /* others decide all of its packets before, some in another way */
	FINDING_CONTRADICTORY, /* the same, by one that matches the same packets */
	FINDING_REDUNDANT, /* without it every packet would meet the same end */
	FINDING_PARTLY_SHADOWED, /* another decides some of its packets in another way before */
	FINDING_LIMIT_PASSES, /* a limit before it lets pass what it forbids */
	FINDING_ORDER, /* the file suggests another order than that of evaluation */
	FINDING_OVERRIDDEN, /* a failsafe policy lets pass what it forbids */
	FINDING_BURST, /* its burst holds less than a packet */
	FINDING_INTERFACE, /* it names interfaces, and none of them is attached */
	FINDINGS
};

#define FINDING_NONE SIZE_MAX
#define FINDING_PACKET_BYTES 1500 /* what a burst must hold */

struct finding {
	enum finding_kind kind;
	size_t policy; /* index of the one that is warned of */
	size_t other; /* of the other one, in the failsafe set if it is overridden; or none */
	struct region_point packet; /* there is none of an impossible one */
};

/* What is asked. Borrowed. */
struct findings_question {
	struct policy *const *policy; /* in the order of the file */
	size_t count;
	const struct policyset *failsafe; /* NULL: none */
	const struct address_sets *sets; /* NULL: none is known */
	int64_t now_us; /* CLOCK_REALTIME: what has ended by then does not count */
	const char *const *attached; /* interfaces; NULL: not known */
	size_t attached_count;
	const bool *cancelled; /* set by another thread, atomically, to end it; or NULL */
};

/* The answer. */
struct findings {
	struct finding *finding;
	size_t count, room;
	size_t more
		[FINDINGS]; /* pairs that may be such, and are not looked at, as there are so many */
	size_t unknown; /* policies that could not be judged: too intricate, or of sets not known */
	const char **interface; /* that policies name, for points; the strings are the policies' */
	size_t interfaces;
	struct region_point *reached; /* of each policy a packet that gets to it ... */
	bool *is_reached; /* ... if one is known */
	size_t work, spans; /* how many spans were looked at, and were kept */
};

#define FINDINGS_PAIRS 20 /* of each kind */
#define FINDINGS_POLICIES 1000 /* more are not looked at */
#define FINDINGS_WORK 250000000 /* spans, in all: a second at most */

/** Looks. Free @ret with findings_clear(), also on failure. Returns 0, -ENOMEM or -ECANCELED. */
int findings_make(const struct findings_question *question, struct findings *ret);
/** Frees it. */
void findings_clear(struct findings *findings);

#endif
