// SPDX-License-Identifier: Apache-2.0
#include "audit.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "http_json.h"
#include "json_cleanup.h"
#include "log.h"
#include "timestamp.h"

#define FILE_MODE 0640
#define NS_PER_REFUSAL UINT64_C(200000000) /* five a second */
#define REFUSALS_AT_ONCE 50

struct audit {
	int fd; /* -1: not open */
	char *path; /* of what is open */
	int error; /* errno of the last record */
	uint64_t paid_ns; /* CLOCK_MONOTONIC: until when refusals are accounted for */
	uint64_t left_out; /* refusals since the last record */
};

static struct json_object *complete(struct audit *audit, struct json_object *record);
static int open_file(struct audit *audit, const char *path);
static int append(int fd, struct json_object *record);

struct audit *audit_new(void)
{
	struct audit *audit = calloc(1, sizeof(*audit));

	if (audit)
		audit->fd = -1;
	return audit;
}

bool audit_admits(struct audit *audit, uint64_t now_ns)
{
	uint64_t earliest = now_ns > REFUSALS_AT_ONCE * NS_PER_REFUSAL
				    ? now_ns - REFUSALS_AT_ONCE * NS_PER_REFUSAL
				    : 0;

	if (audit->paid_ns < earliest)
		audit->paid_ns = earliest;
	if (audit->paid_ns + NS_PER_REFUSAL > now_ns) {
		audit->left_out++;
		return false;
	}
	audit->paid_ns += NS_PER_REFUSAL;
	return true;
}

void audit_write(struct audit *audit, const char *path, struct json_object *record)
{
	CLEANUP(cleanup_json) struct json_object *line = complete(audit, record);
	int error = line ? open_file(audit, path) : -ENOMEM;

	if (!error)
		error = append(audit->fd, line);
	if (error && !audit->error)
		log_error("the audit log %s cannot be written: %s", path, strerror(-error));
	if (!error && audit->error)
		log_info("the audit log %s is written again", path);
	if (!error)
		audit->left_out = 0;
	audit->error = -error;
}

void audit_reopen(struct audit *audit)
{
	cleanup_fd(&audit->fd);
}

int audit_error(const struct audit *audit)
{
	return audit->error;
}

void audit_free(struct audit **audit)
{
	struct audit *freed = TAKE_PTR(*audit);

	if (!freed)
		return;
	cleanup_fd(&freed->fd);
	free(freed->path);
	free(freed);
}

/* What is in every record, in front of what the record says. */
static struct json_object *complete(struct audit *audit, struct json_object *record)
{
	CLEANUP(cleanup_json) struct json_object *owned = record;
	CLEANUP(cleanup_json) struct json_object *line = json_object_new_object();
	struct timespec now = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	if (!owned || !line ||
	    json_add_time(line, "time", (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000) ||
	    (audit->left_out && json_add_number(line, "refusals_left_out", audit->left_out)))
		return NULL;
	json_object_object_foreach(owned, key, value) {
		if (json_object_object_add(line, key, json_object_get(value)) < 0)
			return NULL;
	}
	return TAKE_PTR(line);
}

static int open_file(struct audit *audit, const char *path)
{
	char *copy;

	if (audit->fd >= 0 && !strcmp(audit->path, path))
		return 0;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	free(audit->path);
	audit->path = copy;
	cleanup_fd(&audit->fd);
	/* Not a pipe that nobody reads: that would make the daemon wait. */
	audit->fd =
		open(path,
		     O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK,
		     FILE_MODE);
	return audit->fd < 0 ? -errno : 0;
}

/* In one piece, so that lines stay lines. What is cut off by a full disk is ended by the next. */
static int append(int fd, struct json_object *record)
{
	size_t size;
	const char *text = json_object_to_json_string_length(
		record, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);
	CLEANUP(cleanup_free) char *line = NULL;
	ssize_t written;

	if (!text || asprintf(&line, "%s\n", text) < 0) {
		line = NULL;
		return -ENOMEM;
	}
	written = write(fd, line, size + 1);
	if (written < 0)
		return -errno;
	if ((size_t)written == size + 1)
		return 0;
	return write(fd, "\n", 1) == 1 ? -ENOSPC : -errno;
}
