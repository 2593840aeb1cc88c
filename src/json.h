/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON in, strictly: UTF-8, no duplicate keys, errors with line and column.
 * The one place that calls json-c's tokener.
 */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;
struct json_tokener;
struct problems;

#define JSON_COMMENTS (1 << 0) /* "//" and C comments are white space */
#define JSON_GO_ON (1 << 1) /* the value is given also when a key occurs twice */

/**
 * Parses @size bytes. The caller owns *ret (json_object_put). Returns 0,
 * -EBADMSG when it is not JSON or a key occurs twice (noted in @problems with
 * line and column, or the pointer of the key), -ENOMEM. `null` gives NULL.
 * With JSON_GO_ON keys that occur twice are -EEXIST, and *ret is set, so that
 * what else is wrong can be said too.
 */
int json_read(const char *text, size_t size, unsigned int flags, struct json_object **ret,
	      struct problems *problems);

/**
 * Builds the value of a text that json_scan() has passed, or of a part of one.
 * *tokener is made by the first call, serves the next ones, and is freed by
 * json_build_end(). As json_read() otherwise.
 */
int json_build(struct json_tokener **tokener, const char *text, size_t size,
	       struct json_object **ret, struct problems *problems);

/** Frees what json_build() works with. */
void json_build_end(struct json_tokener **tokener);

/**
 * Reads and parses a regular file of at most @max bytes. As json_read(), and
 * -errno of the file (not noted: a file may be optional), -EFBIG, -EISDIR.
 */
int json_read_file(const char *path, size_t max, unsigned int flags, struct json_object **ret,
		   struct problems *problems);

/** The text of such a file, comments made white space; the caller frees *ret. Errors as there. */
int json_read_file_text(const char *path, size_t max, char **ret, size_t *ret_size,
			struct problems *problems);

/** What an -errno of json_read_file() means, for "cannot be read: ...". */
const char *json_file_error(int error);

#endif
