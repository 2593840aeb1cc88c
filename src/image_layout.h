/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in an image the tables and leaves of a forest lie.  Used by
 * image_forest.c alone.
 */
#ifndef IMAGE_LAYOUT_H
#define IMAGE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "tree.h"

/**
 * Moves what trees have from @start to the buffer's end, all tables in front of
 * all leaves, each within as few cache lines as can be. Shared parts stay shared.
 * Returns 0, -ENOMEM or -EFBIG; then nothing was moved.
 */
int image_layout(struct image_buffer *buffer, size_t start, struct pep_forest *forest, bool ipv6);

#endif
