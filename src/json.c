// SPDX-License-Identifier: Apache-2.0
#include "json.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "json_scan.h"
#include "problem.h"

static int read_whole(const char *path, size_t max, char **ret, size_t *ret_size);

int json_read(const char *text, size_t size, unsigned int flags, struct json_object **ret,
	      struct problems *problems)
{
	CLEANUP(json_build_end) struct json_tokener *tokener = NULL;
	CLEANUP(cleanup_free) char *copy = NULL;
	int r, built;

	if (flags & JSON_COMMENTS) {
		copy = malloc(size + 1);
		if (!copy)
			return -ENOMEM;
		if (size)
			memcpy(copy, text, size);
		copy[size] = '\0';
		r = json_blank_comments(copy, size, problems);
		if (r < 0)
			return r;
		text = copy;
	}
	r = json_scan(text, size, problems);
	if (r == -EEXIST && !(flags & JSON_GO_ON))
		return -EBADMSG;
	if (r < 0 && r != -EEXIST)
		return r;
	built = json_build(&tokener, text, size, ret, problems);
	return built < 0 ? built : r;
}

/*
 * What the library refuses of a text that is known to be JSON is its limit.
 * Not asked to be strict itself: json-c 0.18 would then take no UTF-8.
 */
int json_build(struct json_tokener **tokener, const char *text, size_t size,
	       struct json_object **ret, struct problems *problems)
{
	enum json_tokener_error error;
	struct json_object *json;

	if (size >= INT_MAX) {
		problem_add(problems, "", "the text is longer than 2 GiB");
		return -EBADMSG;
	}
	if (*tokener)
		json_tokener_reset(*tokener);
	else
		*tokener = json_tokener_new_ex(JSON_DEPTH_MAX + 2);
	if (!*tokener)
		return -ENOMEM;
	json = json_tokener_parse_ex(*tokener, text, (int)size);
	error = json_tokener_get_error(*tokener);
	/* A number may go on until it is known that nothing follows. */
	if (error == json_tokener_continue) {
		json = json_tokener_parse_ex(*tokener, "", 1);
		error = json_tokener_get_error(*tokener);
	}
	if (error != json_tokener_success) {
		json_object_put(json);
		problem_add(problems, "", "%s", json_tokener_error_desc(error));
		return -EBADMSG;
	}
	*ret = json;
	return 0;
}

void json_build_end(struct json_tokener **tokener)
{
	if (*tokener)
		json_tokener_free(*tokener);
	*tokener = NULL;
}

int json_read_file(const char *path, size_t max, unsigned int flags, struct json_object **ret,
		   struct problems *problems)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t size = 0;
	int r;

	r = read_whole(path, max, &text, &size);
	if (r < 0)
		return r;
	return json_read(text, size, flags, ret, problems);
}

int json_read_file_text(const char *path, size_t max, char **ret, size_t *ret_size,
			struct problems *problems)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t size = 0;
	int r;

	r = read_whole(path, max, &text, &size);
	if (r >= 0)
		r = json_blank_comments(text, size, problems);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(text);
	*ret_size = size;
	return 0;
}

const char *json_file_error(int error)
{
	return error == -EISDIR ? "it is not a regular file" : strerror(-error);
}

static int read_all(int fd, size_t max, char **ret, size_t *ret_size)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t room = 0, size = 0;

	for (;;) {
		ssize_t bytes;

		if (size == room) {
			size_t larger = room ? room * 2 : 65536;
			char *grown = realloc(text, larger);

			if (!grown)
				return -ENOMEM;
			text = grown;
			room = larger;
		}
		bytes = read(fd, text + size, room - size);
		if (bytes < 0 && errno == EINTR)
			continue;
		if (bytes < 0)
			return -errno;
		if (!bytes)
			break;
		size += (size_t)bytes;
		if (size > max)
			return -EFBIG;
	}
	*ret = TAKE_PTR(text);
	*ret_size = size;
	return 0;
}

/* Regular files only: a FIFO would make the daemon wait. */
static int read_whole(const char *path, size_t max, char **ret, size_t *ret_size)
{
	CLEANUP(cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EISDIR;
	return read_all(fd, max, ret, ret_size);
}
