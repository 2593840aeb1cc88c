/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From value to value in a text that json_scan() has found to be JSON, so
 * that one part after the other can be read, and no tree of the whole is made.
 */
#ifndef JSON_WALK_H
#define JSON_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value: what is between its first and its last character. */
struct json_part {
	const char *text;
	size_t size;
};

/* The elements of an array, or the members of an object, one after the other. */
struct json_walk {
	const char *at, *end; /* of what is ahead */
	const char *key; /* the opening quote of the member's name; NULL: elements */
	struct json_part value;
	size_t index; /* of the value, counted from 0 */
	bool started;
};

/** The one value of a whole text, without the white space around it. */
struct json_part json_part(const char *text, size_t size);

/** Whether the value begins with @c: '{', '[' or '"'. */
bool json_part_is(const struct json_part *part, char c);

/** Whether it is a whole number, and which; one out of range counts as the last that is in it. */
bool json_part_integer(const struct json_part *part, int64_t *ret);

/** What a string says, escapes resolved, as much of it as goes into @size bytes, ended by a zero. */
void json_part_text(const struct json_part *part, char *ret, size_t size);

/** Before the first value of @container, an array or object. */
struct json_walk json_walk(const struct json_part *container);

/** Goes on to the next value; false: there is none left. */
bool json_walk_next(struct json_walk *walk);

/** Whether the member's name, escapes resolved, is @name. */
bool json_walk_is(const struct json_walk *walk, const char *name);

/** Writes the member's name to @ret, as much of it as goes into @size bytes, ended by a zero. */
void json_walk_name(const struct json_walk *walk, char *ret, size_t size);

/** The last member of that name; false: there is none, or @object is no object. */
bool json_part_member(const struct json_part *object, const char *name, struct json_part *ret);

/** Takes white space out of a text, in place. Returns how long it is then. */
size_t json_squeeze(char *text, size_t size);

#endif
