// SPDX-License-Identifier: Apache-2.0
#include "store_text.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "json.h"
#include "json_scan.h"
#include "json_walk.h"
#include "problem.h"
#include "store_crc.h"

/* ,"crc":"89abcdef"} */
#define CRC_START ",\"crc\":\""
#define CRC_END "\"}"
#define CRC_DIGITS 8
#define CRC_SIZE (sizeof(CRC_START) - 1 + CRC_DIGITS + sizeof(CRC_END) - 1)

void store_writer_start(struct store_writer *writer, const struct store_io *io, int fd)
{
	writer->io = io;
	writer->fd = fd;
	writer->error = 0;
	writer->crc = 0;
	writer->bytes = 0;
	writer->used = 0;
	store_writer_print(writer, "{\"format\":%d", STORE_FORMAT);
}

static void flush(struct store_writer *writer)
{
	size_t done = 0;

	while (!writer->error && done < writer->used) {
		ssize_t written =
			writer->io->write(writer->fd, writer->buffer + done, writer->used - done);

		if (written > 0)
			done += (size_t)written;
		else if (written == 0)
			writer->error = -EIO;
		else if (errno != EINTR)
			writer->error = -errno;
	}
	writer->used = 0;
}

static void put(struct store_writer *writer, const char *text, size_t size)
{
	writer->bytes += size;
	while (size > 0 && !writer->error) {
		size_t room = sizeof(writer->buffer) - writer->used;
		size_t part = size < room ? size : room;

		memcpy(writer->buffer + writer->used, text, part);
		writer->used += part;
		text += part;
		size -= part;
		if (writer->used == sizeof(writer->buffer))
			flush(writer);
	}
}

void store_writer_add(struct store_writer *writer, const char *text, size_t size)
{
	writer->crc = store_crc32(writer->crc, text, size);
	put(writer, text, size);
}

void store_writer_print(struct store_writer *writer, const char *format, ...)
{
	char text[1024];
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (size < 0 || (size_t)size >= sizeof(text)) {
		writer->error = -EOVERFLOW;
		return;
	}
	store_writer_add(writer, text, (size_t)size);
}

void store_writer_add_json(struct store_writer *writer, struct json_object *json)
{
	const char *text =
		json ? json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
								    JSON_C_TO_STRING_NOSLASHESCAPE)
		     : NULL;

	if (text)
		store_writer_add(writer, text, strlen(text));
	else
		writer->error = -ENOMEM;
}

int store_writer_finish(struct store_writer *writer)
{
	char end[CRC_SIZE + 2];

	snprintf(end, sizeof(end), CRC_START "%08x" CRC_END "\n", writer->crc);
	put(writer, end, CRC_SIZE + 1);
	flush(writer);
	return writer->error;
}

/* Whether the checksum at the end is there and right. */
static bool check_crc(const char *text, size_t size)
{
	char end[CRC_SIZE + 1];
	size_t body;

	if (size < CRC_SIZE)
		return false;
	body = size - CRC_SIZE;
	snprintf(end, sizeof(end), CRC_START "%08x" CRC_END, store_crc32(0, text, body));
	return memcmp(text + body, end, CRC_SIZE) == 0;
}

static int check_format(const struct json_part *part, const char **ret_detail)
{
	struct json_part format;
	int64_t number;

	*ret_detail = "it does not say its format";
	if (!json_part_member(part, "format", &format) || !json_part_integer(&format, &number) ||
	    number < 1)
		return -EBADMSG;
	*ret_detail = "it is of a newer format than this version knows";
	return number > STORE_FORMAT ? -EPROTO : 0;
}

/* What follows @expected in @text, blanks before either left out; NULL: something else. */
static const char *skip(const char *text, const char *expected)
{
	text += strspn(text, " \t\r\n");
	return strncmp(text, expected, strlen(expected)) == 0 ? text + strlen(expected) : NULL;
}

int store_peek_format(const char *text, size_t size)
{
	static const char *const expected[] = { "{", "\"format\"", ":" };
	char start[64];
	const char *rest = start;
	long format;

	snprintf(start, sizeof(start), "%.*s", (int)(size < 63 ? size : 63), text);
	for (size_t i = 0; rest && i < ARRAY_SIZE(expected); i++)
		rest = skip(rest, expected[i]);
	format = rest ? strtol(rest, NULL, 10) : 0;
	return format > 0 && format <= INT_MAX ? (int)format : 0;
}

int store_check(const char *text, size_t size, const char **ret_detail)
{
	int format = store_peek_format(text, size);

	*ret_detail = format ? "it is of a newer format than this version knows"
			     : "it does not say its format";
	if (!format || format > STORE_FORMAT)
		return format ? -EPROTO : -EBADMSG;
	if (size > 0 && text[size - 1] == '\n')
		size--;
	*ret_detail = "its checksum is wrong";
	return check_crc(text, size) ? 0 : -EBADMSG;
}

int store_find(const char *text, size_t size, struct json_part *ret, const char **ret_detail)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct json_part part;
	int error;

	if (size > 0 && text[size - 1] == '\n')
		size--;
	*ret_detail = "it is not JSON";
	error = json_scan(text, size, &problems);
	if (error)
		return error == -EEXIST ? -EBADMSG : error;
	part = json_part(text, size);
	error = check_format(&part, ret_detail);
	if (error)
		return error;
	/* A newer format may have another checksum, so that is looked at last. */
	if (!check_crc(text, size)) {
		*ret_detail = "its checksum is wrong";
		return -EBADMSG;
	}
	*ret = part;
	return 0;
}

int store_parse(const char *text, size_t size, struct json_object **ret, const char **ret_detail)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(json_build_end) struct json_tokener *tokener = NULL;
	struct json_part part;
	int error = store_find(text, size, &part, ret_detail);

	if (error)
		return error;
	*ret_detail = "it is not JSON";
	return json_build(&tokener, part.text, part.size, ret, &problems);
}
