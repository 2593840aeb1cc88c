/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the process may do, asked before it fails half-way with "not permitted".
 */
#ifndef CAPABILITIES_H
#define CAPABILITIES_H

#include <stddef.h>
#include <stdint.h>

/**
 * Writes the names of the capabilities that are needed and missing to @text,
 * "" when none is. Returns 0 or -errno, with @text empty.
 */
int capabilities_missing(char *text, size_t size);

/** The same of a set of effective capabilities, as /proc/PID/status has it: a bit each. */
void capabilities_missing_from(uint64_t effective, char *text, size_t size);

#endif
