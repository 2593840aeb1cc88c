/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of strings that it owns.
 */
#ifndef STRING_LIST_H
#define STRING_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct string_list {
	char **string;
	size_t count;
};

/** Appends a copy of @text. Returns 0 or -ENOMEM. */
int string_list_add(struct string_list *list, const char *text);
/** Whether @text is in the list. */
bool string_list_contains(const struct string_list *list, const char *text);
/** Frees the strings; the list is empty then. */
void string_list_clear(struct string_list *list);

#endif
