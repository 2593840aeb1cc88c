// SPDX-License-Identifier: Apache-2.0
/*
 * One pass over the text with a stack of the containers that are open.  The
 * keys of open objects lie on one array as (hash, offset); when an object
 * closes, its keys are sorted and equal neighbours compared, so that many keys
 * cost n log n and keys that collide on purpose gain nothing.
 */
#include "json_scan.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "json_string.h"
#include "problem.h"

#define DUPLICATES_MAX 20 /* more are not told */

struct key {
	uint64_t hash;
	size_t offset; /* of the opening quote */
};

struct frame {
	bool is_object;
	size_t first_key; /* in scan->keys */
	size_t index; /* of the element, in an array */
	size_t key_offset; /* of the member, in an object */
};

struct scan {
	const char *text;
	size_t size, offset;
	struct problems *problems;
	struct frame frames[JSON_DEPTH_MAX];
	size_t depth;
	struct key *keys;
	size_t key_count, key_room;
	size_t duplicates;
};

static int scan_value(struct scan *scan, bool *ret_opened);
static int scan_behind(struct scan *scan);
static int scan_key(struct scan *scan);
static int scan_number(struct scan *scan);
static int close_frame(struct scan *scan);

int json_bad(struct problems *problems, const char *text, size_t offset, const char *what)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < offset; i++) {
		/* Columns count characters, not the bytes that continue one. */
		column += ((unsigned char)text[i] & 0xc0) != 0x80;
		if (text[i] == '\n') {
			line++;
			column = 1;
		}
	}
	problem_add(problems, "", "line %zu, column %zu: %s", line, column, what);
	return -EBADMSG;
}

static int bad(struct scan *scan, const char *what)
{
	return json_bad(scan->problems, scan->text, scan->offset, what);
}

static char skip_space(struct scan *scan)
{
	for (; scan->offset < scan->size; scan->offset++) {
		char c = scan->text[scan->offset];

		if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
			return c;
	}
	return '\0';
}

int json_scan(const char *text, size_t size, struct problems *problems)
{
	struct scan scan = { .text = text, .size = size, .problems = problems };
	bool opened;
	int r;

	if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		return bad(&scan, "a byte order mark: save the file as UTF-8 without it");
	do {
		r = scan_value(&scan, &opened);
		if (!r && !opened)
			r = scan_behind(&scan);
	} while (!r && scan.depth);
	if (!r) {
		skip_space(&scan);
		if (scan.offset < size)
			r = bad(&scan, "something follows the end of the JSON value");
	}
	free(scan.keys);
	return r < 0 ? r : scan.duplicates ? -EEXIST : 0;
}

int json_blank_comments(char *text, size_t size, struct problems *problems)
{
	size_t i = 0, start;

	while (i < size) {
		const char *end;

		if (text[i] == '"') {
			/* What is wrong with a string the scan will say. */
			for (i++; i < size && text[i] != '"' && text[i] != '\n'; i++)
				i += text[i] == '\\' && i + 1 < size;
			i++;
			continue;
		}
		start = i++;
		if (text[start] != '/' || i >= size || (text[i] != '/' && text[i] != '*'))
			continue;
		end = text[i] == '/' ? memchr(text + i, '\n', size - i)
				     : memmem(text + i + 1, size - i - 1, "*/", 2);
		if (!end && text[i] == '*')
			return json_bad(problems, text, start, "a comment that does not end");
		i = !end ? size : (size_t)(end - text) + (text[i] == '*' ? 2 : 0);
		for (; start < i; start++)
			if (text[start] != '\n')
				text[start] = ' ';
	}
	return 0;
}

/* ---- values */

static int scan_string(struct scan *scan)
{
	const char *wrong = json_string_check(scan->text, scan->size, &scan->offset);

	return wrong ? bad(scan, wrong) : 0;
}

static int scan_literal(struct scan *scan)
{
	static const char *const literals[] = { "true", "false", "null" };

	for (size_t i = 0; i < ARRAY_SIZE(literals); i++) {
		size_t length = strlen(literals[i]);

		if (scan->size - scan->offset >= length &&
		    !memcmp(scan->text + scan->offset, literals[i], length)) {
			scan->offset += length;
			return 0;
		}
	}
	return bad(scan, scan->offset < scan->size ? "a value was expected here"
						   : "the text ends where a value was expected");
}

/* Opens an object or array. An empty one is closed again at once. */
static int scan_open(struct scan *scan, bool is_object, bool *ret_opened)
{
	if (scan->depth == JSON_DEPTH_MAX)
		return bad(scan, "nested deeper than 32 levels");
	scan->frames[scan->depth++] = (struct frame){
		.is_object = is_object,
		.first_key = scan->key_count,
	};
	scan->offset++;
	if (skip_space(scan) == (is_object ? '}' : ']')) {
		scan->offset++;
		return close_frame(scan);
	}
	*ret_opened = true;
	return is_object ? scan_key(scan) : 0;
}

/* A value; of a container its beginning, up to where the first value is due. */
static int scan_value(struct scan *scan, bool *ret_opened)
{
	char c = skip_space(scan);

	*ret_opened = false;
	if (c == '{' || c == '[')
		return scan_open(scan, c == '{', ret_opened);
	if (c == '"')
		return scan_string(scan);
	if (c == '-' || (c >= '0' && c <= '9'))
		return scan_number(scan);
	return scan_literal(scan);
}

