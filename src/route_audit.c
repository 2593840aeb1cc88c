/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /audit: the end of the audit log, as it is in the file.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "daemon.h"
#include "http_request.h"
#include "json_scan.h"
#include "number.h"
#include "problem.h"
#include "settings.h"

#define TAIL_BYTES (4 << 20)
#define LIMIT 100
#define LIMIT_MAX 1000

static int read_tail(const char *path, char **ret, size_t *ret_size);
static size_t start_of(const char *text, size_t size, size_t most);
static int add_records(const char *text, size_t size, struct evbuffer *body);
static bool is_record(const char *line, size_t size);

static void free_buffer(struct evbuffer **buffer)
{
	if (*buffer)
		evbuffer_free(*buffer);
}

/* Answers when it is none. */
static int read_limit(struct http_request *request, size_t *ret)
{
	const char *text = http_parameter(request, "limit", 0);
	uint64_t limit = LIMIT;

	if (text && (number_parse(text, LIMIT_MAX, &limit) || !limit)) {
		http_refuse(request, 400, "limit is a number from 1 to %d, not '%.50s'", LIMIT_MAX,
			    text);
		return -EINVAL;
	}
	*ret = (size_t)limit;
	return 0;
}

void route_audit(struct http_request *request)
{
	const char *path = request->daemon->settings->audit_file;
	CLEANUP(free_buffer) struct evbuffer *body = evbuffer_new();
	CLEANUP(cleanup_free) char *text = NULL;
	size_t size = 0, most = 0, start;
	int error;

	if (read_limit(request, &most))
		return;
	error = body ? read_tail(path, &text, &size) : -ENOMEM;
	if (!error && text) {
		start = start_of(text, size, most);
		error = add_records(text + start, size - start, body);
	}
	if (error)
		http_refuse(request, error == -ENOMEM ? 503 : 500, "%s cannot be read: %s", path,
			    strerror(-error));
	else
		http_answer_text(request, "application/json", body);
}

/* Of a file that is not there, nothing. */
static int read_tail(const char *path, char **ret, size_t *ret_size)
{
	CLEANUP(cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	CLEANUP(cleanup_free) char *text = NULL;
	struct stat status = { 0 };
	size_t size = 0, whole;

	if (fd < 0 && errno != ENOENT)
		return -errno;
	if (fd >= 0 && fstat(fd, &status))
		return -errno;
	whole = (size_t)(status.st_size < TAIL_BYTES ? status.st_size : TAIL_BYTES);
	text = malloc(whole + 1);
	if (!text)
		return -ENOMEM;
	while (size < whole) {
		ssize_t got = pread(fd, text + size, whole - size,
				    status.st_size - (off_t)(whole - size));

		if (got < 0)
			return -errno;
		if (!got)
			break;
		size += (size_t)got;
	}
	*ret = TAKE_PTR(text);
	*ret_size = size;
	return 0;
}

/* Where the last lines begin. */
static size_t start_of(const char *text, size_t size, size_t most)
{
	size_t start = size;

	while (start && most--) {
		const char *newline = memrchr(text, '\n', start - 1);

		start = newline ? (size_t)(newline - text) + 1 : 0;
	}
	return start;
}

/* What a full disk has cut off is no record. */
static int add_records(const char *text, size_t size, struct evbuffer *body)
{
	size_t start = 0, count = 0;

	if (evbuffer_add_printf(body, "{\"records\": [") < 0)
		return -ENOMEM;
	while (start < size) {
		const char *end = memchr(text + start, '\n', size - start);
		size_t length = (end ? (size_t)(end - text) : size) - start;

		if (is_record(text + start, length) &&
		    evbuffer_add_printf(body, "%s\n%.*s", count++ ? "," : "", (int)length,
					text + start) < 0)
			return -ENOMEM;
		start += length + 1;
	}
	return evbuffer_add_printf(body, "\n], \"count\": %zu}\n", count) < 0 ? -ENOMEM : 0;
}

static bool is_record(const char *line, size_t size)
{
	CLEANUP(problems_clear) struct problems ignored = { 0 };

	return size && *line == '{' && !json_scan(line, size, &ignored);
}
