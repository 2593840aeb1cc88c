/* SPDX-License-Identifier: Apache-2.0 */
#include "client_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "units.h"

static void clean(char *text);
static size_t width(const char *text);
static void print_row(const struct text_table *table, const char *const *cell, const size_t *widths,
		      FILE *out);

void text_print(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, out);
}

const char *text_bytes(uint64_t bytes, char ret[TEXT_SHORT])
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	double amount = (double)bytes;
	size_t unit = 0;

	if (bytes < 1000) {
		snprintf(ret, TEXT_SHORT, "%" PRIu64 " B", bytes);
		return ret;
	}
	for (amount /= 1000; amount >= 999.95 && unit + 1 < ARRAY_SIZE(units); unit++)
		amount /= 1000;
	snprintf(ret, TEXT_SHORT, "%.1f %s", amount, units[unit]);
	return ret;
}

int64_t text_time(const char *time)
{
	struct tm parts = { 0 };
	const char *end = strptime(time, "%Y-%m-%dT%H:%M:%S", &parts);

	if (!end)
		return -1;
	if (*end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	return strcmp(end, "Z") ? -1 : timegm(&parts);
}

const char *text_ago(const char *time, int64_t now_s, char ret[TEXT_SHORT])
{
	int64_t then = text_time(time);
	char duration[UNITS_TEXT_MAX];

	if (then < 0)
		return memcpy(ret, "-", 2);
	duration_print(now_s > then ? now_s - then : 0, duration);
	snprintf(ret, TEXT_SHORT, "%s ago", duration);
	return ret;
}

char *text_shell_word(const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789@%+=:,./_-";
	char *word, *next;

	if (*text && strspn(text, plain) == strlen(text))
		return strdup(text);
	word = next = malloc(4 * strlen(text) + 3);
	if (!word)
		return NULL;
	*next++ = '\'';
	for (; *text; text++) {
		if (*text == '\'')
			next = stpcpy(next, "'\\'");
		*next++ = *text;
	}
	memcpy(next, "'", 2);
	return word;
}

const char *text_color(enum text_color color, bool wanted)
{
	static const char *const sequences[] = {
		[COLOR_NONE] = "\033[0m",
		[COLOR_GOOD] = "\033[32m",
		[COLOR_BAD] = "\033[31m",
		[COLOR_CHANGED] = "\033[33m",
	};

	return wanted ? sequences[color] : "";
}

void text_table_add(struct text_table *table, const char *format, ...)
{
	va_list arguments;
	char *cell;
	int length;

	if (table->cells == table->capacity) {
		size_t capacity = 2 * table->capacity + 64;
		char **grown = reallocarray(table->cell, capacity, sizeof(*grown));

		if (!grown) {
			table->out_of_memory = true;
			return;
		}
		table->cell = grown;
		table->capacity = capacity;
	}
	va_start(arguments, format);
	length = vasprintf(&cell, format, arguments);
	va_end(arguments);
	if (length < 0) {
		table->out_of_memory = true;
		return;
	}
	clean(cell);
	table->cell[table->cells++] = cell;
}

int text_table_print(const struct text_table *table, FILE *out)
{
	CLEANUP(cleanup_free) size_t *widths = calloc(table->columns, sizeof(*widths));
	size_t i;

	if (!widths || table->out_of_memory)
		return -ENOMEM;
	for (i = 0; i < table->columns; i++)
		widths[i] = width(table->titles[i] + (*table->titles[i] == '>'));
	for (i = 0; i < table->cells; i++) {
		size_t cell = width(table->cell[i]);

		if (cell > widths[i % table->columns])
			widths[i % table->columns] = cell;
	}
	print_row(table, table->titles, widths, out);
	for (i = 0; i + table->columns <= table->cells; i += table->columns)
		print_row(table, (const char *const *)table->cell + i, widths, out);
	return 0;
}

void text_table_clear(struct text_table *table)
{
	for (size_t i = 0; i < table->cells; i++)
		free(table->cell[i]);
	free(table->cell);
	table->cell = NULL;
	table->cells = table->capacity = 0;
}

static void clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

/* Code points of UTF-8. */
static size_t width(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

static void print_row(const struct text_table *table, const char *const *cell, const size_t *widths,
		      FILE *out)
{
	for (size_t i = 0; i < table->columns; i++) {
		bool right = *table->titles[i] == '>', title = cell == table->titles;
		const char *text = cell[i] + (title && right);
		int padding = (int)(widths[i] - width(text));

		if (i)
			fputs("  ", out);
		if (right)
			fprintf(out, "%*s", padding, "");
		fputs(text, out);
		if (!right && i + 1 < table->columns)
			fprintf(out, "%*s", padding, "");
	}
	fputc('\n', out);
}
