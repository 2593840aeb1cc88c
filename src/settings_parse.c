// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "guard.h"
#include "json.h"
#include "json_cleanup.h"
#include "json_pointer.h"
#include "policyset.h"
#include "problem.h"
#include "settings_key.h"
#include "settings_kind.h"

#define POLICIES_DIRECTORY "policies.d"
#define SETS_DIRECTORY "sets.d"
#define POINTER_MAX 256
#define RULES_PER_POLICY 4
#define LEAST_RULES 64

static int read_standards(struct settings *settings, struct problems *problems);
static int read_given(struct json_object *json, struct settings *settings,
		      struct problems *problems);
static void refuse_unknown(struct json_object *json, struct problems *problems);
static int complete(struct settings *settings);
static void warn_stateless(const struct settings *settings, struct problems *problems);

int settings_parse(struct json_object *json, struct settings **ret, struct problems *problems)
{
	CLEANUP(settings_free) struct settings *settings = calloc(1, sizeof(*settings));
	size_t errors = problems->errors;
	int error;

	if (!settings)
		return -ENOMEM;
	if (!json_object_is_type(json, json_type_object)) {
		setting_refuse(problems, "", json, "an object, the least is {}");
		return -EINVAL;
	}
	error = read_standards(settings, problems);
	if (!error)
		error = read_given(json, settings, problems);
	if (error)
		return error;
	refuse_unknown(json, problems);
	settings_check_listeners(settings, problems);
	if (problems->out_of_memory)
		return -ENOMEM;
	if (problems->errors > errors)
		return -EINVAL;
	warn_stateless(settings, problems);
	error = complete(settings);
	if (error)
		return error;
	*ret = TAKE_PTR(settings);
	return 0;
}

/* A default is text like what an administrator writes, and read like it. */
static int read_standards(struct settings *settings, struct problems *problems)
{
	for (size_t i = 0; i < setting_key_count; i++) {
		const struct setting_key *key = &setting_keys[i];
		CLEANUP(cleanup_json) struct json_object *value = NULL;
		int error;

		if (!key->standard)
			continue;
		error = json_read(key->standard, strlen(key->standard), 0, &value, problems);
		if (!error)
			error = setting_read(key, value, settings, problems);
		if (error)
			return error;
	}
	settings->policies_file_named = false;
	return 0;
}

/* The value of a key in the document; false when it is not there. */
static bool find_value(struct json_object *json, const struct setting_key *key,
		       struct json_object **ret)
{
	const char *name = strrchr(key->pointer, '/') + 1;
	char section[32];
	struct json_object *object;

	snprintf(section, sizeof(section), "%.*s", (int)(name - key->pointer) - 2,
		 key->pointer + 1);
	return json_object_object_get_ex(json, section, &object) &&
	       json_object_is_type(object, json_type_object) &&
	       json_object_object_get_ex(object, name, ret);
}

static int read_given(struct json_object *json, struct settings *settings,
		      struct problems *problems)
{
	for (size_t i = 0; i < setting_key_count; i++) {
		struct json_object *value;
		int error;

		if (!find_value(json, &setting_keys[i], &value))
			continue;
		error = setting_read(&setting_keys[i], value, settings, problems);
		if (error)
			return error;
	}
	return 0;
}

static void refuse_key(const char *pointer, struct problems *problems)
{
	const char *near = setting_key_near(pointer);

	if (near)
		problem_add(problems, pointer, "is unknown; did you mean %s?", near);
	else
		problem_add(problems, pointer, "is unknown");
}

static void refuse_unknown_in(const char *section, struct json_object *object,
			      struct problems *problems)
{
	char start[POINTER_MAX] = "";

	json_pointer_append(start, sizeof(start), section);
	if (!json_object_is_type(object, json_type_object)) {
		setting_refuse(problems, start, object, "an object");
		return;
	}
	json_object_object_foreach(object, key, value) {
		char pointer[POINTER_MAX];

		(void)value;
		memcpy(pointer, start, sizeof(pointer));
		json_pointer_append(pointer, sizeof(pointer), key);
		if (!setting_key_find(pointer))
			refuse_key(pointer, problems);
	}
}

static void refuse_unknown(struct json_object *json, struct problems *problems)
{
	json_object_object_foreach(json, key, value) {
		char pointer[POINTER_MAX] = "";

		json_pointer_append(pointer, sizeof(pointer), key);
		if (strcmp(key, "$schema") == 0) {
			if (!json_object_is_type(value, json_type_string))
				setting_refuse(problems, pointer, value, "a string");
		} else if (setting_key_is_section(key)) {
			refuse_unknown_in(key, value, problems);
		} else {
			refuse_key(pointer, problems);
		}
	}
}

/* The path of something in the directory of @file, up to its last @slash. */
static char *beside(const char *file, const char *slash, const char *name)
{
	char *path;

	return asprintf(&path, "%.*s%s", (int)(slash - file) + 1, file, name) < 0 ? NULL : path;
}

/* The failsafe policies must fit too, however few others there can be. */
static uint32_t usual_max_rules(const struct settings *settings)
{
	uint32_t rules = RULES_PER_POLICY * settings->capacity;
	uint32_t failsafe =
		settings->failsafe ? RULES_PER_POLICY * (uint32_t)settings->failsafe->count : 0;

	rules = rules > failsafe ? rules : failsafe;
	return rules > LEAST_RULES ? rules : LEAST_RULES;
}

static void warn_stateless(const struct settings *settings, struct problems *problems)
{
	if (settings->default_block)
		problem_warn(problems, "/policy/default_action",
			     GUARD_STATELESS
			     ": BLOCK drops what no policy allows, and that is also the answers to "
			     "what this machine asks of others");
}

/* What is made of other keys. A path has a slash, as its reader saw to. */
static int complete(struct settings *settings)
{
	const char *file = settings->policies_file;
	const char *slash = file ? strrchr(file, '/') : NULL;

	if (!settings->max_rules)
		settings->max_rules = usual_max_rules(settings);
	if (!slash)
		return -EINVAL;
	settings->policies_directory = beside(file, slash, POLICIES_DIRECTORY);
	settings->sets_directory = beside(file, slash, SETS_DIRECTORY);
	return settings->policies_directory && settings->sets_directory ? 0 : -ENOMEM;
}
