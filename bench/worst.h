/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers that a set's trees are slowest for, as far as a search finds them.
 */
#ifndef WORST_H
#define WORST_H

#include <stddef.h>

struct classbench;
struct pep_image;
struct sample;

/**
 * Crosses corners of rules, and the worst headers found so far, a million times; @ret gets those
 * @count for which a lookup in @image visits the most nodes and compares the most rules. Exits
 * without memory.
 */
void worst_search(const struct classbench *file, const struct pep_image *image, size_t count,
		  struct sample *ret);

#endif
