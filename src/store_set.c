// SPDX-License-Identifier: Apache-2.0
/*
 * The API's sets of addresses: a file each, in a directory of their own.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "address.h"
#include "address_set.h"
#include "address_set_text.h"
#include "address_sets.h"
#include "cleanup.h"
#include "json_cleanup.h"
#include "problem.h"
#include "store.h"
#include "store_state.h"
#include "store_text.h"

#define DIRECTORY_MODE 0750
#define SUFFIX ".set" /* so that no set's name can be that of another one's temporary file */

static int load_file(const struct store *place, const char *file, struct address_sets **sets,
		     struct problems *problems);

/* ---- the members of a set */

void store_add_set(struct store_writer *writer, const struct address_set *set)
{
	char line[ADDRESS_ENTRY_TEXT_MAX + 2];

	store_writer_print(writer, "\"set\":\"%s\",\"created_us\":%lld,\"updated_us\":%lld",
			   set->name, (long long)set->created_at, (long long)set->updated_at);
	store_writer_print(writer, ",\"entries\":\"");
	for (int family = 0; family < PEP_FAMILIES; family++) {
		for (size_t i = 0; i < set->list[family].count; i++) {
			address_entry_print_line(&set->list[family].entry[i],
						 (enum pep_family)family, line);
			strcat(line, "\\n");
			store_writer_add(writer, line, strlen(line));
		}
	}
	store_writer_print(writer, "\"");
}

static const char *text_of(struct json_object *json, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(json, name, &value) &&
			       json_object_is_type(value, json_type_string)
		       ? json_object_get_string(value)
		       : NULL;
}

static int64_t time_of(struct json_object *json, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(json, name, &value) ? json_object_get_int64(value) : 0;
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* That entries end while nobody runs is no problem, so what the parser warns of is left out. */
int store_read_set(struct json_object *json, struct address_set **ret, struct problems *problems)
{
	CLEANUP(problems_clear) struct problems found = { 0 };
	const char *name = text_of(json, "set"), *entries = text_of(json, "entries");
	const struct address_set_source source = { .name = name, .now_us = now_us() };
	struct address_set *set;
	int error;

	if (!name || !address_set_name_valid(name) || !entries) {
		problem_add(problems, "", "it holds no set of addresses");
		return -EINVAL;
	}
	error = address_set_parse_text(&source, entries, strlen(entries), &set, &found);
	for (size_t i = 0; error && i < found.count; i++)
		if (!found.list[i].warning)
			problem_add(problems, "", "set %s: %s", name, found.list[i].detail);
	if (error)
		return error;
	set->origin = ORIGIN_API;
	set->created_at = time_of(json, "created_us");
	set->updated_at = time_of(json, "updated_us");
	*ret = set;
	return 0;
}

/* ---- files */

static void close_place(struct store *place)
{
	cleanup_fd(&place->directory);
}

/* The store with the sets' directory for its own, which is made if @make. */
static int open_place(const struct store *store, bool make, struct store *ret)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;

	*ret = *store;
	ret->directory = -1;
	if (make && mkdirat(store->directory, STORE_SETS, DIRECTORY_MODE) == 0) {
		if (store->io->sync(store->directory) < 0)
			return -errno;
	} else if (make && errno != EEXIST) {
		return -errno;
	}
	ret->directory = store->io->open(store->directory, STORE_SETS, flags, 0);
	return ret->directory < 0 ? -errno : 0;
}

static void file_name(const char *set, char ret[STORE_NAME_MAX])
{
	snprintf(ret, STORE_NAME_MAX, "%s" SUFFIX, set);
}

static void add_content(void *context, struct store_writer *writer)
{
	store_writer_print(writer, ",");
	store_add_set(writer, context);
}

static int write_set(const struct store *place, const struct address_set *set)
{
	char name[STORE_NAME_MAX];

	file_name(set->name, name);
	return store_replace_file(place, name, add_content, (void *)set, NULL);
}

