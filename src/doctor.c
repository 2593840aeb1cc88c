// SPDX-License-Identifier: Apache-2.0
#include "doctor.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "http_json.h"
#include "json_cleanup.h"

/* The next `command` of a sentence; NULL: there is none. */
static const char *next_command(const char *sentence, size_t *ret_length)
{
	const char *begin = strchr(sentence, '`');
	const char *end = begin ? strchr(begin + 1, '`') : NULL;

	if (!end)
		return NULL;
	*ret_length = (size_t)(end - begin) - 1;
	return begin + 1;
}

static struct json_object *commands_of(const char *sentence)
{
	CLEANUP(cleanup_json) struct json_object *array = json_object_new_array();
	size_t length = 0;

	while (array && (sentence = next_command(sentence, &length))) {
		if (json_append(array, json_object_new_string_len(sentence, (int)length)))
			return NULL;
		sentence += length + 1;
	}
	return TAKE_PTR(array);
}

bool doctor_has_command(const char *sentence)
{
	size_t length;

	return next_command(sentence, &length) != NULL;
}

void doctor_say(struct doctor *doctor, const char *check, enum doctor_grade grade,
		const char *format, ...)
{
	static const char *const names[] = { "ok", "note", "finding" };
	CLEANUP(cleanup_free) char *detail = NULL;
	struct json_object *json;
	va_list arguments;

	doctor->findings += grade == DOCTOR_FINDING;
	va_start(arguments, format);
	if (vasprintf(&detail, format, arguments) < 0)
		detail = NULL;
	va_end(arguments);
	json = json_object_new_object();
	if (!detail || json_append(doctor->checks, json)) {
		if (!detail)
			json_object_put(json);
		doctor->out_of_memory = true;
		return;
	}
	if (json_add_text(json, "check", check) || json_add_text(json, "grade", names[grade]) ||
	    json_add_text(json, "detail", detail) ||
	    json_add(json, "commands", commands_of(detail)))
		doctor->out_of_memory = true;
}
