/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts of references to what several threads hold.
 */
#ifndef REFERENCES_H
#define REFERENCES_H

#include <stdbool.h>

/** One more, of somebody who holds one already. */
static inline void references_add(unsigned int *references)
{
	__atomic_add_fetch(references, 1, __ATOMIC_RELAXED);
}

/** One less. Returns whether it was the last one. */
static inline bool references_drop(unsigned int *references)
{
	return __atomic_sub_fetch(references, 1, __ATOMIC_ACQ_REL) == 0;
}

#endif
