/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building JSON answers: each function adds one member and says whether there
 * was memory for it, so that a whole object is one chain of "||".
 */
#ifndef HTTP_JSON_H
#define HTTP_JSON_H

#include <stdbool.h>
#include <stdint.h>

struct json_object;

/** Adds @value, which the object owns afterwards, also on failure. 0 or -ENOMEM (NULL too). */
int json_add(struct json_object *object, const char *key, struct json_object *value);

/** The same at the end of an array. */
int json_append(struct json_object *array, struct json_object *value);

/** Adds a string, or null. Bytes that are not UTF-8 become U+FFFD. 0 or -ENOMEM. */
int json_add_text(struct json_object *object, const char *key, const char *value);
/** Adds a string, formatted as printf() does. 0 or -ENOMEM. */
int json_add_format(struct json_object *object, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** Adds a number. 0 or -ENOMEM. */
int json_add_number(struct json_object *object, const char *key, uint64_t value);
/** Adds true or false. 0 or -ENOMEM. */
int json_add_bool(struct json_object *object, const char *key, bool value);

/** Adds a time in microseconds of CLOCK_REALTIME as RFC 3339 in UTC; 0: null. 0 or -ENOMEM. */
int json_add_time(struct json_object *object, const char *key, int64_t time_us);

#endif
