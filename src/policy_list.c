// SPDX-License-Identifier: Apache-2.0
/*
 * Bodies and files: one policy, an array, or an object that holds the array.
 */
#include "policy_list.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "json_pointer.h"
#include "policy.h"
#include "problem.h"

/* Where an id stands. */
struct list_id {
	const char *id;
	size_t index;
};

static int add_bad(struct policy_reader *reader, struct json_object *json);
static bool is_ascending(const struct policy_list *list);

/* What answers of the API carry around the array: printed, and ignored here. */
static const char *const list_members[] = {
	"policies", "$schema", "count", "policy_count", "generation", "next_cursor",
};

void policy_list_refuse_unknown(struct json_object *object, struct problems *problems)
{
	json_object_object_foreach(object, name, value) {
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

int policy_parse_list(struct json_object *json, const struct policy_source *source,
		      struct policy_list *ret, struct problems *problems)
{
	CLEANUP(policy_reader_clear)
	struct policy_reader reader = { .source = source, .problems = problems, .prefix = "" };
	struct json_object *array = json;
	size_t errors = problems->errors;
	int r = 0;

	if (json_object_is_type(json, json_type_object) &&
	    json_object_object_get_ex(json, "policies", &array)) {
		reader.prefix = "/policies";
		policy_list_refuse_unknown(json, problems);
	}
	if (json_object_is_type(array, json_type_array)) {
		for (size_t i = 0; !r && i < json_object_array_length(array); i++)
			r = policy_reader_add(&reader, json_object_array_get_idx(array, i));
		if (!r)
			r = policy_reader_refuse_twins(&reader);
	} else if (*reader.prefix) {
		problem_add(problems, reader.prefix, "is not an array of policies");
	} else {
		r = policy_reader_add_single(&reader, json);
	}
	if (!r && problems->errors > errors)
		r = -EINVAL;
	if (r < 0)
		return r;
	*ret = reader.list;
	reader.list = (struct policy_list){ 0 };
	return 0;
}

void policy_list_clear(struct policy_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		policy_put(&list->policy[i]);
	free(list->policy);
	*list = (struct policy_list){ 0 };
}

/* ---- one by one */

/* Room for one more. */
static int make_room(struct policy_reader *reader)
{
	size_t room = reader->room ? 2 * reader->room : 4;
	struct policy **policy;

	if (reader->list.count < reader->room)
		return 0;
	policy = reallocarray(reader->list.policy, room, sizeof(struct policy *));
	if (!policy)
		return -ENOMEM;
	reader->list.policy = policy;
	reader->room = room;
	return 0;
}

static int add(struct policy_reader *reader, struct json_object *json)
{
	struct policy_list *list = &reader->list;
	int r = make_room(reader);

	if (r < 0)
		return r;
	list->policy[list->count] = NULL;
	r = policy_parse(json, NULL, reader->source, &list->policy[list->count], reader->problems);
	if (r == -EINVAL && add_bad(reader, json) < 0)
		r = -ENOMEM;
	list->count++;
	return r;
}

int policy_reader_add(struct policy_reader *reader, struct json_object *json)
{
	size_t first = reader->problems->count, index = reader->list.count;
	int r = add(reader, json);

	if (reader->problems->count > first) {
		char place[48];

		snprintf(place, sizeof(place), "%s/%zu", reader->prefix, index);
		problems_prefix(reader->problems, first, place);
	}
	return r == -ENOMEM ? r : 0;
}

int policy_reader_add_single(struct policy_reader *reader, struct json_object *json)
{
	return add(reader, json);
}

void policy_reader_clear(struct policy_reader *reader)
{
	for (size_t i = 0; i < reader->bad_count; i++)
		free((char *)reader->bad[i].id);
	free(reader->bad);
	policy_list_clear(&reader->list);
}

/* ---- ids that occur again */

/* A bad policy is gone, but what it says its id is counts: all mistakes are told at once. */
static int add_bad(struct policy_reader *reader, struct json_object *json)
{
	size_t count = reader->bad_count;
	struct json_object *id = NULL;
	struct list_id *bad = reader->bad;

	if (!json_object_is_type(json, json_type_object) ||
	    !json_object_object_get_ex(json, "id", &id) ||
	    !json_object_is_type(id, json_type_string))
		return 0;
	if (!(count & (count - 1)))
		bad = reallocarray(bad, count ? 2 * count : 1, sizeof(*bad));
	if (!bad)
		return -ENOMEM;
	reader->bad = bad;
	bad[count].index = reader->list.count;
	bad[count].id = strdup(json_object_get_string(id));
	if (!bad[count].id)
		return -ENOMEM;
	reader->bad_count++;
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	const struct list_id *x = a, *y = b;
	int order = strcmp(x->id, y->id);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* The later place of each is named. */
int policy_reader_refuse_twins(const struct policy_reader *reader)
{
	const struct policy_list *list = &reader->list;
	CLEANUP(cleanup_free) struct list_id *ids = NULL;
	size_t count = 0;

	if (!reader->bad_count && is_ascending(list))
		return 0;
	ids = calloc(list->count + reader->bad_count, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++)
		if (list->policy[i])
			ids[count++] = (struct list_id){ list->policy[i]->id, i };
	for (size_t i = 0; i < reader->bad_count; i++)
		ids[count++] = reader->bad[i];
	qsort(ids, count, sizeof(*ids), compare_ids);
	for (size_t i = 1; i < count; i++) {
		char pointer[64];

		if (strcmp(ids[i].id, ids[i - 1].id) != 0)
			continue;
		snprintf(pointer, sizeof(pointer), "%s/%zu/id", reader->prefix, ids[i].index);
		problem_add(reader->problems, pointer, "\"%s\" is the id of %s/%zu, too", ids[i].id,
			    reader->prefix, ids[i - 1].index);
	}
	return 0;
}

/* As lists often are: then no id is there twice. */
static bool is_ascending(const struct policy_list *list)
{
	const char *before = "";

	for (size_t i = 0; i < list->count; i++) {
		if (!list->policy[i] || strcmp(before, list->policy[i]->id) >= 0)
			return false;
		before = list->policy[i]->id;
	}
	return true;
}
