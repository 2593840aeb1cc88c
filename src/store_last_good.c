// SPDX-License-Identifier: Apache-2.0
#include "store.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

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
};

static void add_last_good(void *context, struct store_writer *writer)
{
	const struct last_good *last_good = context;

	store_writer_print(writer, ",\"config\":");
	store_writer_add_json(writer, last_good->config);
	store_add_policies(last_good->store, writer, last_good->policies, ORIGIN_FILE);
}

int store_save_last_good(struct store *store, struct json_object *config,
			 const struct policyset *file_policies)
{
	struct last_good last_good = { store, config, file_policies };

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

int store_load_last_good(const struct store *store, struct json_object **ret_config,
			 struct policyset **ret_set, struct problems *problems)
{
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
	error = read_set(store, json, ret_set, problems);
	if (error)
		return error;
	*ret_config = json_object_get(config);
	return 0;
}
