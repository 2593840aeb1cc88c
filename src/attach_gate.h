/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gates: what clsact filters call, so that they end when nobody keeps the map
 * in which the program is, and that programs are exchanged in all of them at once.
 */
#ifndef ATTACH_GATE_H
#define ATTACH_GATE_H

#include <stdbool.h>

#include "datapath.h"

struct keep;

struct attach_gate {
	int map; /* -1: not open */
	int program;
};

/* By hook: ingress, egress. */
struct attach_gates {
	struct keep *keep;
	struct attach_gate gate[2];
};

#define ATTACH_GATES_NONE                                                                          \
	{                                                                                          \
		.gate = { { -1, -1 }, { -1, -1 } }                                                 \
	}

/**
 * Puts a program behind the gate of its hook, which is opened and kept when it is not yet. Returns
 * the gate's program, which stays the gates', or -errno.
 */
int attach_gate_put(struct attach_gates *gates, enum datapath_program program, int program_fd);

/** Whether a gate is kept under that name. */
bool attach_gate_is(const char *name);

/** Closes them; they go on for as long as they are kept. */
void attach_gates_close(struct attach_gates *gates);

/** Keeps them no longer: every filter of theirs passes everything. */
void attach_gates_drop(struct attach_gates *gates);

#endif
