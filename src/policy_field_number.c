// SPDX-License-Identifier: Apache-2.0
/*
 * Members that hold numbers and ranges: what each may hold is a row here.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "json_pointer.h"
#include "number.h"
#include "policy.h"
#include "policy_field.h"
#include "policy_read.h"
#include "policy_value.h"
#include "reason.h"

#define NUMBERS_MAX 1024

static const struct kind {
	enum policy_member member;
	size_t offset; /* of the struct number_list, */
	bool rare; /* in struct policy_rare, not struct policy */
	uint16_t max;
	bool zero_is_any; /* as in the original; 0 itself is "0-0" */
	bool none; /* "none" is PEP_VLAN_NONE */
	bool single; /* one range, also as {"min", "max"} */
} kinds[] = {
	{ MEMBER_SRC_PORT, offsetof(struct policy, sport), false, 65535, true, false, false },
	{ MEMBER_DST_PORT, offsetof(struct policy, dport), false, 65535, true, false, false },
	{ MEMBER_VLAN, offsetof(struct policy_rare, vlan), true, 4094, false, true, false },
	{ MEMBER_LENGTH, offsetof(struct policy_rare, length), true, 65535, false, false, true },
	{ MEMBER_TTL, offsetof(struct policy_rare, ttl), true, 255, false, false, true },
};

static const struct kind *kind_of(const struct policy_field *field)
{
	size_t i = 0;

	while (kinds[i].member != field->member)
		i++;
	return &kinds[i];
}

static const struct number_list *list_of(const struct policy *policy, const struct kind *kind)
{
	const char *base = kind->rare ? (const char *)policy->rare : (const char *)policy;

	return (const void *)(base + kind->offset);
}

static bool is_word(struct json_object *value, const char *word)
{
	return json_object_is_type(value, json_type_string) &&
	       !strcasecmp(json_object_get_string(value), word);
}

static bool is_any(const struct kind *kind, struct json_object *value)
{
	if (is_word(value, "any"))
		return true;
	if (!kind->zero_is_any)
		return false;
	return is_word(value, "0") ||
	       (json_object_is_type(value, json_type_int) && !json_object_get_int64(value));
}

/* {"min": N, "max": M}, either of which may be left out. */
static int read_bounds(struct field_reader *reader, struct json_object *value,
		       const struct kind *kind, struct number_range *ret)
{
	int64_t low = 0, high = kind->max;
	int r = 0;

	json_object_object_foreach(value, key, bound) {
		bool min = !strcmp(key, "min");

		reader->key = key;
		if (!min && strcmp(key, "max") != 0)
			return field_refuse(reader, bound,
					    "has an unknown name: only \"min\" and \"max\" are "
					    "known here");
		r = field_integer(reader, bound, 0, kind->max, min ? &low : &high);
		if (r < 0)
			return r;
	}
	reader->key = NULL;
	if (!json_object_object_length(value))
		return field_refuse(reader, value, "has neither \"min\" nor \"max\"");
	if (low > high)
		return field_refuse(reader, value, "is a range that ends before it begins");
	*ret = (struct number_range){ (uint16_t)low, (uint16_t)high };
	return 0;
}

static int read_any_range(struct field_reader *reader, struct json_object *value,
			  const struct kind *kind, struct number_range *ret)
{
	const char *none = kind->none ? ", or \"none\"" : "";
	struct reason reason;
	int64_t number;
	int r;

	if (kind->none && is_word(value, "none")) {
		*ret = (struct number_range){ PEP_VLAN_NONE, PEP_VLAN_NONE };
		return 0;
	}
	if (kind->single && json_object_is_type(value, json_type_object))
		return read_bounds(reader, value, kind, ret);
	if (json_object_is_type(value, json_type_int)) {
		r = field_integer(reader, value, 0, kind->max, &number);
		if (!r)
			*ret = (struct number_range){ (uint16_t)number, (uint16_t)number };
		return r;
	}
	if (!json_object_is_type(value, json_type_string))
		return field_refuse(reader, value,
				    "is not a number from 0 to %u nor a range "
				    "\"low-high\"%s",
				    kind->max, none);
	r = number_range_parse(json_object_get_string(value), kind->max, ret, &reason);
	return r < 0 ? field_refuse(reader, value, "%s%s", reason.text, none) : 0;
}

static int read_range(struct field_reader *reader, struct json_object *value,
		      const struct kind *kind, struct number_range *ret)
{
	struct number_range range = { 0 };
	int r = read_any_range(reader, value, kind, &range);

	if (r < 0)
		return r;
	if (kind->none && range.low == 0)
		return field_refuse(reader, value,
				    "is no VLAN: a tag with the id 0 has a priority only, which "
				    "is \"none\" here");
	*ret = range;
	return 0;
}

int read_numbers(struct field_reader *reader, struct json_object *value)
{
	const struct kind *kind = kind_of(reader->field);
	struct number_list *list = (void *)list_of(reader->policy, kind);
	int count, result = 0;

	if (kind->single && json_object_is_type(value, json_type_array))
		return field_refuse(reader, value, "is a list: one number or range is allowed");
	if (is_any(kind, value))
		return 0;
	count = field_elements(reader, value, NUMBERS_MAX);
	if (count < 0)
		return count;
	list->range = calloc((size_t)count, sizeof(*list->range));
	if (!list->range)
		return -ENOMEM;
	for (int i = 0; i < count; i++) {
		struct json_object *element = field_element(reader, value, i);
		int r = is_any(kind, element)
				? field_refuse(reader, element,
					       "stands for any and cannot be in a list%s",
					       kind->zero_is_any ? "; port 0 itself is \"0-0\""
								 : "")
				: read_range(reader, element, kind, &list->range[list->count]);

		if (r == -ENOMEM)
			return r;
		if (r < 0)
			result = r;
		else
			list->count++;
	}
	return result;
}

static struct json_object *print_range(const struct number_range *range, const struct kind *kind)
{
	char text[NUMBER_TEXT_MAX];

	if (kind->none && range->low == PEP_VLAN_NONE)
		return json_object_new_string("none");
	if (range->low == range->high && (range->low || !kind->zero_is_any))
		return json_object_new_int(range->low);
	number_range_print(range, text);
	return json_object_new_string(range->high ? text : "0-0");
}

int print_numbers(const struct policy *policy, const struct policy_field *field,
		  struct json_object **ret)
{
	const struct kind *kind = kind_of(field);
	const struct number_list *list = list_of(policy, kind);

	for (size_t i = 0; i < list->count; i++) {
		int r = print_element(ret, print_range(&list->range[i], kind), list->count);

		if (r < 0)
			return r;
	}
	return 0;
}
