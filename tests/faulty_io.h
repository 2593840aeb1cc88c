/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls for a store of which one goes wrong, in each of several ways.
 */
#ifndef FAULTY_IO_H
#define FAULTY_IO_H

#include <stdbool.h>

#include "store_io.h"

enum way {
	FAIL_ONCE, /* the call fails and does nothing */
	FAIL_FROM, /* and so do all that follow */
	SHORT, /* a write takes half, all is well then */
	SHORT_FAIL, /* a write takes half, the next one fails */
	KILL_BEFORE, /* the process is killed */
	KILL_HALF, /* in the middle of a write */
	KILL_AFTER,
	POWER_OFF, /* and what was not waited for is lost */
	WAYS
};

struct fault {
	enum way way;
	int error;
	int step; /* that it happens at; 0: never */
	int steps; /* so far */
	bool fail_next_write;
};

/* What goes wrong, and what has been counted. */
extern struct fault fault;

extern const struct store_io faulty;

/** All goes well from here on, and what is in files is on disk. */
void fault_none(void);

#endif
