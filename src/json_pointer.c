// SPDX-License-Identifier: Apache-2.0
#include "json_pointer.h"

#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define VALUE_MAX 80 /* bytes of a value that a message quotes */

int text_cut(const char *text, size_t max)
{
	size_t length = strnlen(text, max + 1);

	if (length <= max)
		return (int)length;
	length = max;
	while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	return (int)length;
}

/* One character of a name, escaped. */
static size_t step_bytes(const char *name, const char **ret_bytes)
{
	*ret_bytes = *name == '~' ? "~0" : *name == '/' ? "~1" : name;
	if (*ret_bytes != name)
		return 2;
	for (size_t length = 1;; length++)
		if (((unsigned char)name[length] & 0xc0) != 0x80)
			return length;
}

void json_pointer_append(char *pointer, size_t size, const char *name)
{
	static const char dots[] = "...";
	size_t used = strlen(pointer), bytes;
	const char *step;

	if (used + 1 + sizeof(dots) > size)
		return;
	pointer[used++] = '/';
	while (*name) {
		bytes = step_bytes(name, &step);
		if (used + bytes + sizeof(dots) > size) {
			memcpy(pointer + used, dots, sizeof(dots) - 1);
			used += sizeof(dots) - 1;
			break;
		}
		memcpy(pointer + used, step, bytes);
		used += bytes;
		name += step == name ? bytes : 1;
	}
	pointer[used] = '\0';
}

/* What does not fit in 64 bits has been read as the last number that does. */
static const char *beyond(struct json_object *value)
{
	if (!json_object_is_type(value, json_type_int))
		return "";
	if (json_object_get_uint64(value) == UINT64_MAX)
		return " or more";
	return json_object_get_int64(value) == INT64_MIN ? " or less" : "";
}

void json_shown(struct json_object *value, char ret[JSON_SHOWN_MAX])
{
	const char *text = json_object_to_json_string_ext(
		value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	int bytes;

	if (!text)
		text = "this value";
	bytes = text_cut(text, VALUE_MAX);
	snprintf(ret, JSON_SHOWN_MAX, "%.*s%s%s", bytes, text, text[bytes] ? "..." : "",
		 beyond(value));
}
