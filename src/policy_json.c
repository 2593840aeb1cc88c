// SPDX-License-Identifier: Apache-2.0
#include "policy_json.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "json_cleanup.h"
#include "policy.h"
#include "policy_draft.h"
#include "policy_field.h"
#include "policy_value.h"
#include "problem.h"

static void start(struct policy_draft *draft, const struct policy_source *source);
static int read_members(struct field_reader *reader, struct json_object *json);
static int default_id(struct field_reader *reader);

int policy_parse(struct json_object *json, const char *id, const struct policy_source *source,
		 struct policy **ret, struct problems *problems)
{
	CLEANUP(policy_draft_clear) struct policy_draft draft;
	struct field_reader reader = {
		.draft = &draft,
		.policy = &draft.policy,
		.source = source,
		.problems = problems,
		.id = id,
		.index = -1,
	};
	size_t errors = problems->errors;
	int r;

	start(&draft, source);
	if (!json_object_is_type(json, json_type_object)) {
		problem_add(problems, "", "a policy is an object: {\"id\": ..., \"action\": ...}");
		return -EINVAL;
	}
	r = read_members(&reader, json);
	if (!r)
		r = default_id(&reader);
	if (r < 0)
		return r;
	policy_check(&reader);
	if (problems->errors > errors)
		return problems->out_of_memory ? -ENOMEM : -EINVAL;
	return policy_draft_finish(&draft, ret);
}

static enum origin origin_of(const struct policy_source *source)
{
	if (source->failsafe)
		return ORIGIN_FAILSAFE;
	return source->file ? ORIGIN_FILE : ORIGIN_API;
}

static void start(struct policy_draft *draft, const struct policy_source *source)
{
	policy_draft_start(draft);
	draft->policy.origin = origin_of(source);
	draft->policy.created_at = source->now_us;
	draft->policy.updated_at = source->now_us;
}

/* ---- members */

/* A member that says what another one said already. */
static int refuse_second(struct field_reader *reader, struct json_object *value)
{
	const struct policy_field *first = policy_fields;
	const char *group;

	while (first->member != reader->field->member)
		first++;
	group = policy_group_name(first->group);
	return field_refuse(reader, value,
			    "is given beside another member that says the same "
			    "(\"%s%s%s\"): leave one out",
			    group, *group ? "." : "", first->name);
}

static int read_member(struct field_reader *reader, struct json_object *value)
{
	uint64_t bit = MEMBER_BIT(reader->field->member);
	int r;

	reader->index = -1;
	reader->key = NULL;
	if (!value)
		r = field_refuse(reader, value, "says nothing: leave the member out");
	else if (reader->given & bit && reader->field->member != MEMBER_PROTOCOL)
		r = refuse_second(reader, value);
	else
		r = reader->field->read(reader, value);
	reader->given |= bit;
	if (r == -EINVAL)
		reader->failed |= bit;
	return r == -EINVAL ? 0 : r;
}

/* The objects that hold members; what is absent stays NULL. */
static void find_groups(struct field_reader *reader, struct json_object *json,
			struct json_object *groups[GROUPS])
{
	groups[GROUP_TOP] = json;
	for (int i = GROUP_SRC; i < GROUPS; i++) {
		const char *name = policy_group_name(i);
		struct json_object *group;
		char pointer[8];

		if (!json_object_object_get_ex(json, name, &group))
			continue;
		if (json_object_is_type(group, json_type_object)) {
			groups[i] = group;
			continue;
		}
		snprintf(pointer, sizeof(pointer), "/%s", name);
		problem_add(reader->problems, pointer,
			    "is not an object such as {\"ip\": \"192.0.2.0/24\", \"port\": 80}");
		reader->failed |= i == GROUP_SRC
					  ? MEMBER_BIT(MEMBER_SRC_IP) | MEMBER_BIT(MEMBER_SRC_PORT)
					  : MEMBER_BIT(MEMBER_DST_IP) | MEMBER_BIT(MEMBER_DST_PORT);
	}
}

/* The row of a member; -1: there is none. */
static int find_field(enum policy_group group, const char *name)
{
	for (size_t i = 0; i < policy_field_count; i++)
		if (*policy_fields[i].name == *name && policy_fields[i].group == group &&
		    !strcmp(policy_fields[i].name, name))
			return (int)i;
	return -1;
}

/* Whether there is a member of that name, though no row. */
static bool is_other(enum policy_group group, const char *name)
{
	if (group != GROUP_TOP)
		return false;
	for (int i = GROUP_SRC; i < GROUPS; i++)
		if (!strcmp(policy_group_name(i), name))
			return true;
	return policy_field_is_read_only(name);
}

static void refuse_unknown(struct field_reader *reader, struct json_object *groups[GROUPS])
{
	for (int i = 0; i < GROUPS; i++) {
		if (!groups[i])
			continue;
		json_object_object_foreach(groups[i], name, value) {
			(void)value;
			if (find_field(i, name) < 0 && !is_other(i, name))
				field_unknown(reader, i, name);
		}
	}
}

/* What is there, by row of the table: few members of the many that could be. */
struct members {
	uint64_t present; /* a bit per row */
	struct json_object *value[POLICY_FIELDS_MAX];
	bool unknown; /* there are others that mean nothing */
};

