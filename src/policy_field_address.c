// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "address_sets.h"
#include "policy.h"
#include "policy_field.h"
#include "policy_json.h"
#include "policy_read.h"
#include "policy_value.h"
#include "reason.h"

#define ADDRESSES_MAX 65536

static size_t list_offset(const struct policy_field *field)
{
	return field->member == MEMBER_SRC_IP ? offsetof(struct policy, src)
					      : offsetof(struct policy, dst);
}

/* The original writes "0" and 0 for any address, too. */
static bool is_any(struct json_object *value)
{
	if (json_object_is_type(value, json_type_int))
		return !json_object_get_int64(value);
	return json_object_is_type(value, json_type_string) &&
	       address_is_any(json_object_get_string(value));
}

/* What lets packets pass whatever else happens must not hang on what can be changed. */
static int check_set(struct field_reader *reader, struct json_object *value,
		     const struct address_range *range)
{
	const struct policy_source *source = reader->source;

	if (range->family != ADDRESS_SET)
		return 0;
	if (source->failsafe)
		return field_refuse(reader, value,
				    "is a set of addresses, which a failsafe policy cannot name");
	if (source->sets && !address_sets_find(source->sets, range->set))
		return field_refuse(reader, value,
				    "names a set of addresses that does not exist: create it first "
				    "(pepctl set put %s FILE)",
				    range->set);
	return 0;
}

/* One element of a list into the next place; any is none. */
static int read_member(struct field_reader *reader, struct json_object *value,
		       struct address_list *list)
{
	struct reason reason;
	const char *text;
	int r;

	if (is_any(value))
		return 0;
	r = field_string(reader, value, &text);
	if (r < 0)
		return r;
	if (strlen(text) != (size_t)json_object_get_string_len(value) || strchr(text, ','))
		return field_refuse(reader, value,
				    "is not one address: write a list as "
				    "[\"...\", \"...\"]");
	r = address_member_parse(text, &list->range[list->count], &reason);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return field_refuse(reader, value, "%s", reason.text);
	return check_set(reader, value, &list->range[list->count++]);
}

/* "any" may stand beside exclusions; beside other members it is a mistake. */
static int check_any(struct field_reader *reader, struct json_object *value,
		     const struct address_list *list, int any_index)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->range[i].excluded)
			continue;
		return field_refuse(reader, field_element(reader, value, any_index),
				    "stands for any address, beside others that say less: "
				    "leave either out");
	}
	return 0;
}

static int shrink(struct address_list *list, int room)
{
	struct address_range *range;

	if (list->count == (size_t)room)
		return 0;
	if (!list->count) {
		free(list->range);
		list->range = NULL;
		return 0;
	}
	range = reallocarray(list->range, list->count, sizeof(*range));
	if (!range)
		return -ENOMEM;
	list->range = range;
	return 0;
}

int read_address(struct field_reader *reader, struct json_object *value)
{
	struct address_list *list = (void *)((char *)reader->policy + list_offset(reader->field));
	int count = field_elements(reader, value, ADDRESSES_MAX);
	int any_index = -1, result = 0;

	if (count < 0)
		return count;
	list->range = calloc((size_t)count, sizeof(*list->range));
	if (!list->range)
		return -ENOMEM;
	for (int i = 0; i < count; i++) {
		struct json_object *element = field_element(reader, value, i);
		int r = read_member(reader, element, list);

		if (r == -ENOMEM)
			return r;
		result = r < 0 ? r : result;
		if (is_any(element))
			any_index = i;
	}
	if (any_index >= 0 && check_any(reader, value, list, any_index) < 0)
		result = -EINVAL;
	return result < 0 ? result : shrink(list, count);
}

int print_address(const struct policy *policy, const struct policy_field *field,
		  struct json_object **ret)
{
	const struct address_list *list = (const void *)((const char *)policy + list_offset(field));
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < list->count; i++) {
		int r;

		address_range_print(&list->range[i], text);
		r = print_element(ret, json_object_new_string(text), list->count);
		if (r < 0)
			return r;
	}
	return 0;
}
