// SPDX-License-Identifier: Apache-2.0
#include "policy_value.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "json_pointer.h"
#include "policy_field.h"
#include "problem.h"

#define POINTER_MAX 128

/* The JSON pointer of what is being read. */
static void print_pointer(const struct field_reader *reader, char ret_pointer[POINTER_MAX])
{
	const struct policy_field *field = reader->field;
	const char *group = policy_group_name(field->group);
	char index[16] = "";

	if (reader->index >= 0)
		snprintf(index, sizeof(index), "/%d", reader->index);
	snprintf(ret_pointer, POINTER_MAX, "%s%s/%s%s", *group ? "/" : "", group, field->name,
		 index);
	if (reader->key)
		json_pointer_append(ret_pointer, POINTER_MAX, reader->key);
}

int field_refuse(struct field_reader *reader, struct json_object *value, const char *format, ...)
{
	CLEANUP(cleanup_free) char *detail = NULL;
	char pointer[POINTER_MAX], shown[JSON_SHOWN_MAX];
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&detail, format, arguments) < 0)
		detail = NULL;
	va_end(arguments);
	json_shown(value, shown);
	print_pointer(reader, pointer);
	problem_add(reader->problems, pointer, "%s %s", shown, detail ? detail : "is not allowed");
	return -EINVAL;
}

void field_warn(struct field_reader *reader, const char *format, ...)
{
	CLEANUP(cleanup_free) char *detail = NULL;
	char pointer[POINTER_MAX];
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&detail, format, arguments) < 0)
		detail = NULL;
	va_end(arguments);
	print_pointer(reader, pointer);
	problem_warn(reader->problems, pointer, "%s", detail ? detail : "is doubtful");
}

int field_string(struct field_reader *reader, struct json_object *value, const char **ret)
{
	if (!json_object_is_type(value, json_type_string))
		return field_refuse(reader, value, "is not a string");
	*ret = json_object_get_string(value);
	return *ret ? 0 : -ENOMEM;
}

int field_boolean(struct field_reader *reader, struct json_object *value, bool *ret)
{
	if (!json_object_is_type(value, json_type_boolean))
		return field_refuse(reader, value, "is not true or false");
	*ret = json_object_get_boolean(value);
	return 0;
}

int field_integer(struct field_reader *reader, struct json_object *value, int64_t low, int64_t high,
		  int64_t *ret)
{
	int64_t number = json_object_get_int64(value);

	if (!json_object_is_type(value, json_type_int) || number < low || number > high)
		return field_refuse(reader, value, "is not a whole number from %lld to %lld",
				    (long long)low, (long long)high);
	*ret = number;
	return 0;
}

/* "A", "B" or "C" */
static void print_words(const char *const *words, char *ret, size_t size)
{
	size_t length = 0;

	for (int i = 0; words[i]; i++)
		length += (size_t)snprintf(ret + length, size - length, "%s\"%s\"",
					   !i		  ? ""
					   : words[i + 1] ? ", "
							  : " or ",
					   words[i]);
}

int field_word(struct field_reader *reader, struct json_object *value, const char *const *words)
{
	const char *text =
		json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
	char allowed[128] = "";

	for (int i = 0; text && words[i]; i++)
		if (!strcasecmp(text, words[i]))
			return i;
	print_words(words, allowed, sizeof(allowed));
	return field_refuse(reader, value, "is not %s", allowed);
}

int field_text(struct field_reader *reader, struct json_object *value, size_t max, char **ret)
{
	const char *text = "";
	int r = field_string(reader, value, &text);

	if (r < 0)
		return r;
	if (!*text || strlen(text) > max)
		return field_refuse(reader, value, "is not a text of 1 to %zu bytes", max);
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return field_refuse(reader, value, "has a control character");
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

int field_elements(struct field_reader *reader, struct json_object *value, size_t max)
{
	size_t count;

	if (!json_object_is_type(value, json_type_array))
		return 1;
	count = json_object_array_length(value);
	if (!count)
		return field_refuse(reader, value,
				    "is an empty list: leave the member out where "
				    "anything may match");
	if (count > max) {
		char pointer[POINTER_MAX];

		print_pointer(reader, pointer);
		problem_add(reader->problems, pointer,
			    "is a list of %zu elements, at most %zu are "
			    "allowed",
			    count, max);
		return -EINVAL;
	}
	return (int)count;
}

struct json_object *field_element(struct field_reader *reader, struct json_object *value, int index)
{
	if (!json_object_is_type(value, json_type_array))
		return value;
	reader->index = index;
	return json_object_array_get_idx(value, (size_t)index);
}

bool field_is_any(struct json_object *value)
{
	return json_object_is_type(value, json_type_string) &&
	       !strcasecmp(json_object_get_string(value), "any");
}

/* ---- printing */

int print_string(const char *text, struct json_object **ret)
{
	*ret = json_object_new_string(text);
	return *ret ? 0 : -ENOMEM;
}

int print_integer(uint64_t number, struct json_object **ret)
{
	*ret = json_object_new_int64((int64_t)number);
	return *ret ? 0 : -ENOMEM;
}

int print_element(struct json_object **list, struct json_object *element, size_t count)
{
	if (!element)
		return -ENOMEM;
	if (count == 1) {
		*list = element;
		return 0;
	}
	if (!*list)
		*list = json_object_new_array();
	if (!*list || json_object_array_add(*list, element) < 0) {
		json_object_put(element);
		return -ENOMEM;
	}
	return 0;
}
