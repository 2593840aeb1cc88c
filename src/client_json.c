/* SPDX-License-Identifier: Apache-2.0 */
#include "client_json.h"

#include <json-c/json.h>
#include <string.h>

struct json_object *client_member(struct json_object *json, const char *path)
{
	char key[64];

	while (json && *path) {
		size_t length = strcspn(path, ".");

		if (length >= sizeof(key) || !json_object_is_type(json, json_type_object))
			return NULL;
		memcpy(key, path, length);
		key[length] = '\0';
		if (!json_object_object_get_ex(json, key, &json))
			return NULL;
		path += length + (path[length] == '.');
	}
	return json;
}

const char *client_text(struct json_object *json, const char *path)
{
	json = client_member(json, path);
	return json ? json_object_get_string(json) : "";
}

uint64_t client_number(struct json_object *json, const char *path)
{
	json = client_member(json, path);
	return json ? json_object_get_uint64(json) : 0;
}

size_t client_length(struct json_object *array)
{
	return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

void client_json_print(FILE *out, struct json_object *json)
{
	int flags = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
		    JSON_C_TO_STRING_NOSLASHESCAPE;

	fprintf(out, "%s\n", json_object_to_json_string_ext(json, flags));
}

void client_json_print_line(FILE *out, struct json_object *json)
{
	fprintf(out, "%s\n", json_object_to_json_string_ext(json, JSON_C_TO_STRING_NOSLASHESCAPE));
}
