/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the client writes for people: amounts, times, tables, colours.
 */
#ifndef CLIENT_TEXT_H
#define CLIENT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TEXT_SHORT 48 /* room for what the functions below write */

/** Prints @text with control characters replaced: it may come from anybody. */
void text_print(FILE *out, const char *text);

/** "999 B", "12.3 kB" ...; returns @ret. */
const char *text_bytes(uint64_t bytes, char ret[TEXT_SHORT]);

/** How long ago an RFC 3339 UTC time was: "5s ago"; "-" when @time is "" or malformed. */
const char *text_ago(const char *time, int64_t now_s, char ret[TEXT_SHORT]);

/** Seconds since the epoch of an RFC 3339 UTC time; -1 when it is none. */
int64_t text_time(const char *time);

/** @text as one word of a POSIX shell, quoted where needed. The caller frees it; NULL: no memory. */
char *text_shell_word(const char *text);

enum text_color { COLOR_NONE, COLOR_GOOD, COLOR_BAD, COLOR_CHANGED };

/** The escape sequence that begins @color, or "" unless @wanted; COLOR_NONE ends it. */
const char *text_color(enum text_color color, bool wanted);

/* Columns; a title that begins with '>' is aligned to the right. */
struct text_table {
	const char *const *titles;
	size_t columns;
	char **cell; /* row by row */
	size_t cells, capacity;
	bool out_of_memory;
};

/** Appends a cell. Cleans it as text_print() does. */
void text_table_add(struct text_table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Prints titles and whole rows. Returns 0, or -ENOMEM when a cell could not be kept. */
int text_table_print(const struct text_table *table, FILE *out);

/** Frees the cells. */
void text_table_clear(struct text_table *table);

#endif
