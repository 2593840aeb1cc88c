// SPDX-License-Identifier: Apache-2.0
/*
 * Bodies and files: one policy, an array, or an object that holds the array.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "json_pointer.h"
#include "policy.h"
#include "policy_json.h"
#include "problem.h"

static int parse_elements(struct json_object *array, const char *prefix,
			  const struct policy_source *source, struct policy_list *list,
			  struct problems *problems);
static int refuse_twins(const struct policy_list *list, struct json_object *array,
			const char *prefix, struct problems *problems);

/* What answers of the API carry around the array: printed, and ignored here. */
static const char *const list_members[] = {
	"policies", "$schema", "count", "policy_count", "generation", "next_cursor",
};

static void refuse_unknown(struct json_object *json, struct problems *problems)
{
	json_object_object_foreach(json, name, value) {
		char pointer[80] = "";
		size_t i = 0;

		(void)value;
		while (i < ARRAY_SIZE(list_members) && strcmp(list_members[i], name) != 0)
			i++;
		if (i < ARRAY_SIZE(list_members))
			continue;
		json_pointer_append(pointer, sizeof(pointer), name);
		problem_add(problems, pointer, "is not known beside \"policies\"");
	}
}

static int parse_single(struct json_object *json, const struct policy_source *source,
			struct policy_list *list, struct problems *problems)
{
	int r;

	list->policy = calloc(1, sizeof(struct policy *));
	if (!list->policy)
		return -ENOMEM;
	r = policy_parse(json, NULL, source, list->policy, problems);
	list->count = !r;
	return r;
}

int policy_parse_list(struct json_object *json, const struct policy_source *source,
		      struct policy_list *ret, struct problems *problems)
{
	CLEANUP(policy_list_clear) struct policy_list list = { 0 };
	struct json_object *array = json;
	const char *prefix = "";
	size_t errors = problems->errors;
	int r;

	if (json_object_is_type(json, json_type_object) &&
	    json_object_object_get_ex(json, "policies", &array)) {
		prefix = "/policies";
		refuse_unknown(json, problems);
	}
	if (json_object_is_type(array, json_type_array)) {
		r = parse_elements(array, prefix, source, &list, problems);
	} else if (*prefix) {
		problem_add(problems, prefix, "is not an array of policies");
		r = -EINVAL;
	} else {
		r = parse_single(json, source, &list, problems);
	}
	if (!r && problems->errors > errors)
		r = -EINVAL;
	if (r < 0)
		return r;
	*ret = list;
	list = (struct policy_list){ 0 };
	return 0;
}

void policy_list_clear(struct policy_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		policy_put(&list->policy[i]);
	free(list->policy);
	*list = (struct policy_list){ 0 };
}

/* Bad ones leave a NULL, which policy_list_clear() and refuse_twins() tolerate. */
static int parse_elements(struct json_object *array, const char *prefix,
			  const struct policy_source *source, struct policy_list *list,
			  struct problems *problems)
{
	size_t count = json_object_array_length(array);

	list->policy = count ? calloc(count, sizeof(struct policy *)) : NULL;
	if (count && !list->policy)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		size_t first = problems->count;
		char place[48];
		int r;

		list->count++;
		r = policy_parse(json_object_array_get_idx(array, i), NULL, source,
				 &list->policy[i], problems);
		if (r == -ENOMEM)
			return r;
		if (problems->count == first)
			continue;
		snprintf(place, sizeof(place), "%s/%zu", prefix, i);
		problems_prefix(problems, first, place);
	}
	return refuse_twins(list, array, prefix, problems);
}

struct twin {
	const char *id;
	size_t index;
};

static int compare_twins(const void *a, const void *b)
{
	const struct twin *x = a, *y = b;
	int order = strcmp(x->id, y->id);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* Of one that is bad, too, if it says one: all mistakes are told at once. */
static const char *id_of(const struct policy *policy, struct json_object *json)
{
	struct json_object *id = NULL;

	if (policy)
		return policy->id;
	if (!json_object_is_type(json, json_type_object) ||
	    !json_object_object_get_ex(json, "id", &id) ||
	    !json_object_is_type(id, json_type_string))
		return NULL;
	return json_object_get_string(id);
}

/* An id that occurs again, named at its later place. */
static int refuse_twins(const struct policy_list *list, struct json_object *array,
			const char *prefix, struct problems *problems)
{
	CLEANUP(cleanup_free) struct twin *twins = calloc(list->count + 1, sizeof(*twins));
	size_t count = 0;

	if (!twins)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++) {
		const char *id = id_of(list->policy[i], json_object_array_get_idx(array, i));

		if (id)
			twins[count++] = (struct twin){ id, i };
	}
	qsort(twins, count, sizeof(*twins), compare_twins);
	for (size_t i = 1; i < count; i++) {
		char pointer[64];

		if (strcmp(twins[i].id, twins[i - 1].id) != 0)
			continue;
		snprintf(pointer, sizeof(pointer), "%s/%zu/id", prefix, twins[i].index);
		problem_add(problems, pointer, "\"%s\" is the id of %s/%zu, too", twins[i].id,
			    prefix, twins[i - 1].index);
	}
	return 0;
}
