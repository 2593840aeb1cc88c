/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiled classifier: a position-independent block of memory, made of
 * rules alone (see pep.h for its layout and image.c for how it is cut).
 */
#ifndef IMAGE_H
#define IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "pep.h"

struct rules;

struct image {
	struct pep_image *data;
	size_t bytes;
	uint32_t worst_compares; /* most rules that one lookup can compare */
	uint32_t depth;
};

/**
 * Compiles @rules. The same rules and @flags (PEP_IMAGE_) give the same bytes.
 * Returns 0, -ENOMEM, -EFBIG when it does not fit in an image, or when a
 * lookup could run into one of the programs' bounds.
 */
int image_build(const struct rules *rules, uint32_t flags, struct image *ret);

/** 0 if @data of @bytes is whole and of this ABI, else -EBADMSG. */
int image_verify(const struct pep_image *data, size_t bytes);

/** Frees the memory. */
void image_clear(struct image *image);

#endif