static void find_members(struct json_object *groups[GROUPS], struct members *ret)
{
	ret->present = 0;
	ret->unknown = false;
	for (int i = 0; i < GROUPS; i++) {
		if (!groups[i])
			continue;
		json_object_object_foreach(groups[i], name, value) {
			int row = find_field(i, name);

			if (row < 0) {
				ret->unknown |= !is_other(i, name);
				continue;
			}
			ret->present |= UINT64_C(1) << row;
			ret->value[row] = value;
		}
	}
}

/* In the order of the table, whatever the order in the text. */
static int read_members(struct field_reader *reader, struct json_object *json)
{
	struct json_object *groups[GROUPS] = { NULL };
	struct members members;

	find_groups(reader, json, groups);
	find_members(groups, &members);
	for (uint64_t left = members.present; left; left &= left - 1) {
		int row = __builtin_ctzll(left), r;

		reader->field = &policy_fields[row];
		r = read_member(reader, members.value[row]);
		if (r < 0)
			return r;
	}
	if (members.unknown)
		refuse_unknown(reader, groups);
	return 0;
}

/* The id that the caller knows, where the text has none. */
static int default_id(struct field_reader *reader)
{
	struct json_object *json;
	int r;

	if (reader->given & MEMBER_BIT(MEMBER_ID))
		return 0;
	if (!reader->id) {
		problem_add(reader->problems, "/id", "is missing");
		return 0;
	}
	json = json_object_new_string(reader->id);
	if (!json)
		return -ENOMEM;
	reader->field = policy_fields;
	r = read_member(reader, json);
	json_object_put(json);
	return r;
}

/* ---- printing */

/* The object that a member of @group goes into, made when it is first needed. */
static struct json_object *group_object(struct json_object *json, enum policy_group group)
{
	const char *name = policy_group_name(group);
	struct json_object *object;

	if (group == GROUP_TOP)
		return json;
	if (json_object_object_get_ex(json, name, &object))
		return object;
	object = json_object_new_object();
	if (object && json_object_object_add(json, name, object) < 0) {
		json_object_put(object);
		object = NULL;
	}
	return object;
}

static int print_member(const struct policy *policy, const struct policy_field *field,
			struct json_object *json)
{
	struct json_object *value = NULL, *object;
	int r = field->print ? field->print(policy, field, &value) : 0;

	if (!r && !value)
		return 0;
	object = r < 0 ? NULL : group_object(json, field->group);
	if (object && !json_object_object_add(object, field->name, value))
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

struct json_object *policy_to_json(const struct policy *policy)
{
	struct json_object *json = json_object_new_object();

	for (size_t i = 0; json && i < policy_field_count; i++) {
		if (print_member(policy, &policy_fields[i], json) < 0) {
			json_object_put(json);
			json = NULL;
		}
	}
	return json;
}

/* "NAME":VALUE, with what goes before it. */
static int append_member(struct printbuf *text, const char *before, const char *name,
			 struct json_object *value)
{
	const char *printed = json_object_to_json_string_ext(
		value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	size_t length = printed ? strlen(printed) : 0;

	if (!printed || printbuf_memappend(text, before, (int)strlen(before)) < 0 ||
	    printbuf_memappend(text, "\"", 1) < 0 ||
	    printbuf_memappend(text, name, (int)strlen(name)) < 0 ||
	    printbuf_memappend(text, "\":", 2) < 0 ||
	    printbuf_memappend(text, printed, (int)length) < 0)
		return -ENOMEM;
	return 0;
}

/* Closes the group that is open, if it is another one, and opens its own. */
static int switch_group(struct printbuf *text, enum policy_group *open, enum policy_group group)
{
	if (*open == group)
		return 0;
	if (*open != GROUP_TOP && printbuf_memappend(text, "}", 1) < 0)
		return -ENOMEM;
	*open = group;
	if (group == GROUP_TOP)
		return 0;
	return sprintbuf(text, ",\"%s\":{", policy_group_name(group)) < 0 ? -ENOMEM : 0;
}

/* The rows of a group stand together, so each is opened once. */
int policy_print(const struct policy *policy, bool expiry, struct printbuf *ret)
{
	enum policy_group open = GROUP_TOP;
	const char *before = "{";

	for (size_t i = 0; i < policy_field_count; i++) {
		const struct policy_field *field = &policy_fields[i];
		CLEANUP(cleanup_json) struct json_object *value = NULL;

		if (!field->print || (!expiry && field->member == MEMBER_EXPIRY))
			continue;
		if (field->print(policy, field, &value) < 0)
			return -ENOMEM;
		if (!value)
			continue;
		if (field->group != open && field->group != GROUP_TOP)
			before = "";
		if (switch_group(ret, &open, field->group) < 0 ||
		    append_member(ret, before, field->name, value) < 0)
			return -ENOMEM;
		before = ",";
	}
	if (switch_group(ret, &open, GROUP_TOP) < 0 || printbuf_memappend(ret, "}", 1) < 0)
		return -ENOMEM;
	return 0;
}

/* A policy that is added again for another hour is still the same policy. */
void policy_content_id(const struct policy *policy, char ret_id[16])
{
	struct json_object *json = policy_to_json(policy);
	uint64_t hash = 0xcbf29ce484222325;
	const char *text = NULL;

	if (json) {
		json_object_object_del(json, "id");
		json_object_object_del(json, "expires_at");
		text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN);
	}
	for (; text && *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	hash = (hash ^ hash >> 48) & 0xffffffffffff;
	snprintf(ret_id, 16, "p-%012llx", (unsigned long long)hash);
	json_object_put(json);
}
