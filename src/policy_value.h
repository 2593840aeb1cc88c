/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading single JSON values of a policy with messages that name the place,
 * the value and what is allowed; and building such values.
 */
#ifndef POLICY_VALUE_H
#define POLICY_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct field_reader;
struct json_object;

/** Notes the error "VALUE ..." at the member being read. Returns -EINVAL. */
int field_refuse(struct field_reader *reader, struct json_object *value, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** Notes a warning there. */
void field_warn(struct field_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** @{ */
/** Each returns 0, or -EINVAL (noted) when the value is of another type or out of range. */
int field_string(struct field_reader *reader, struct json_object *value, const char **ret);
int field_boolean(struct field_reader *reader, struct json_object *value, bool *ret);
int field_integer(struct field_reader *reader, struct json_object *value, int64_t low, int64_t high,
		  int64_t *ret);
/** @} */

/**
 * A value that is one of @words, in any case; @words ends with NULL. Returns
 * its index, or -EINVAL (noted).
 */
int field_word(struct field_reader *reader, struct json_object *value, const char *const *words);

/**
 * A text of 1 to @max bytes without control characters. Returns 0, -EINVAL
 * (noted), -ENOMEM. The caller owns *ret; @ret is a member that is NULL yet.
 */
int field_text(struct field_reader *reader, struct json_object *value, size_t max, char **ret);

/** How many elements: 1 for what is not an array. -EINVAL (noted) for none or more than @max. */
int field_elements(struct field_reader *reader, struct json_object *value, size_t max);

/** The element @index, of which messages speak from here on. */
struct json_object *field_element(struct field_reader *reader, struct json_object *value,
				  int index);

/** Whether the value is the word "any". */
bool field_is_any(struct json_object *value);

/** Makes a value. Both return 0 or -ENOMEM. */
int print_string(const char *text, struct json_object **ret);
/** Makes a number. Returns 0 or -ENOMEM. */
int print_integer(uint64_t number, struct json_object **ret);

/** Adds to an array that may not be there yet, so that a single value stays without one. */
int print_element(struct json_object **list, struct json_object *element, size_t count);

#endif
