/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The traces that the programs run over, and the structures they are compared
 * with, made of a bed's headers and rules.
 */
#ifndef TRACE_H
#define TRACE_H

#include "programs.h"

struct bed;

/** Loads the programs, and fills their maps; exits when that fails. */
struct programs *trace_load(struct bed *bed);

#endif
