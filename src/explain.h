/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would become of a packet and why: a dry run of the program that would
 * see it, told as JSON.
 */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include "attach.h"
#include "probe.h"

struct json_object;
struct problems;

/* Where a packet is. Borrows from the attachments. */
struct explain_place {
	const struct attachment *attachment; /* NULL: nothing is attached anywhere */
	enum datapath_program program; /* PROGRAMS: none sees the packet */
};

/**
 * Finds the interface that @probe names, or the only one if it names none.
 * Returns 0, or -EINVAL with those that there are (noted, below @pointer).
 */
int explain_find_place(const struct attachments *attachments, const struct probe *probe,
		       const char *pointer, struct explain_place *ret, struct problems *problems);

/** Runs it dry. The caller owns *ret. Returns 0, -ENOMEM, or -errno of the run. */
int explain(struct datapath *datapath, const struct probe *probe, const struct explain_place *place,
	    struct json_object **ret);

#endif
