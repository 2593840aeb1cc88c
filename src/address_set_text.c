// SPDX-License-Identifier: Apache-2.0
#include "address_set_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "address_math.h"
#include "address_set_reader.h"
#include "cleanup.h"
#include "number.h"
#include "problem.h"
#include "reason.h"

#define SHOWN_MAX 60 /* bytes of a bad line that are shown */

static int read_line(struct address_set_reader *reader, const char *line, size_t size);
static int read_end(struct address_set_reader *reader, const char *text, int64_t *ret);

int address_set_parse_text(const struct address_set_source *source, const char *text, size_t size,
			   struct address_set **ret, struct problems *problems)
{
	CLEANUP(address_reader_clear)
	struct address_set_reader reader = { .source = source,
					     .problems = problems,
					     .errors = problems->errors };

	for (size_t at = 0; at < size;) {
		const char *end = memchr(text + at, '\n', size - at);
		size_t length = end ? (size_t)(end - text) - at : size - at;

		reader.at++;
		if (read_line(&reader, text + at, length) == -ENOMEM)
			return -ENOMEM;
		at += length + 1;
	}
	return address_reader_finish(&reader, ret);
}

/* Copies the next word of a line; "#" begins none. Returns 0, or -E2BIG when it is cut off. */
static int next_word(const char **line, const char *end, char ret_word[ADDRESS_TEXT_MAX])
{
	const char *from = *line;
	size_t length = 0;

	while (from < end && (*from == ' ' || *from == '\t' || *from == '\r'))
		from++;
	*line = from;
	while (*line < end && **line != ' ' && **line != '\t' && **line != '\r' && **line != '#')
		(*line)++;
	length = (size_t)(*line - from);
	if (length >= ADDRESS_TEXT_MAX)
		length = ADDRESS_TEXT_MAX - 1;
	memcpy(ret_word, from, length);
	ret_word[length] = '\0';
	return from + length == *line && strlen(ret_word) == length ? 0 : -E2BIG;
}

static int read_line(struct address_set_reader *reader, const char *line, size_t size)
{
	char address[ADDRESS_TEXT_MAX], until[ADDRESS_TEXT_MAX], more[ADDRESS_TEXT_MAX];
	const char *end = line + size;
	int64_t expires_at = 0;

	if (next_word(&line, end, address) < 0)
		return address_reader_refuse(reader, "\"%.*s...\" is no address, prefix or range",
					     SHOWN_MAX, address);
	if (!*address)
		return 0;
	if (next_word(&line, end, until) < 0 || next_word(&line, end, more) < 0 || *more)
		return address_reader_refuse(reader,
					     "there is more behind \"%s\" than ttl=SECONDS or "
					     "expires=TIME; a comment begins with #",
					     address);
	if (*until && read_end(reader, until, &expires_at) < 0)
		return -EINVAL;
	return address_reader_add(reader, address, expires_at);
}

/* "ttl=SECONDS" or "expires=TIME". */
static int read_end(struct address_set_reader *reader, const char *text, int64_t *ret)
{
	struct reason reason;
	uint64_t seconds;

	if (!strncmp(text, "ttl=", 4)) {
		if (number_parse(text + 4, UINT32_MAX, &seconds) < 0)
			seconds = 0;
		return address_reader_ttl(reader, seconds, ret);
	}
	if (strncmp(text, "expires=", 8) != 0)
		return address_reader_refuse(
			reader,
			"\"%.*s\" is neither ttl=SECONDS nor expires=TIME; a comment "
			"begins with #",
			SHOWN_MAX, text);
	if (timestamp_parse(text + 8, ret, &reason) < 0)
		return address_reader_refuse(reader, "\"%.*s\" %s", SHOWN_MAX, text + 8,
					     reason.text);
	return 0;
}

/* ---- printing */

void address_entry_print(const struct address_entry *entry, enum pep_family family,
			 char ret_text[ADDRESS_TEXT_MAX])
{
	const unsigned int bits = address_largest_prefix(&entry->low, &entry->high, family);
	const struct address last = address_last(&entry->low, bits, family);
	const bool prefix = !address_compare(&last, &entry->high);
	const struct address_range range = {
		.low = entry->low,
		.high = entry->high,
		.prefix_bits = prefix ? (int16_t)bits : -1,
		.family = (uint8_t)family,
	};

	address_range_print(&range, ret_text);
}

static void print(const struct address_entry *entry, enum pep_family family, bool json,
		  char ret_text[ADDRESS_ENTRY_TEXT_MAX])
{
	char address[ADDRESS_TEXT_MAX], end[TIMESTAMP_TEXT_MAX] = "";

	address_entry_print(entry, family, address);
	if (entry->expires_at)
		timestamp_print(entry->expires_at, end);
	if (entry->expires_at)
		snprintf(ret_text, ADDRESS_ENTRY_TEXT_MAX,
			 json ? "{\"address\":\"%s\",\"expires_at\":\"%s\"}" : "%s expires=%s",
			 address, end);
	else
		snprintf(ret_text, ADDRESS_ENTRY_TEXT_MAX, json ? "\"%s\"" : "%s", address);
}

void address_entry_print_line(const struct address_entry *entry, enum pep_family family,
			      char ret_text[ADDRESS_ENTRY_TEXT_MAX])
{
	print(entry, family, false, ret_text);
}

void address_entry_print_json(const struct address_entry *entry, enum pep_family family,
			      char ret_text[ADDRESS_ENTRY_TEXT_MAX])
{
	print(entry, family, true, ret_text);
}
