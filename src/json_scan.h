/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a text is JSON as RFC 8259 has it and nothing more, whatever the
 * version of the library that builds objects from it takes: with the place
 * where it is not, and every key that occurs twice in its object.
 */
#ifndef JSON_SCAN_H
#define JSON_SCAN_H

#include <stddef.h>

struct problems;

#define JSON_DEPTH_MAX 32

/**
 * Makes comments white space, in place; lines stay lines. Returns 0, or
 * -EBADMSG when one does not end (noted).
 */
int json_blank_comments(char *text, size_t size, struct problems *problems);

/** Returns 0, -EBADMSG, -EEXIST when all that is wrong are keys that occur twice (both noted in
 * @problems), or -ENOMEM. */
int json_scan(const char *text, size_t size, struct problems *problems);

/** Notes an error at @offset, said as line and column. Returns -EBADMSG. */
int json_bad(struct problems *problems, const char *text, size_t offset, const char *what);

#endif
