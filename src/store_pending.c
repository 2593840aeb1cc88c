// SPDX-License-Identifier: Apache-2.0
#include "store_pending.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "address_set.h"
#include "cleanup.h"
#include "json.h"
#include "json_cleanup.h"
#include "json_walk.h"
#include "problem.h"
#include "store_state.h"
#include "store_text.h"

#define PENDING_FILE "pending.json"

struct content {
	const struct store *store;
	const struct store_pending *pending;
};

static void add_text(struct store_writer *writer, const char *text)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_string(text);

	store_writer_add_json(writer, json);
}

static void add_set(struct store_writer *writer, const struct store_pending *pending)
{
	if (pending->removed_set) {
		store_writer_print(writer, ",\"removed_set\":");
		add_text(writer, pending->removed_set);
	}
	if (!pending->put_set)
		return;
	store_writer_print(writer, ",\"put_set\":{");
	store_add_set(writer, pending->put_set);
	store_writer_print(writer, "}");
}

static void add_pending(void *context, struct store_writer *writer)
{
	const struct content *content = context;
	const struct store_pending *pending = content->pending;

	store_writer_print(writer, ",\"id\":\"%s\",\"seconds\":%u,\"boot_id\":\"%s\"", pending->id,
			   pending->seconds, content->store->boot_id);
	store_writer_print(writer, ",\"deadline_ns\":%llu,\"remove\":[",
			   (unsigned long long)pending->deadline_ns);
	for (size_t i = 0; i < pending->remove_count; i++) {
		store_writer_print(writer, "%s", i ? "," : "");
		add_text(writer, pending->remove[i]);
	}
	store_writer_print(writer, "],\"put\":[");
	for (size_t i = 0; i < pending->put_count; i++) {
		store_writer_print(writer, "%s", i ? "," : "");
		store_add_policy(content->store, writer, pending->put[i]);
	}
	store_writer_print(writer, "]");
	add_set(writer, pending);
}

int store_put_pending(const struct store *store, const struct store_pending *pending)
{
	struct content content = { store, pending };

	return store_replace_file(store, PENDING_FILE, add_pending, &content, NULL);
}

/* ---- reading */

/* A file on its way to a change. */
struct load {
	const struct store *store;
	struct problems *problems;
	struct policy_source source;
	struct json_tokener *tokener;
	struct store_pending result;
};

static void load_clear(struct load *load)
{
	json_build_end(&load->tokener);
	store_pending_clear(&load->result);
}

static int load_id(struct load *load, const struct json_part *part)
{
	struct store_pending *result = &load->result;
	char id[POLICY_ID_MAX + 1];
	const char **grown;

	grown = reallocarray(result->remove, result->remove_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	result->remove = grown;
	json_part_text(part, id, sizeof(id));
	grown[result->remove_count] = strdup(id);
	return grown[result->remove_count++] ? 0 : -ENOMEM;
}

static int load_policy(struct load *load, const struct json_part *part)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	struct store_pending *result = &load->result;
	struct policy **grown;
	int error = json_build(&load->tokener, part->text, part->size, &json, load->problems);

	if (error)
		return error;
	grown = reallocarray(result->put, result->put_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	result->put = grown;
	error = store_read_policy(load->store, json, &load->source, &grown[result->put_count],
				  load->problems);
	result->put_count += !error;
	return error;
}

static int load_each(struct load *load, const struct json_part *object, const char *name,
		     int (*one)(struct load *load, const struct json_part *part))
{
	struct json_part array;
	struct json_walk walk;
	int error = 0;

	if (!json_part_member(object, name, &array) || !json_part_is(&array, '['))
		return -EBADMSG;
	walk = json_walk(&array);
	while (!error && json_walk_next(&walk))
		error = one(load, &walk.value);
	return error;
}

static int load_set(struct load *load, const struct json_part *object)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	char name[ADDRESS_SET_NAME_MAX + 1];
	struct json_part part;
	int error;

	if (json_part_member(object, "removed_set", &part)) {
		json_part_text(&part, name, sizeof(name));
		load->result.removed_set = strdup(name);
		return load->result.removed_set ? 0 : -ENOMEM;
	}
	if (!json_part_member(object, "put_set", &part))
		return 0;
	error = json_build(&load->tokener, part.text, part.size, &json, load->problems);
	return error ? error : store_read_set(json, &load->result.put_set, load->problems);
}

static int64_t number_of(const struct json_part *object, const char *name)
{
	struct json_part part;
	int64_t number = 0;

	if (json_part_member(object, name, &part))
		json_part_integer(&part, &number);
	return number > 0 ? number : 0;
}

static void load_head(struct load *load, const struct json_part *object)
{
	char boot_id[STORE_BOOT_ID_SIZE] = "";
	struct json_part part;

	if (json_part_member(object, "id", &part))
		json_part_text(&part, load->result.id, sizeof(load->result.id));
	if (json_part_member(object, "boot_id", &part))
		json_part_text(&part, boot_id, sizeof(boot_id));
	load->result.seconds = (uint32_t)number_of(object, "seconds");
	if (*boot_id && !strcmp(boot_id, load->store->boot_id))
		load->result.deadline_ns = (uint64_t)number_of(object, "deadline_ns");
}

int store_load_pending(const struct store *store, struct store_pending *ret,
		       struct problems *problems)
{
	CLEANUP(load_clear)
	struct load load = {
		.store = store,
		.problems = problems,
		.source = store_policy_source(),
	};
	CLEANUP(cleanup_free) char *text = NULL;
	struct json_part object;
	const char *detail;
	size_t size;
	int error = store_read_file(store, PENDING_FILE, &text, &size);

	if (error)
		return error;
	error = store_find(text, size, &object, &detail);
	if (error) {
		problem_add(problems, PENDING_FILE, "%s", detail);
		return error;
	}
	load_head(&load, &object);
	error = load_each(&load, &object, "remove", load_id);
	if (!error)
		error = load_each(&load, &object, "put", load_policy);
	if (!error)
		error = load_set(&load, &object);
	if (error)
		return error;
	*ret = load.result;
	load.result = (struct store_pending){ 0 };
	return 0;
}

void store_pending_clear(struct store_pending *pending)
{
	for (size_t i = 0; i < pending->remove_count; i++)
		free((char *)pending->remove[i]);
	for (size_t i = 0; i < pending->put_count; i++)
		policy_put(&pending->put[i]);
	free(pending->remove);
	free(pending->put);
	free((char *)pending->removed_set);
	address_set_put(&pending->put_set);
}

int store_drop_pending(const struct store *store)
{
	if (unlinkat(store->directory, PENDING_FILE, 0) < 0)
		return errno == ENOENT ? 0 : -errno;
	return store->io->sync(store->directory) < 0 ? -errno : 0;
}
