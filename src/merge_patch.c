/* SPDX-License-Identifier: Apache-2.0 */
#include "merge_patch.h"

#include <errno.h>
#include <json-c/json.h>

#include "http_json.h"

static int merge_member(struct json_object *target, const char *key, struct json_object *value);

int merge_patch(struct json_object **target, struct json_object *patch)
{
	int result = 0;

	if (!json_object_is_type(patch, json_type_object)) {
		json_object_put(*target);
		*target = json_object_get(patch);
		return 0;
	}
	if (!json_object_is_type(*target, json_type_object)) {
		json_object_put(*target);
		*target = json_object_new_object();
		if (!*target)
			return -ENOMEM;
	}
	json_object_object_foreach(patch, key, value)
		result = result ? result : merge_member(*target, key, value);
	return result;
}

static int merge_member(struct json_object *target, const char *key, struct json_object *value)
{
	struct json_object *member = NULL;
	int result;

	if (!value) {
		json_object_object_del(target, key);
		return 0;
	}
	if (json_object_object_get_ex(target, key, &member))
		json_object_get(member);
	result = merge_patch(&member, value);
	if (!result)
		return json_add(target, key, member);
	json_object_put(member);
	return result;
}
