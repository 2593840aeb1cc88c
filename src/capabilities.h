/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the process may do, asked before it fails half-way with "not permitted".
 */
#ifndef CAPABILITIES_H
#define CAPABILITIES_H

#include <stddef.h>

/**
 * Writes the names of the capabilities that are needed and missing to @text,
 * "" when none is. Returns 0 or -errno, with @text empty.
 */
int capabilities_missing(char *text, size_t size);

#endif
