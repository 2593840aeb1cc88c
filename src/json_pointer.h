/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that others made up, made fit for a message: escaped as RFC 6901
 * wants it, and cut between characters where they are long.
 */
#ifndef JSON_POINTER_H
#define JSON_POINTER_H

#include <stddef.h>

/** Appends "/" and @name to the pointer in a buffer of @size; "..." where it does not fit. */
void json_pointer_append(char *pointer, size_t size, const char *name);

/** How many bytes of @text to print (for "%.*s"): @max or a little less. */
int text_cut(const char *text, size_t max);

#endif
