/* SPDX-License-Identifier: Apache-2.0 */
#include "http_json.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "json_string.h"
#include "timestamp.h"

#define REPLACEMENT "\xef\xbf\xbd"

static struct json_object *utf8_text(const char *text);

int json_add(struct json_object *object, const char *key, struct json_object *value)
{
	if (value && !json_object_object_add(object, key, value))
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

int json_append(struct json_object *array, struct json_object *value)
{
	if (value && !json_object_array_add(array, value))
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

int json_add_text(struct json_object *object, const char *key, const char *value)
{
	if (!value)
		return json_object_object_add(object, key, NULL) ? -ENOMEM : 0;
	return json_add(object, key, utf8_text(value));
}

int json_add_format(struct json_object *object, const char *key, const char *format, ...)
{
	CLEANUP(cleanup_free) char *text = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return json_add_text(object, key, text);
}

int json_add_number(struct json_object *object, const char *key, uint64_t value)
{
	return json_add(object, key, json_object_new_uint64(value));
}

int json_add_bool(struct json_object *object, const char *key, bool value)
{
	return json_add(object, key, json_object_new_boolean(value));
}

int json_add_time(struct json_object *object, const char *key, int64_t time_us)
{
	char text[TIMESTAMP_TEXT_MAX] = "";

	timestamp_print(time_us, text);
	return json_add_text(object, key, time_us && *text ? text : NULL);
}

/* Names of interfaces and paths are bytes; an answer is UTF-8. */
static struct json_object *utf8_text(const char *text)
{
	CLEANUP(cleanup_free) char *clean = NULL;
	size_t left = strlen(text), length = 0;
	char *to;

	for (size_t at = 0; at < left && (length = utf8_sequence(text + at, left - at));
	     at += length)
		;
	if (!left || length)
		return json_object_new_string(text);
	to = clean = malloc(left * strlen(REPLACEMENT) + 1);
	if (!clean)
		return NULL;
	for (; left; text += length ? length : 1, left -= length ? length : 1) {
		length = utf8_sequence(text, left);
		to = length ? mempcpy(to, text, length) : stpcpy(to, REPLACEMENT);
	}
	*to = '\0';
	return json_object_new_string(clean);
}
