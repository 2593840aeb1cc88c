/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One string of a JSON text: its bounds, whether it is valid, and what it
 * says once escapes are resolved.
 */
#ifndef JSON_STRING_H
#define JSON_STRING_H

#include <stddef.h>
#include <stdint.h>

/** Length of the UTF-8 sequence at @text (@left > 0 bytes), or 0 when it is none. */
size_t utf8_sequence(const char *text, size_t left);

/**
 * Checks the string whose opening quote is at text[*offset]. Returns NULL with
 * *offset behind its closing quote, or what is wrong, with *offset there.
 */
const char *json_string_check(const char *text, size_t size, size_t *offset);

/**
 * The next byte of a checked string, escapes resolved: *offset starts behind
 * the opening quote. @pending keeps the rest of a long one, starts as zeros.
 * Returns the byte, or -1 at the closing quote.
 */
struct json_bytes {
	const char *text;
	size_t offset;
	uint8_t pending[3]; /* of the UTF-8 form of an escape, last byte first */
	unsigned int pending_count;
};
/** See struct json_bytes. */
int json_string_next(struct json_bytes *bytes);

#endif
