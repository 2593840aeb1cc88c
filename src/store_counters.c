// SPDX-License-Identifier: Apache-2.0
/*
 * What was counted, for the next start where no map outlives the process: one
 * row a number that is not 0.
 */
#include "store_counters.h"

#include <json-c/json.h>
#include <string.h>

#include "cleanup.h"
#include "json_cleanup.h"
#include "json_walk.h"
#include "store_state.h"
#include "store_text.h"

#define STORE_COUNTERS "counters.json"
#define NAME_BYTES 160

struct rows {
	store_counts counts;
	void *context;
};

static void add_rows(void *context, struct store_writer *writer)
{
	const struct rows *rows = context;

	store_writer_print(writer, ",\"counters\":[0");
	rows->counts(rows->context, writer);
	store_writer_print(writer, "]");
}

int store_save_counters(struct store *store, store_counts counts, void *context)
{
	struct rows rows = { counts, context };

	return store_replace_file(store, STORE_COUNTERS, add_rows, &rows, NULL);
}

void store_add_count(struct store_writer *writer, const struct store_count *count)
{
	CLEANUP(cleanup_json) struct json_object *name = json_object_new_string(count->name);

	store_writer_print(writer, ",\n[%d,", (int)count->kind);
	store_writer_add_json(writer, name);
	for (size_t i = 0; i < STORE_COUNT_NUMBERS; i++)
		store_writer_print(writer, ",%llu", (unsigned long long)count->number[i]);
	store_writer_print(writer, "]");
}

/* A row as it was written; what else there may be is left out. */
static bool read_row(const struct json_part *row, char name[NAME_BYTES], struct store_count *ret)
{
	struct json_walk walk = json_walk(row);
	int64_t number;

	if (!json_walk_next(&walk) || !json_part_integer(&walk.value, &number))
		return false;
	ret->kind = (enum store_count_kind)number;
	if (!json_walk_next(&walk) || !json_part_is(&walk.value, '"'))
		return false;
	json_part_text(&walk.value, name, NAME_BYTES);
	ret->name = name;
	for (size_t i = 0; i < STORE_COUNT_NUMBERS; i++) {
		if (!json_walk_next(&walk) || !json_part_integer(&walk.value, &number))
			return false;
		ret->number[i] = (uint64_t)number;
	}
	return true;
}

int store_load_counters(const struct store *store, store_counted counted, void *context)
{
	CLEANUP(cleanup_free) char *text = NULL;
	struct json_part object, array;
	const char *detail;
	size_t size;
	int error = store_read_file(store, STORE_COUNTERS, &text, &size);

	if (!error)
		error = store_find(text, size, &object, &detail);
	if (!error && json_part_member(&object, "counters", &array) && json_part_is(&array, '[')) {
		struct json_walk walk = json_walk(&array);
		char name[NAME_BYTES];
		struct store_count count;

		while (json_walk_next(&walk)) {
			if (json_part_is(&walk.value, '[') && read_row(&walk.value, name, &count))
				counted(context, &count);
		}
	}
	return error;
}

void store_drop_counters(const struct store *store)
{
	(void)unlinkat(store->directory, STORE_COUNTERS, 0);
}
