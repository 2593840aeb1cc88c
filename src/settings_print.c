// SPDX-License-Identifier: Apache-2.0
#include "settings_key.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "json_cleanup.h"
#include "problem.h"
#include "settings_kind.h"

/* The section of a key, made when it is not there; borrowed. NULL when out of memory. */
static struct json_object *section_of(struct json_object *json, const struct setting_key *key)
{
	size_t size = strcspn(key->pointer + 1, "/");
	struct json_object *section;
	char name[32];

	snprintf(name, sizeof(name), "%.*s", (int)size, key->pointer + 1);
	if (json_object_object_get_ex(json, name, &section))
		return section;
	section = json_object_new_object();
	if (section && json_object_object_add(json, name, section) < 0) {
		json_object_put(section);
		return NULL;
	}
	return section;
}

static int add_key(struct json_object *json, const struct setting_key *key,
		   const struct settings *settings)
{
	CLEANUP(cleanup_json) struct json_object *value = setting_print(key, settings);
	struct json_object *section;

	if (!value)
		return errno ? -ENOMEM : 0;
	section = section_of(json, key);
	if (!section || json_object_object_add(section, strrchr(key->pointer, '/') + 1, value) < 0)
		return -ENOMEM;
	(void)TAKE_PTR(value);
	return 0;
}

struct json_object *settings_to_json(const struct settings *settings)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();

	if (!json)
		return NULL;
	for (size_t i = 0; i < setting_key_count; i++)
		if (add_key(json, &setting_keys[i], settings))
			return NULL;
	return TAKE_PTR(json);
}

int settings_note_restarts(const struct settings *in_force, const struct settings *wanted,
			   struct problems *problems)
{
	for (size_t i = 0; i < setting_key_count; i++) {
		const struct setting_key *key = &setting_keys[i];
		CLEANUP(cleanup_json) struct json_object *old = NULL;
		CLEANUP(cleanup_json) struct json_object *new = NULL;

		if (!key->restart)
			continue;
		old = setting_print(key, in_force);
		if (!old && errno)
			return -ENOMEM;
		new = setting_print(key, wanted);
		if (!new &&errno)
			return -ENOMEM;
		if (json_object_equal(old, new))
			continue;
		problem_warn(problems, key->pointer, "is %s until a restart, then %s",
			     json_object_to_json_string_ext(old, JSON_C_TO_STRING_NOSLASHESCAPE),
			     json_object_to_json_string_ext(new, JSON_C_TO_STRING_NOSLASHESCAPE));
	}
	return 0;
}
