// SPDX-License-Identifier: Apache-2.0
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <time.h>

/* The place in the source would always be this file. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "cleanup.h"
#include "log_line.h"

#define FIELDS_MAX 16

struct log_row {
	const char *name;
	int priority; /* of syslog */
};

static const struct log_row rows[] = {
	[LOG_LEVEL_TRACE] = { "trace", LOG_DEBUG }, [LOG_LEVEL_DEBUG] = { "debug", LOG_DEBUG },
	[LOG_LEVEL_INFO] = { "info", LOG_INFO },    [LOG_LEVEL_WARN] = { "warn", LOG_WARNING },
	[LOG_LEVEL_ERROR] = { "error", LOG_ERR },   [LOG_LEVEL_CRITICAL] = { "critical", LOG_CRIT },
};

/* A log is of the process, so this is. Any thread may write to it. */
static struct {
	pthread_mutex_t lock;
	enum log_level level;
	unsigned int targets; /* LOG_TARGET_, 0: auto */
	char *path; /* of the file */
	int fd; /* of the file; -1: none */
	bool file_failed; /* and that was said on stderr */
} state = { .lock = PTHREAD_MUTEX_INITIALIZER, .level = LOG_LEVEL_INFO, .fd = -1 };

/* One message on its way to the targets. */
struct message {
	enum log_level level;
	const struct log_field *fields;
	size_t field_count;
	struct log_line text;
};

static int open_file(const char *path)
{
	int fd =
		open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);

	return fd < 0 ? -errno : fd;
}

static void replace_file(int fd)
{
	if (state.fd >= 0)
		close(state.fd);
	state.fd = fd;
	state.file_failed = false;
}

int log_configure(const struct settings *settings)
{
	CLEANUP(cleanup_free) char *path = NULL;
	int fd = -1;

	if (settings->log_targets & LOG_TARGET_FILE) {
		path = strdup(settings->log_file);
		if (!path)
			return -ENOMEM;
		fd = open_file(path);
		if (fd < 0)
			return fd;
	}
	pthread_mutex_lock(&state.lock);
	replace_file(fd);
	free(state.path);
	state.path = TAKE_PTR(path);
	__atomic_store_n(&state.level, settings->log_level, __ATOMIC_RELAXED);
	state.targets = settings->log_targets;
	pthread_mutex_unlock(&state.lock);
	return 0;
}

int log_reopen(void)
{
	int fd;

	if (!state.path)
		return 0;
	fd = open_file(state.path);
	if (fd < 0)
		return fd;
	pthread_mutex_lock(&state.lock);
	replace_file(fd);
	pthread_mutex_unlock(&state.lock);
	return 0;
}

/* Whether what goes to stderr ends up in the journal: systemd says of which
 * file that is true, because it may have been redirected since. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat stat;
	char *end;

	if (!stream || fstat(STDERR_FILENO, &stat) < 0)
		return false;
	device = strtoull(stream, &end, 10);
	if (end == stream || *end != ':')
		return false;
	stream = end + 1;
	inode = strtoull(stream, &end, 10);
	return end != stream && !*end && stat.st_dev == device && stat.st_ino == inode;
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, data, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		if (written == 0)
			return -EIO;
		data += written;
		size -= (size_t)written;
	}
	return 0;
}

/* A line for a file or a terminal. */
static void format_line(const struct message *message, struct log_line *ret)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	log_line_start(ret);
	log_line_add_time(ret, &now);
	log_line_add(ret, " %s ", rows[message->level].name);
	log_line_add_escaped(ret, message->text.text);
	log_line_add_fields(ret, message->fields, message->field_count);
	log_line_end(ret);
}

/* Where the journal reads stderr it takes the priority from a prefix, and has the time itself. */
static void write_stderr(const struct message *message)
{
	struct log_line line;

	if (stderr_is_journal()) {
		log_line_start(&line);
		log_line_add(&line, "<%d>", rows[message->level].priority);
		log_line_add_escaped(&line, message->text.text);
		log_line_add_fields(&line, message->fields, message->field_count);
		log_line_end(&line);
	} else {
		format_line(message, &line);
	}
	/* There is nowhere left to report a failure to. */
	(void)write_all(STDERR_FILENO, line.text, line.size);
}

static int write_file(const struct message *message)
{
	struct message complaint = { .level = LOG_LEVEL_ERROR };
	struct log_line line;
	int error;

	format_line(message, &line);
	error = write_all(state.fd, line.text, line.size);
	if (!error) {
		state.file_failed = false;
		return 0;
	}
	if (!state.file_failed) {
		state.file_failed = true;
		log_line_start(&complaint.text);
		log_line_add(&complaint.text, "cannot write to the log file %s: %s; using stderr",
			     state.path, strerror(-error));
		write_stderr(&complaint);
	}
	return error;
}

static int write_journal(const struct message *message)
{
	char priority[16];
	struct log_line text, fields;
	struct iovec iov[3 + FIELDS_MAX];
	int count = 0;

	snprintf(priority, sizeof(priority), "PRIORITY=%d", rows[message->level].priority);
	log_line_start(&text);
	log_line_add(&text, "MESSAGE=%s", message->text.text);
	iov[count++] = (struct iovec){ text.text, text.size };
	iov[count++] = (struct iovec){ priority, strlen(priority) };
	iov[count++] = (struct iovec){ (char *)(uintptr_t) "SYSLOG_IDENTIFIER=pepctl", 24 };
	log_line_start(&fields);
	for (size_t i = 0; i < message->field_count && i < FIELDS_MAX; i++) {
		const struct log_field *field = &message->fields[i];
		char *start = fields.text + fields.size;

		if (fields.full)
			break;
		log_line_add(&fields, "PEPCTL_%s=%s", field->key, field->value ? field->value : "");
		iov[count++] = (struct iovec){ start, (size_t)(fields.text + fields.size - start) };
	}
	return sd_journal_sendv(iov, count);
}

/* Where a message goes. One that a target does not take is said on stderr instead. */
static void deliver(const struct message *message)
{
	unsigned int targets = state.targets;
	bool lost = false;

	if (!targets)
		targets = stderr_is_journal() ? LOG_TARGET_JOURNAL : LOG_TARGET_STDERR;
	if (targets & LOG_TARGET_JOURNAL)
		lost |= write_journal(message) < 0;
	if (targets & LOG_TARGET_FILE)
		lost |= write_file(message) < 0;
	if (lost || targets & LOG_TARGET_STDERR)
		write_stderr(message);
}

void log_write(enum log_level level, const struct log_field *fields, size_t field_count,
	       const char *format, ...)
{
	struct message message = { .level = level, .fields = fields, .field_count = field_count };
	int saved_errno = errno;
	va_list arguments;

	if (level < __atomic_load_n(&state.level, __ATOMIC_RELAXED))
		return;
	log_line_start(&message.text);
	va_start(arguments, format);
	log_line_vadd(&message.text, format, arguments);
	va_end(arguments);
	pthread_mutex_lock(&state.lock);
	deliver(&message);
	pthread_mutex_unlock(&state.lock);
	errno = saved_errno;
}
