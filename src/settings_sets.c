// SPDX-License-Identifier: Apache-2.0
/*
 * The administrator's sets of addresses: NAME.txt and NAME.json of the
 * directory sets.d beside the policies' file.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "address.h"
#include "address_set.h"
#include "address_set_text.h"
#include "address_sets.h"
#include "cleanup.h"
#include "heap.h"
#include "json.h"
#include "json_cleanup.h"
#include "problem.h"
#include "settings.h"

#define SET_MAX_BYTES ((off_t)1 << 30)

/* All files of the directory on their way into a collection. */
struct sets_reader {
	const char *directory;
	struct dirent **entries;
	int count;
	int64_t now_us;
	struct address_sets *sets;
	struct problems *problems;
};

static int read_entry(struct sets_reader *reader, const char *file);
static int read_text(const struct address_set_source *source, struct address_set **ret,
		     struct problems *problems);
static int read_json(const struct address_set_source *source, struct address_set **ret,
		     struct problems *problems);

static const struct {
	const char *suffix;
	int (*read)(const struct address_set_source *source, struct address_set **ret,
		    struct problems *problems);
} kinds[] = { { ".txt", read_text }, { ".json", read_json } };

static void reader_clear(struct sets_reader *reader)
{
	for (int i = 0; i < reader->count; i++)
		free(reader->entries[i]);
	free(reader->entries);
	address_sets_put(&reader->sets);
}

/* Index in kinds[], -1: not a set, as "x.txt~" and ".x.txt". */
static int kind_of(const char *file)
{
	size_t size = strlen(file);

	for (size_t i = 0; i < ARRAY_SIZE(kinds) && file[0] != '.'; i++) {
		size_t length = strlen(kinds[i].suffix);

		if (size > length && !strcmp(file + size - length, kinds[i].suffix))
			return (int)i;
	}
	return -1;
}

static int is_set_file(const struct dirent *entry)
{
	return kind_of(entry->d_name) >= 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int settings_load_sets(const struct settings *settings, struct address_sets **ret,
		       struct problems *problems)
{
	CLEANUP(reader_clear)
	struct sets_reader reader = { .directory = settings->sets_directory,
				      .sets = address_sets_new(),
				      .problems = problems };
	const size_t errors = problems->errors;
	struct timespec now = { 0 };

	if (!reader.sets)
		return -ENOMEM;
	clock_gettime(CLOCK_REALTIME, &now);
	reader.now_us = now.tv_sec * 1000000LL + now.tv_nsec / 1000;
	reader.count = scandir(reader.directory, &reader.entries, is_set_file, by_name);
	if (reader.count < 0 && errno != ENOENT) {
		int error = -errno;

		problem_add(problems, reader.directory, "cannot be read: %s", strerror(-error));
		return error;
	}
	for (int i = 0; i < reader.count; i++)
		if (read_entry(&reader, reader.entries[i]->d_name) == -ENOMEM)
			return -ENOMEM;
	heap_trim();
	if (problems->errors > errors)
		return -EINVAL;
	*ret = TAKE_PTR(reader.sets);
	return 0;
}

/* Its name is the file's without the suffix. */
static int set_name(struct sets_reader *reader, const char *file, const char *path,
		    char ret_name[ADDRESS_SET_NAME_MAX + 1])
{
	size_t length = strlen(file) - strlen(kinds[kind_of(file)].suffix);

	snprintf(ret_name, ADDRESS_SET_NAME_MAX + 1, "%.*s",
		 (int)(length > ADDRESS_SET_NAME_MAX ? 0 : length), file);
	if (!address_set_name_valid(ret_name)) {
		problem_add(reader->problems, path,
			    "its name makes no name of a set: 1 to %d letters, digits and "
			    "\"._-\", the first a letter or digit",
			    ADDRESS_SET_NAME_MAX);
		return -EINVAL;
	}
	if (!address_sets_find(reader->sets, ret_name))
		return 0;
	problem_add(reader->problems, path,
		    "the set \"%s\" is in %s/%s.txt and in %s.json: leave one of them", ret_name,
		    reader->directory, ret_name, ret_name);
	return -EINVAL;
}

static int read_entry(struct sets_reader *reader, const char *file)
{
	CLEANUP(address_set_put) struct address_set *set = NULL;
	CLEANUP(cleanup_free) char *path = NULL;
	char name[ADDRESS_SET_NAME_MAX + 1];
	struct address_sets *more;
	int r;

	if (asprintf(&path, "%s/%s", reader->directory, file) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = set_name(reader, file, path, name);
	if (!r) {
		const struct address_set_source source = { name, path, reader->now_us };

		r = kinds[kind_of(file)].read(&source, &set, reader->problems);
	}
	if (r < 0)
		return r;
	set->origin = ORIGIN_FILE;
	set->created_at = set->updated_at = reader->now_us;
	if (address_sets_with(reader->sets, set, &more) < 0)
		return -ENOMEM;
	address_sets_put(&reader->sets);
	reader->sets = more;
	return 0;
}

/* All of a regular file; what else has the name could make us wait. */
static int read_file(const char *path, char **ret, size_t *ret_size)
{
	CLEANUP(cleanup_fd) int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CLEANUP(cleanup_free) char *text = NULL;
	struct stat status;
	size_t size = 0;
	ssize_t bytes;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
	if (status.st_size > SET_MAX_BYTES)
		return -EFBIG;
	text = malloc((size_t)status.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (size < (size_t)status.st_size) {
		bytes = read(fd, text + size, (size_t)status.st_size - size);
		if (bytes < 0 && errno != EINTR)
			return -errno;
		if (!bytes)
			break;
		size += bytes > 0 ? (size_t)bytes : 0;
	}
	*ret = TAKE_PTR(text);
	*ret_size = size;
	return 0;
}

static int read_text(const struct address_set_source *source, struct address_set **ret,
		     struct problems *problems)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t size = 0;
	int r = read_file(source->path, &text, &size);

	if (!r)
		return address_set_parse_text(source, text, size, ret, problems);
	problem_add(problems, source->path, "cannot be read: %s", strerror(-r));
	return r;
}

static int read_json(const struct address_set_source *source, struct address_set **ret,
		     struct problems *problems)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	const size_t first = problems->count;
	int r = json_read_file(source->path, (size_t)SET_MAX_BYTES, JSON_COMMENTS, &json, problems);

	if (r && problems->count == first)
		problem_add(problems, "", "cannot be read: %s", strerror(-r));
	if (!r)
		r = address_set_parse_json(source, json, ret, problems);
	problems_prefix(problems, first, source->path);
	return r;
}