/* Behind a value: closes what ends here, up to where the next value is due. */
static int scan_behind(struct scan *scan)
{
	while (scan->depth) {
		struct frame *frame = &scan->frames[scan->depth - 1];
		char c = skip_space(scan);
		int r;

		if (c == ',') {
			scan->offset++;
			frame->index++;
			return frame->is_object ? scan_key(scan) : 0;
		}
		if (c != (frame->is_object ? '}' : ']'))
			return bad(scan, frame->is_object ? "\",\" or \"}\" was expected here"
							  : "\",\" or \"]\" was expected here");
		scan->offset++;
		r = close_frame(scan);
		if (r < 0)
			return r;
	}
	return 0;
}

static size_t scan_digits(struct scan *scan)
{
	size_t first = scan->offset;

	while (scan->offset < scan->size && scan->text[scan->offset] >= '0' &&
	       scan->text[scan->offset] <= '9')
		scan->offset++;
	return scan->offset - first;
}

static bool take(struct scan *scan, const char *set)
{
	if (scan->offset == scan->size || !scan->text[scan->offset] ||
	    !strchr(set, scan->text[scan->offset]))
		return false;
	scan->offset++;
	return true;
}

static int scan_number(struct scan *scan)
{
	static const char digits[] = "a number must go on with a digit here";
	size_t first;

	take(scan, "-");
	first = scan->offset;
	if (!scan_digits(scan))
		return bad(scan, digits);
	if (scan->text[first] == '0' && scan->offset - first > 1)
		return bad(scan, "a number must not begin with a zero");
	if (take(scan, ".") && !scan_digits(scan))
		return bad(scan, digits);
	if (take(scan, "eE")) {
		take(scan, "+-");
		if (!scan_digits(scan))
			return bad(scan, digits);
	}
	return 0;
}

/* ---- keys */

static int push_key(struct scan *scan, size_t offset)
{
	struct json_bytes bytes = { .text = scan->text, .offset = offset + 1 };
	uint64_t hash = 0xcbf29ce484222325;
	int byte;

	if (scan->key_count == scan->key_room) {
		size_t room = scan->key_room ? scan->key_room * 2 : 64;
		struct key *keys = reallocarray(scan->keys, room, sizeof(*keys));

		if (!keys)
			return -ENOMEM;
		scan->keys = keys;
		scan->key_room = room;
	}
	while ((byte = json_string_next(&bytes)) >= 0)
		hash = (hash ^ (uint64_t)byte) * 0x100000001b3;
	scan->keys[scan->key_count++] = (struct key){ hash, offset };
	return 0;
}

/* A key and its colon. */
static int scan_key(struct scan *scan)
{
	struct frame *frame = &scan->frames[scan->depth - 1];
	int r;

	if (skip_space(scan) != '"')
		return bad(scan, "a key in double quotes was expected here");
	frame->key_offset = scan->offset;
	r = scan_string(scan);
	if (r < 0)
		return r;
	r = push_key(scan, frame->key_offset);
	if (r < 0)
		return r;
	if (skip_space(scan) != ':')
		return bad(scan, "\":\" was expected behind the key");
	scan->offset++;
	return 0;
}

static bool same_key(const struct scan *scan, size_t a, size_t b)
{
	struct json_bytes x = { .text = scan->text, .offset = a + 1 };
	struct json_bytes y = { .text = scan->text, .offset = b + 1 };
	int byte;

	do {
		byte = json_string_next(&x);
		if (byte != json_string_next(&y))
			return false;
	} while (byte >= 0);
	return true;
}

/* Prints a key as a step of a JSON pointer. */
static void print_step(FILE *stream, const struct scan *scan, size_t offset)
{
	struct json_bytes bytes = { .text = scan->text, .offset = offset + 1 };
	int byte;

	fputc('/', stream);
	while ((byte = json_string_next(&bytes)) >= 0) {
		if (byte == '~' || byte == '/')
			fputs(byte == '~' ? "~0" : "~1", stream);
		else
			fputc(byte, stream);
	}
}

static int note_duplicate(struct scan *scan, size_t offset)
{
	CLEANUP(cleanup_free) char *pointer = NULL;
	size_t size;
	FILE *stream;

	if (scan->duplicates++ >= DUPLICATES_MAX)
		return 0;
	stream = open_memstream(&pointer, &size);
	if (!stream)
		return -ENOMEM;
	for (size_t i = 0; i + 1 < scan->depth; i++) {
		if (scan->frames[i].is_object)
			print_step(stream, scan, scan->frames[i].key_offset);
		else
			fprintf(stream, "/%zu", scan->frames[i].index);
	}
	print_step(stream, scan, offset);
	if (fclose(stream))
		return -ENOMEM;
	problem_add(scan->problems, pointer, "this key occurs twice in its object");
	return 0;
}

static int compare_keys(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* The innermost container ends: its keys are complete. */
static int close_frame(struct scan *scan)
{
	struct frame *frame = &scan->frames[scan->depth - 1];
	size_t count = scan->key_count - frame->first_key;
	struct key *keys = count ? &scan->keys[frame->first_key] : NULL;
	int r = 0;

	if (count > 1)
		qsort(keys, count, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < count && !r; i++)
		if (keys[i].hash == keys[i - 1].hash &&
		    same_key(scan, keys[i].offset, keys[i - 1].offset))
			r = note_duplicate(scan, keys[i].offset);
	scan->key_count = frame->first_key;
	scan->depth--;
	return r;
}
