// SPDX-License-Identifier: Apache-2.0
#include "json_string.h"

#include <stdbool.h>
#include <string.h>

/*
 * The well-formed sequences of Unicode's table 3-7: first byte, how many
 * follow, and what the second byte may be (no overlong forms, no surrogates,
 * nothing beyond U+10FFFF).
 */
static const struct {
	uint8_t first_low, first_high, second_low, second_high, length;
} sequences[] = {
	{ 0x00, 0x7f, 0x00, 0x00, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

size_t utf8_sequence(const char *text, size_t left)
{
	const uint8_t *byte = (const uint8_t *)text;

	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		size_t length = sequences[i].length;

		if (byte[0] < sequences[i].first_low || byte[0] > sequences[i].first_high)
			continue;
		if (left < length)
			return 0;
		if (length > 1 &&
		    (byte[1] < sequences[i].second_low || byte[1] > sequences[i].second_high))
			return 0;
		for (size_t j = 2; j < length; j++)
			if (byte[j] < 0x80 || byte[j] > 0xbf)
				return 0;
		return length;
	}
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The four hexadecimal digits behind "\u", or -1. */
static int hex4(const char *text, size_t left)
{
	int value = 0;

	if (left < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(text[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

static bool is_high_surrogate(int unit)
{
	return (unit & 0xfc00) == 0xd800;
}

static bool is_low_surrogate(int unit)
{
	return (unit & 0xfc00) == 0xdc00;
}

/* Checks "\uXXXX" at text[*offset], with its second half if it needs one. */
static const char *check_unicode(const char *text, size_t size, size_t *offset)
{
	const char *at = text + *offset;
	size_t left = size - *offset;
	int unit = hex4(at + 2, left - 2);

	if (unit < 0)
		return "\"\\u\" needs four hexadecimal digits";
	if (!unit)
		return "the character U+0000 is not allowed";
	if (is_low_surrogate(unit))
		return "half of a surrogate pair";
	if (!is_high_surrogate(unit)) {
		*offset += 6;
		return NULL;
	}
	if (left < 12 || at[6] != '\\' || at[7] != 'u' || !is_low_surrogate(hex4(at + 8, left - 8)))
		return "half of a surrogate pair";
	*offset += 12;
	return NULL;
}

static const char *check_escape(const char *text, size_t size, size_t *offset)
{
	if (size - *offset < 2)
		return "the text ends within a string";
	if (text[*offset + 1] == 'u')
		return check_unicode(text, size, offset);
	if (!text[*offset + 1] || !strchr("\"\\/bfnrt", text[*offset + 1]))
		return "an unknown escape: only \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX are known";
	*offset += 2;
	return NULL;
}

/* What most of a string is made of: ASCII that stands for itself. */
static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

const char *json_string_check(const char *text, size_t size, size_t *offset)
{
	(*offset)++;
	while (*offset < size) {
		unsigned char c = (unsigned char)text[*offset];

		if (is_plain(c)) {
			(*offset)++;
			continue;
		}
		if (c == '"') {
			(*offset)++;
			return NULL;
		}
		if (c == '\\') {
			const char *wrong = check_escape(text, size, offset);

			if (wrong)
				return wrong;
		} else if (c < 0x20) {
			return "a control character in a string must be escaped";
		} else {
			size_t length = utf8_sequence(text + *offset, size - *offset);

			if (!length)
				return "not valid UTF-8";
			*offset += length;
		}
	}
	return "the text ends within a string";
}

/* Puts the UTF-8 form of @point into @bytes; returns its first byte. */
static int encode(struct json_bytes *bytes, unsigned int point)
{
	static const uint8_t marks[] = { 0x00, 0xc0, 0xe0, 0xf0 };
	unsigned int count = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;

	bytes->pending_count = count;
	for (unsigned int i = 0; i < count; i++) {
		bytes->pending[i] = (uint8_t)(0x80 | (point & 0x3f));
		point >>= 6;
	}
	return (int)(marks[count] | point);
}

static int next_escape(struct json_bytes *bytes)
{
	static const char letters[] = "bfnrt", values[] = "\b\f\n\r\t";
	const char *at = bytes->text + bytes->offset;
	const char *letter;
	unsigned int unit;

	if (at[1] != 'u') {
		bytes->offset += 2;
		letter = strchr(letters, at[1]);
		return letter ? values[letter - letters] : at[1];
	}
	unit = (unsigned int)hex4(at + 2, 4);
	bytes->offset += 6;
	if (is_high_surrogate((int)unit)) {
		unit = 0x10000 + ((unit & 0x3ff) << 10) + ((unsigned int)hex4(at + 8, 4) & 0x3ff);
		bytes->offset += 6;
	}
	return encode(bytes, unit);
}

int json_string_next(struct json_bytes *bytes)
{
	char c;

	if (bytes->pending_count)
		return bytes->pending[--bytes->pending_count];
	c = bytes->text[bytes->offset];
	if (c == '"')
		return -1;
	if (c == '\\')
		return next_escape(bytes);
	bytes->offset++;
	return (unsigned char)c;
}