static int remove_set(const struct store *place, const char *set)
{
	char name[STORE_NAME_MAX];

	file_name(set, name);
	if (unlinkat(place->directory, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return place->io->sync(place->directory) < 0 ? -errno : 0;
}

int store_put_set(const struct store *store, const struct address_set *set,
		  const struct address_set *before)
{
	CLEANUP(close_place) struct store place;
	int error = open_place(store, true, &place);

	if (error)
		return error;
	error = write_set(&place, set);
	if (!error)
		return 0;
	/* It may be there nevertheless, with its name not known to last. */
	if (before)
		(void)write_set(&place, before);
	else
		(void)remove_set(&place, set->name);
	return error;
}

int store_delete_set(const struct store *store, const struct address_set *set)
{
	CLEANUP(close_place) struct store place;
	int error = open_place(store, true, &place);

	if (!error)
		error = remove_set(&place, set->name);
	if (error && place.directory >= 0)
		(void)write_set(&place, set);
	return error;
}

/* ---- loading */

static int is_set_file(const struct dirent *entry)
{
	size_t size = strlen(entry->d_name), length = strlen(SUFFIX);

	return size > length && !strcmp(entry->d_name + size - length, SUFFIX);
}

int store_load_sets(const struct store *store, struct address_sets **ret, struct problems *problems)
{
	CLEANUP(address_sets_put) struct address_sets *sets = address_sets_new();
	CLEANUP(close_place) struct store place;
	struct dirent **entries = NULL;
	int error = open_place(store, false, &place), count = 0;

	if (!sets)
		return -ENOMEM;
	if (!error) {
		count = scandirat(place.directory, ".", &entries, is_set_file, NULL);
		error = count < 0 ? -errno : 0;
	} else if (error == -ENOENT) {
		error = 0;
	}
	for (int i = 0; i < count; i++) {
		if (!error)
			error = load_file(&place, entries[i]->d_name, &sets, problems);
		free(entries[i]);
	}
	free(entries);
	if (!error)
		*ret = TAKE_PTR(sets);
	return error;
}

/* Returns 0, or -EBADMSG with why it cannot be used in @problems. */
static int read_file(const struct store *place, const char *file, struct address_set **ret,
		     struct problems *problems)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	CLEANUP(address_set_put) struct address_set *set = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	char name[STORE_NAME_MAX];
	const char *detail;
	size_t size;
	int error = store_read_file(place, file, &text, &size);

	if (error)
		return error;
	error = store_parse(text, size, &json, &detail);
	if (error) {
		problem_add(problems, "", "%s", detail);
		return error;
	}
	error = store_read_set(json, &set, problems);
	if (error)
		return error == -EINVAL ? -EBADMSG : error;
	file_name(set->name, name);
	if (strcmp(name, file) != 0) {
		problem_add(problems, "", "it holds the set %s", set->name);
		return -EBADMSG;
	}
	*ret = TAKE_PTR(set);
	return 0;
}

/* An empty set in the place of what cannot be used. */
static int replace_bad(const struct store *place, const char *file, const char *why,
		       struct address_set **ret, struct problems *problems)
{
	struct address_draft draft = { 0 };
	char name[STORE_NAME_MAX];
	int error;

	snprintf(name, sizeof(name), "%.*s", (int)(strlen(file) - strlen(SUFFIX)), file);
	problem_add(problems, place->path,
		    STORE_SETS "/%s cannot be used: %s. It is kept aside, and the set is empty",
		    file, why);
	error = store_keep_aside(place, file);
	if (address_set_name_valid(name)) {
		if (address_set_make(name, &draft, ret) < 0)
			return -ENOMEM;
		(*ret)->origin = ORIGIN_API;
		(*ret)->created_at = (*ret)->updated_at = now_us();
		error = error ? error : write_set(place, *ret);
	}
	if (error)
		problem_add(problems, place->path, STORE_SETS "/%s cannot be repaired: %s", file,
			    strerror(-error));
	return 0;
}

static int load_file(const struct store *place, const char *file, struct address_sets **sets,
		     struct problems *problems)
{
	CLEANUP(problems_clear) struct problems found = { 0 };
	CLEANUP(address_set_put) struct address_set *set = NULL;
	struct address_sets *more;
	int error = read_file(place, file, &set, &found);

	if (error == -EBADMSG)
		error = replace_bad(place, file, found.count ? found.list[0].detail : "", &set,
				    problems);
	if (error) {
		problem_add(problems, place->path, STORE_SETS "/%s cannot be read: %s", file,
			    found.count ? found.list[0].detail : strerror(-error));
		return error;
	}
	if (!set)
		return 0;
	error = address_sets_with(*sets, set, &more);
	if (error)
		return error;
	address_sets_put(sets);
	*sets = more;
	return 0;
}
