/* SPDX-License-Identifier: Apache-2.0 */
#include "client_match.h"

#include <json-c/json.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "client_describe.h"
#include "client_json.h"

static bool member_matches(struct json_object *policy, const char *key, const char *value);

bool client_match(struct json_object *policy, const char *match)
{
	CLEANUP(cleanup_free) char *words = NULL;
	const char *equals = match ? strchr(match, '=') : NULL;
	char key[64];

	if (!match)
		return true;
	if (equals && equals - match < (ptrdiff_t)sizeof(key)) {
		memcpy(key, match, equals - match);
		key[equals - match] = '\0';
		return member_matches(policy, key, equals + 1);
	}
	words = client_describe(policy);
	return strcasestr(client_text(policy, "id"), match) ||
	       strcasestr(client_text(policy, "description"), match) ||
	       (words && strcasestr(words, match));
}

static bool value_matches(struct json_object *member, const char *value)
{
	if (!json_object_is_type(member, json_type_array))
		return member && !strcasecmp(json_object_get_string(member), value);
	for (size_t i = 0; i < json_object_array_length(member); i++)
		if (value_matches(json_object_array_get_idx(member, i), value))
			return true;
	return false;
}

/* "src" and "dst" alone mean their addresses. */
static bool member_matches(struct json_object *policy, const char *key, const char *value)
{
	struct json_object *member = client_member(policy, key);

	if (client_member(member, "ip"))
		member = client_member(member, "ip");
	return value_matches(member, value);
}
