/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reading a set from text and from JSON have in common. Used by
 * address_set_text.c and address_set_json.c alone.
 */
#ifndef ADDRESS_SET_READER_H
#define ADDRESS_SET_READER_H

#include "address_set.h"
#include "address_set_text.h"

/* A set on its way from a text. */
struct address_set_reader {
	const struct address_set_source *source;
	struct problems *problems;
	size_t errors; /* that there were before */
	struct address_draft draft;
	const char *array; /* pointer of the JSON array; NULL: lines */
	size_t at; /* number of the line, or index in the array */
	size_t refused, expired;
};

/** Frees the draft. */
void address_reader_clear(struct address_set_reader *reader);

/**
 * Notes what is wrong at the line or element being read; after many only counts.
 * Returns -EINVAL.
 */
int address_reader_refuse(struct address_set_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** When a time to live ends; 0 seconds is no number. Returns 0 or -EINVAL (noted). */
int address_reader_ttl(struct address_set_reader *reader, uint64_t seconds, int64_t *ret);

/** Adds an entry. Returns 0, -EINVAL (noted) or -ENOMEM. */
int address_reader_add(struct address_set_reader *reader, const char *text, int64_t expires_at);

/** Makes the set if nothing was refused. Errors as address_set_parse_text(). */
int address_reader_finish(struct address_set_reader *reader, struct address_set **ret);

#endif
