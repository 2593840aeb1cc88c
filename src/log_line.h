/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of the log as text.  Nothing is allocated: the log must work when
 * memory does not.
 */
#ifndef LOG_LINE_H
#define LOG_LINE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "log.h"

#define LOG_LINE_MAX 8192

/* Text that ends with "..." when it did not fit. Always terminated. */
struct log_line {
	char text[LOG_LINE_MAX];
	size_t size; /* without the terminator */
	bool full;
};

/** Empties a line. */
void log_line_start(struct log_line *line);

/** Appends as printf() does. */
void log_line_add(struct log_line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** Appends as vprintf() does. */
void log_line_vadd(struct log_line *line, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

/** Appends an RFC 3339 time in UTC with microseconds. */
void log_line_add_time(struct log_line *line, const struct timespec *time);

/** Appends @text with control characters written as escapes, so that a line stays one line. */
void log_line_add_escaped(struct log_line *line, const char *text);

/** Appends " KEY=value" for each field, the value in quotes where it would be ambiguous. */
void log_line_add_fields(struct log_line *line, const struct log_field *fields, size_t field_count);

/** Ends the line with a newline, for which there is always room. */
void log_line_end(struct log_line *line);

#endif
