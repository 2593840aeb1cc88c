/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the rules of a policy are in an image, so that they can be taken out of
 * a copy of it without compiling anything.
 */
#ifndef IMAGE_RECORDS_H
#define IMAGE_RECORDS_H

#include <stddef.h>
#include <stdint.h>

struct image;

struct image_record {
	uint32_t slot;
	uint32_t offset; /* of the struct pep_rule */
};

struct image_records {
	struct image_record *record; /* by slot */
	size_t count;
};

/** Finds all rules of an image. The caller clears @ret. Returns 0 or -ENOMEM. */
int image_records_make(const struct image *image, struct image_records *ret);

/** In @copy, which begins with the image, no rule of @slot matches any packet any more; its
 * checksum is not mended. */
void image_records_hide(const struct image_records *records, uint32_t slot, struct image *copy);

/** Frees the list. */
void image_records_clear(struct image_records *records);

#endif
