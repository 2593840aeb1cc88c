// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>

#include "address_set_reader.h"
#include "cleanup.h"
#include "problem.h"
#include "reason.h"

static int read_array(struct address_set_reader *reader, struct json_object *array);
static int read_element(struct address_set_reader *reader, struct json_object *element);
static int read_object(struct address_set_reader *reader, struct json_object *object);

/* What a set is printed with, and is no part of what it says. */
static bool is_read_only(const char *key)
{
	static const char *const names[] = { "$schema", "origin",     "entry_count",
					     "used_by", "created_at", "updated_at" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], key))
			return true;
	return false;
}

static void check_members(const struct address_set_source *source, struct json_object *json,
			  struct problems *problems)
{
	json_object_object_foreach(json, key, value) {
		if (!strcmp(key, "entries") || is_read_only(key))
			continue;
		if (strcmp(key, "name") != 0)
			problem_add(problems, "", "a set of addresses has no member \"%.64s\"",
				    key);
		else if (!json_object_is_type(value, json_type_string) ||
			 strcmp(json_object_get_string(value), source->name) != 0)
			problem_add(problems, "/name", "is another name than \"%s\"", source->name);
	}
}

int address_set_parse_json(const struct address_set_source *source, struct json_object *json,
			   struct address_set **ret, struct problems *problems)
{
	CLEANUP(address_reader_clear)
	struct address_set_reader reader = { .source = source,
					     .problems = problems,
					     .errors = problems->errors,
					     .array = "/entries" };
	struct json_object *entries;

	if (!json_object_is_type(json, json_type_object) ||
	    !json_object_object_get_ex(json, "entries", &entries)) {
		problem_add(problems, "", "a set of addresses is an object: {\"entries\": [...]}");
		return -EINVAL;
	}
	check_members(source, json, problems);
	if (read_array(&reader, entries) == -ENOMEM)
		return -ENOMEM;
	return address_reader_finish(&reader, ret);
}

static void check_patch_members(struct json_object *json, struct problems *problems)
{
	json_object_object_foreach(json, key, value) {
		(void)value;
		if (strcmp(key, "add") != 0 && strcmp(key, "remove") != 0)
			problem_add(problems, "",
				    "there is no member \"%.64s\": \"add\" and \"remove\" are "
				    "lists of entries",
				    key);
	}
}

/* One of the lists; an empty set when it is absent. */
static int read_part(const struct address_set_source *source, struct json_object *json,
		     const char *pointer, struct address_set **ret, struct problems *problems)
{
	CLEANUP(address_reader_clear)
	struct address_set_reader reader = {
		.source = source, .problems = problems, .errors = problems->errors, .array = pointer
	};
	struct json_object *array;

	if (json_object_object_get_ex(json, pointer + 1, &array) &&
	    read_array(&reader, array) == -ENOMEM)
		return -ENOMEM;
	return address_reader_finish(&reader, ret);
}

int address_set_parse_patch(const struct address_set_source *source, struct json_object *json,
			    struct address_set **ret_add, struct address_set **ret_remove,
			    struct problems *problems)
{
	CLEANUP(address_set_put) struct address_set *added = NULL, *removed = NULL;
	const size_t errors = problems->errors;

	if (!json_object_is_type(json, json_type_object)) {
		problem_add(problems, "", "is no object {\"add\": [...], \"remove\": [...]}");
		return -EINVAL;
	}
	check_patch_members(json, problems);
	if (read_part(source, json, "/add", &added, problems) == -ENOMEM ||
	    read_part(source, json, "/remove", &removed, problems) == -ENOMEM)
		return -ENOMEM;
	if (problems->errors > errors)
		return -EINVAL;
	*ret_add = TAKE_PTR(added);
	*ret_remove = TAKE_PTR(removed);
	return 0;
}

static int read_array(struct address_set_reader *reader, struct json_object *array)
{
	size_t count;

	if (!json_object_is_type(array, json_type_array)) {
		problem_add(reader->problems, reader->array, "is no list of entries");
		return -EINVAL;
	}
	count = json_object_array_length(array);
	for (size_t i = 0; i < count; i++) {
		reader->at = i;
		if (read_element(reader, json_object_array_get_idx(array, i)) == -ENOMEM)
			return -ENOMEM;
	}
	return 0;
}

static int read_element(struct address_set_reader *reader, struct json_object *element)
{
	if (json_object_is_type(element, json_type_object))
		return read_object(reader, element);
	if (!json_object_is_type(element, json_type_string))
		return address_reader_refuse(reader, "is neither a string nor {\"address\": ...}");
	if (strlen(json_object_get_string(element)) != (size_t)json_object_get_string_len(element))
		return address_reader_refuse(reader, "is no address, prefix or range");
	return address_reader_add(reader, json_object_get_string(element), 0);
}

static int read_object(struct address_set_reader *reader, struct json_object *object)
{
	const char *address = NULL;
	int64_t expires_at = 0;
	struct reason reason;
	int r = 0;

	json_object_object_foreach(object, key, value) {
		const bool text = json_object_is_type(value, json_type_string);

		if (!strcmp(key, "address") && text)
			address = json_object_get_string(value);
		else if (!strcmp(key, "ttl_seconds") && json_object_is_type(value, json_type_int))
			r = address_reader_ttl(reader, json_object_get_uint64(value), &expires_at);
		else if (strcmp(key, "expires_at") != 0 || !text)
			r = address_reader_refuse(
				reader,
				"\"%.64s\" is not \"address\" (a string), \"ttl_seconds\" (a "
				"number) or \"expires_at\" (a time)",
				key);
		else if (timestamp_parse(json_object_get_string(value), &expires_at, &reason) < 0)
			r = address_reader_refuse(reader, "\"expires_at\" %s", reason.text);
		if (r < 0)
			return r;
	}
	return address ? address_reader_add(reader, address, expires_at)
		       : address_reader_refuse(reader, "has no \"address\"");
}
