/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of a forest's trees.
 */
#ifndef IMAGE_TREES_H
#define IMAGE_TREES_H

#include "pep.h"

extern const struct pep_forest trees_none;

/** How many trees there are. */
unsigned int trees_count(const struct pep_forest *forest);

/** Adds the trees of @more, for which there is room, and brings all into the order in which they are
 * visited. */
void trees_add(struct pep_forest *forest, const struct pep_forest *more);

#endif
