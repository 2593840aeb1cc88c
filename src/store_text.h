/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of what is stored: JSON objects on lines that begin with "format"
 * and end with a checksum of all that is before it,
 *
 *   {"format":1, ... ,"crc":"89abcdef"}
 *
 * so that a reader knows a newer format by its name, and damage from both.
 */
#ifndef STORE_TEXT_H
#define STORE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "store_io.h"

#define STORE_FORMAT 1

struct json_object;
struct json_part;

/* Text on its way to a file. The first error stays and stops it. */
struct store_writer {
	const struct store_io *io;
	int fd;
	int error; /* 0 or -errno */
	uint32_t crc;
	size_t bytes; /* in the file and the buffer */
	size_t used; /* of the buffer */
	char buffer[32768];
};

/** Starts a line: {"format":1 */
void store_writer_start(struct store_writer *writer, const struct store_io *io, int fd);

/** Appends as printf() does, up to 1 KiB. */
void store_writer_print(struct store_writer *writer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Appends @size bytes as they are. */
void store_writer_add(struct store_writer *writer, const char *text, size_t size);

/** Appends the value as text; NULL stands for "out of memory". */
void store_writer_add_json(struct store_writer *writer, struct json_object *json);

/** Ends the line with the checksum and a newline and writes it all. Returns 0 or -errno. */
int store_writer_finish(struct store_writer *writer);

/** The format that a text begins with, 0 when it says none there. */
int store_peek_format(const char *text, size_t size);

/**
 * Checks a line, which need not be parsed, with or without its newline.
 * @ret_detail: what is wrong, when it is not right; static text.
 * Returns 0, -EBADMSG, -EPROTO when the format is newer.
 */
int store_check(const char *text, size_t size, const char **ret_detail);

/**
 * Checks a line, with or without its newline, and finds its value in it, to be
 * walked. Errors as store_parse().
 */
int store_find(const char *text, size_t size, struct json_part *ret, const char **ret_detail);

/**
 * Checks and parses a line, with or without its newline. The caller owns *ret.
 * @ret_detail: what is wrong, when it is not right; static text.
 * Returns 0, -EBADMSG, -EPROTO when the format is newer, -ENOMEM.
 */
int store_parse(const char *text, size_t size, struct json_object **ret, const char **ret_detail);

#endif
