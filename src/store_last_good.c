// SPDX-License-Identifier: Apache-2.0
#include "store.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "address_set.h"
#include "address_sets.h"
#include "cleanup.h"
#include "json.h"
#include "json_cleanup.h"
#include "json_walk.h"
#include "policyset.h"
#include "problem.h"
#include "store_entries.h"
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

/* ---- reading it back */

/* What its parts are read with. */
struct reading {
	const struct store *store;
	struct policy_source source;
	struct problems *problems;
	struct json_tokener *tokener;
};

static void reading_clear(struct reading *reading)
{
	json_build_end(&reading->tokener);
}

static int build(struct reading *reading, const struct json_part *part, struct json_object **ret)
{
	return json_build(&reading->tokener, part->text, part->size, ret, reading->problems);
}

static int read_policy(struct reading *reading, const struct json_part *part,
		       struct store_entries *entries)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	CLEANUP(policy_put) struct policy *policy = NULL;
	int error = build(reading, part, &json);

	if (!error)
		error = store_read_policy(reading->store, json, &reading->source, &policy,
					  reading->problems);
	if (error)
		return error == -ENOMEM ? error : -EBADMSG;
	policy->origin = ORIGIN_FILE;
	return store_entries_put(entries, policy);
}

static int read_policies(struct reading *reading, const struct json_part *array,
			 struct store_entries *entries)
{
	struct problems *problems = reading->problems;
	struct json_walk walk = json_walk(array);
	int error = 0;

	while (!error && json_walk_next(&walk)) {
		size_t first = problems->count;
		char pointer[64];

		error = read_policy(reading, &walk.value, entries);
		if (problems->count == first)
			continue;
		snprintf(pointer, sizeof(pointer), STORE_LAST_GOOD "/policies/%zu/policy",
			 walk.index);
		problems_prefix(problems, first, pointer);
	}
	return error;
}

static int read_set(struct reading *reading, const struct json_part *object,
		    struct policyset **ret_set)
{
	CLEANUP(store_entries_clear) struct store_entries entries = { 0 };
	struct json_part array;
	int error;

	if (!json_part_member(object, "policies", &array) || !json_part_is(&array, '[')) {
		problem_add(reading->problems, STORE_LAST_GOOD, "holds no policies");
		return -EBADMSG;
	}
	error = read_policies(reading, &array, &entries);
	return error ? error : store_entries_make_set(&entries, ret_set);
}

static int add_set(struct reading *reading, const struct json_part *part,
		   struct address_sets **sets)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	CLEANUP(address_set_put) struct address_set *set = NULL;
	struct address_sets *more;
	int error = build(reading, part, &json);

	if (!error)
		error = store_read_set(json, &set, reading->problems);
	if (error)
		return error == -ENOMEM ? error : -EBADMSG;
	set->origin = ORIGIN_FILE;
	error = address_sets_with(*sets, set, &more);
	if (error)
		return error;
	address_sets_put(sets);
	*sets = more;
	return 0;
}

/* A file of an older version has none. */
static int read_sets(struct reading *reading, const struct json_part *object,
		     struct address_sets **ret)
{
	CLEANUP(address_sets_put) struct address_sets *sets = address_sets_new();
	struct json_part array;
	int error = sets ? 0 : -ENOMEM;

	if (!error && json_part_member(object, "sets", &array) && json_part_is(&array, '[')) {
		struct json_walk walk = json_walk(&array);

		while (!error && json_walk_next(&walk))
			error = add_set(reading, &walk.value, &sets);
	}
	if (!error)
		*ret = TAKE_PTR(sets);
	return error;
}

static int read_config(struct reading *reading, const struct json_part *object,
		       struct json_object **ret)
{
	struct json_part config;

	if (!json_part_member(object, "config", &config) || !json_part_is(&config, '{')) {
		problem_add(reading->problems, STORE_LAST_GOOD, "holds no configuration");
		return -EBADMSG;
	}
	return build(reading, &config, ret);
}

int store_load_last_good(const struct store *store, struct json_object **ret_config,
			 struct policyset **ret_set, struct address_sets **ret_sets,
			 struct problems *problems)
{
	CLEANUP(reading_clear)
	struct reading reading = { store, store_policy_source(), problems, NULL };
	CLEANUP(policyset_put) struct policyset *policies = NULL;
	CLEANUP(cleanup_json) struct json_object *config = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	struct json_part object;
	const char *detail;
	size_t size;
	int error;

	error = store_read_file(store, STORE_LAST_GOOD, &text, &size);
	if (error)
		return error;
	error = store_find(text, size, &object, &detail);
	if (error == -EBADMSG || error == -EPROTO)
		problem_add(problems, STORE_LAST_GOOD, "cannot be used: %s", detail);
	if (!error)
		error = read_config(&reading, &object, &config);
	if (!error)
		error = read_set(&reading, &object, &policies);
	if (!error)
		error = read_sets(&reading, &object, ret_sets);
	if (error)
		return error;
	*ret_set = TAKE_PTR(policies);
	*ret_config = TAKE_PTR(config);
	return 0;
}
