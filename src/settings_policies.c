// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "heap.h"
#include "json.h"
#include "policy_document.h"
#include "policyset.h"
#include "problem.h"
#include "settings_kind.h"

#define POLICIES_MAX_BYTES ((size_t)1 << 30)

/* A policy and the file that it is from. */
struct entry {
	struct policy *policy;
	const char *file;
};

/* The policies of all files. */
struct collection {
	struct string_list files;
	struct entry *entry;
	size_t count;
	struct policy_source source;
};

static int find_files(const struct settings *settings, struct string_list *files,
		      struct problems *problems);
static int read_file(const char *path, bool required, struct collection *collection,
		     struct problems *problems);
static int make_set(struct collection *collection, struct policyset **ret,
		    struct problems *problems);

static void collection_clear(struct collection *collection)
{
	for (size_t i = 0; i < collection->count; i++)
		policy_put(&collection->entry[i].policy);
	free(collection->entry);
	string_list_clear(&collection->files);
}

static struct policy_source source_now(void)
{
	struct policy_source source = { .file = true };
	struct timespec now = { 0 }, boottime = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &boottime);
	source.now_us = now.tv_sec * 1000000LL + now.tv_nsec / 1000;
	source.boottime_ns = (uint64_t)boottime.tv_sec * 1000000000ULL + (uint64_t)boottime.tv_nsec;
	return source;
}

int settings_load_policies(const struct settings *settings, struct policyset **ret,
			   struct problems *problems)
{
	CLEANUP(collection_clear) struct collection collection = { .source = source_now() };
	CLEANUP(policyset_put) struct policyset *set = NULL;
	int error, first_error = 0;

	error = find_files(settings, &collection.files, problems);
	if (error)
		return error;
	/* All errors of all files, so a bad one does not end it. */
	for (size_t i = 0; i < collection.files.count; i++) {
		bool required = i > 0 || settings->policies_file_named;

		error = read_file(collection.files.string[i], required, &collection, problems);
		if (error == -ENOMEM)
			return error;
		if (error && !first_error)
			first_error = error;
	}
	error = make_set(&collection, &set, problems);
	heap_trim();
	if (first_error || error)
		return first_error ? first_error : error;
	*ret = TAKE_PTR(set);
	return 0;
}

/* Not those that editors and package tools leave: "x.json~", ".x.json". */
static int is_policies_name(const struct dirent *entry)
{
	size_t size = strlen(entry->d_name);

	return entry->d_name[0] != '.' && size > 5 &&
	       strcmp(entry->d_name + size - 5, ".json") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_file(struct string_list *files, const char *directory, const char *name)
{
	CLEANUP(cleanup_free) char *path = NULL;

	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return string_list_add(files, path);
}

static int find_files(const struct settings *settings, struct string_list *files,
		      struct problems *problems)
{
	const char *directory = settings->policies_directory;
	struct dirent **entries = NULL;
	int error = string_list_add(files, settings->policies_file);
	int count;

	if (error)
		return error;
	count = scandir(directory, &entries, is_policies_name, by_name);
	if (count < 0) {
		error = errno == ENOENT ? 0 : -errno;
		if (error)
			problem_add(problems, directory, "cannot be read: %s", strerror(-error));
		return error;
	}
	for (int i = 0; i < count; i++) {
		if (!error)
			error = add_file(files, directory, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return error;
}

static int add_entries(struct collection *collection, const struct policy_list *list,
		       const char *file)
{
	size_t count = collection->count + list->count;
	struct entry *grown;

	if (list->count == 0)
		return 0;
	grown = reallocarray(collection->entry, count, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	collection->entry = grown;
	for (size_t i = 0; i < list->count; i++) {
		list->policy[i]->origin = ORIGIN_FILE;
		grown[collection->count++] = (struct entry){ policy_get(list->policy[i]), file };
	}
	return 0;
}

static int read_file(const char *path, bool required, struct collection *collection,
		     struct problems *problems)
{
	CLEANUP(policy_list_clear) struct policy_list list = { 0 };
	CLEANUP(cleanup_free) char *text = NULL;
	struct policy_document document = { .source = &collection->source, .go_on = true };
	size_t first = problems->count;
	int error;

	if (!required && access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	error = json_read_file_text(path, POLICIES_MAX_BYTES, &text, &document.size, problems);
	if (error && problems->count == first)
		problem_add(problems, "", "cannot be read: %s", json_file_error(error));
	document.text = text;
	if (!error)
		error = policy_document_parse(&document, &list, problems);
	problems_prefix(problems, first, path);
	return error ? error : add_entries(collection, &list, path);
}

static int by_id(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	int order = strcmp(left->policy->id, right->policy->id);

	return order ? order : strcmp(left->file, right->file);
}

static int make_set(struct collection *collection, struct policyset **ret,
		    struct problems *problems)
{
	CLEANUP(policyset_put) struct policyset *empty = policyset_new();
	CLEANUP(cleanup_free) struct policy **policies = NULL;
	struct entry *entry = collection->entry;
	size_t errors = problems->errors;

	policies = calloc(collection->count + 1, sizeof(*policies));
	if (!empty || !policies)
		return -ENOMEM;
	if (collection->count)
		qsort(entry, collection->count, sizeof(*entry), by_id);
	for (size_t i = 0; i < collection->count; i++) {
		policies[i] = entry[i].policy;
		if (i > 0 && strcmp(entry[i].policy->id, entry[i - 1].policy->id) == 0)
			problem_add(problems, entry[i].file,
				    "policy \"%s\" is in %s too; an id must be in one file only",
				    entry[i].policy->id, entry[i - 1].file);
	}
	if (problems->errors > errors)
		return -EINVAL;
	return policyset_add(empty, policies, collection->count, ret);
}
