/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would become of a packet and why: a dry run of the program that would
 * see it, told as JSON.
 */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include "attach.h"
#include "probe.h"

struct datapath_change;
struct json_object;
struct problems;

/* Where a packet is. */
struct explain_place {
	char name[PROBE_INTERFACE_BYTES]; /* "": nothing is attached anywhere */
	const char *mode;
	uint32_t ifindex;
	bool l3;
	bool seen; /* by a program that is attached */
	enum datapath_program program; /* what is to be run; PROGRAMS: there is none */
};

struct explain_question {
	struct probe_packet probe;
	struct explain_place place;
};

struct explain_questions {
	struct explain_question *question;
	size_t count;
};

/**
 * Reads an array of packets and finds where they are: the interface that each
 * names, or the only one if it names none. In the loop. Free with
 * explain_questions_clear(), also on failure. Returns 0, -EINVAL (noted, below
 * "/packets"), -ENOMEM.
 */
int explain_read(const struct attachments *attachments, struct json_object *packets,
		 struct explain_questions *ret, struct problems *problems);
/** Frees them. */
void explain_questions_clear(struct explain_questions *questions);

/** Looks at the state in force, or at that of @change. */
struct explain_state {
	struct datapath *datapath;
	const struct datapath_change *change; /* NULL: in force */
	bool egress; /* of a change: whether it is attached for what interfaces send */
};

/**
 * Runs them dry. The caller owns *ret, an array in the same order. In the loop,
 * or for a change where it was prepared. Returns 0, -ENOMEM, or -errno of a run.
 */
int explain(const struct explain_state *state, const struct explain_questions *questions,
	    struct json_object **ret);

#endif
