/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and values that others made up, made fit for a message: names escaped
 * as RFC 6901 wants it, both cut between characters where they are long.
 */
#ifndef JSON_POINTER_H
#define JSON_POINTER_H

#include <stddef.h>

struct json_object;

#define JSON_SHOWN_MAX 96

/** Appends "/" and @name to the pointer in a buffer of @size; "..." where it does not fit. */
void json_pointer_append(char *pointer, size_t size, const char *name);

/** How many bytes of @text to print (for "%.*s"): @max or a little less. */
int text_cut(const char *text, size_t max);

/** Prints a value into @ret: plainly, and cut where it is long. */
void json_shown(struct json_object *value, char ret[JSON_SHOWN_MAX]);

#endif
