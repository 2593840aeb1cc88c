// SPDX-License-Identifier: Apache-2.0
#include "store.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "address_set.h"
#include "address_sets.h"
#include "cleanup.h"
#include "json_cleanup.h"
#include "policyset.h"
#include "problem.h"
#include "store_state.h"
#include "store_text.h"

struct last_good {
	const struct store *store;
	struct json_object *config;
	const struct policyset *policies;
	const struct address_sets *sets;
};

static void add_sets(struct store_writer *writer, const struct address_sets *sets)
{
	const char *before = "\n";

	store_writer_print(writer, ",\"sets\":[");
	for (size_t i = 0; sets && i < sets->count; i++) {
		if (sets->set[i]->origin != ORIGIN_FILE)
			continue;
		store_writer_print(writer, "%s{", before);
		store_add_set(writer, sets->set[i]);
		store_writer_print(writer, "}");
		before = ",\n";
	}
	store_writer_print(writer, "]");
}

static void add_last_good(void *context, struct store_writer *writer)
{
	const struct last_good *last_good = context;

	store_writer_print(writer, ",\"config\":");
	store_writer_add_json(writer, last_good->config);
	store_add_policies(last_good->store, writer, last_good->policies, ORIGIN_FILE);
	add_sets(writer, last_good->sets);
}

int store_save_last_good(struct store *store, struct json_object *config,
			 const struct policyset *file_policies, const struct address_sets *sets)
{
	struct last_good last_good = { store, config, file_policies, sets };

	return store_replace_file(store, STORE_LAST_GOOD, add_last_good, &last_good, NULL);
}

/* Policies of a list, each of @origin. */
static int read_policies(const struct store *store, struct json_object *array,
			 struct policy_list *list, struct problems *problems)
{
	const struct policy_source source = store_policy_source();
	size_t count = json_object_array_length(array);

	list->policy = calloc(count + 1, sizeof(struct policy *));
	if (!list->policy)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		size_t first = problems->count;
		char pointer[64];
		int error = store_read_policy(store, json_object_array_get_idx(array, i), &source,
					      &list->policy[i], problems);

		snprintf(pointer, sizeof(pointer), STORE_LAST_GOOD "/policies/%zu/policy", i);
		problems_prefix(problems, first, pointer);
		if (error)
			return error == -ENOMEM ? error : -EBADMSG;
		list->policy[i]->origin = ORIGIN_FILE;
		list->count++;
	}
	return 0;
}

static int read_set(const struct store *store, struct json_object *json, struct policyset **ret_set,
		    struct problems *problems)
{
	CLEANUP(policy_list_clear) struct policy_list list = { 0 };
	CLEANUP(policyset_put) struct policyset *empty = policyset_new();
	struct json_object *array;
	int error;

	if (!empty)
		return -ENOMEM;
	if (!json_object_object_get_ex(json, "policies", &array) ||
	    !json_object_is_type(array, json_type_array)) {
		problem_add(problems, STORE_LAST_GOOD, "holds no policies");
		return -EBADMSG;
	}
	error = read_policies(store, array, &list, problems);
	return error ? error : policyset_add(empty, list.policy, list.count, ret_set);
}

/* A file of an older version has none. */
static int read_sets(struct json_object *json, struct address_sets **ret, struct problems *problems)
{
	CLEANUP(address_sets_put) struct address_sets *sets = address_sets_new();
	struct json_object *array = NULL;
	int error = sets ? 0 : -ENOMEM;

	json_object_object_get_ex(json, "sets", &array);
	for (size_t i = 0; array && !error && i < json_object_array_length(array); i++) {
		CLEANUP(address_set_put) struct address_set *set = NULL;
		struct address_sets *more;

		error = store_read_set(json_object_array_get_idx(array, i), &set, problems);
		if (error)
			return error == -ENOMEM ? error : -EBADMSG;
		set->origin = ORIGIN_FILE;
		error = address_sets_with(sets, set, &more);
		if (error)
			return error;
		address_sets_put(&sets);
		sets = more;
	}
	*ret = TAKE_PTR(sets);
	return error;
}

int store_load_last_good(const struct store *store, struct json_object **ret_config,
			 struct policyset **ret_set, struct address_sets **ret_sets,
			 struct problems *problems)
{
	CLEANUP(policyset_put) struct policyset *policies = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	struct json_object *config;
	const char *detail;
	size_t size;
	int error;

	error = store_read_file(store, STORE_LAST_GOOD, &text, &size);
	if (error)
		return error;
	error = store_parse(text, size, &json, &detail);
	if (error == -EBADMSG || error == -EPROTO)
		problem_add(problems, STORE_LAST_GOOD, "cannot be used: %s", detail);
	if (error)
		return error;
	if (!json_object_object_get_ex(json, "config", &config) ||
	    !json_object_is_type(config, json_type_object)) {
		problem_add(problems, STORE_LAST_GOOD, "holds no configuration");
		return -EBADMSG;
	}
	error = read_set(store, json, &policies, problems);
	if (!error)
		error = read_sets(json, ret_sets, problems);
	if (error)
		return error;
	*ret_set = TAKE_PTR(policies);
	*ret_config = json_object_get(config);
	return 0;
}
