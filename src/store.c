// SPDX-License-Identifier: Apache-2.0
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "heap.h"
#include "json_cleanup.h"
#include "policyset.h"
#include "problem.h"
#include "store_state.h"
#include "store_text.h"

#define DIRECTORY_MODE 0750
#define FILE_MODE 0640
#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

static int open_directory(struct store *store, const char *path);
static int lock_directory(struct store *store, struct problems *problems);
static void read_boot_id(char ret[STORE_BOOT_ID_SIZE]);

int store_open(const char *directory, struct store **ret, struct policyset **ret_set,
	       struct problems *problems)
{
	return store_open_io(&store_io_system, directory, ret, ret_set, problems);
}

int store_open_io(const struct store_io *io, const char *directory, struct store **ret,
		  struct policyset **ret_set, struct problems *problems)
{
	CLEANUP(store_close) struct store *store = calloc(1, sizeof(*store));
	int error;

	if (!store)
		return -ENOMEM;
	store->io = io;
	store->directory = store->lock = store->journal = -1;
	store->path = strdup(directory);
	if (!store->path)
		return -ENOMEM;
	read_boot_id(store->boot_id);
	error = open_directory(store, directory);
	if (error) {
		problem_add(problems, directory, "cannot be opened: %s", strerror(-error));
		return error;
	}
	error = lock_directory(store, problems);
	if (!error)
		error = store_load(store, ret_set, problems);
	heap_trim();
	if (error)
		return error;
	*ret = TAKE_PTR(store);
	return 0;
}

/* Made durable in its parent when it is new. */
static int make_directory(const struct store *store, const char *path)
{
	CLEANUP(cleanup_free) char *parent = NULL;
	CLEANUP(cleanup_fd) int fd = -1;

	if (mkdir(path, DIRECTORY_MODE) < 0)
		return errno == EEXIST ? 0 : -errno;
	if (asprintf(&parent, "%s/..", path) < 0) {
		parent = NULL;
		return -ENOMEM;
	}
	fd = store->io->open(AT_FDCWD, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	return store->io->sync(fd) < 0 ? -errno : 0;
}

static int open_directory(struct store *store, const char *path)
{
	int error = make_directory(store, path);

	if (error)
		return error;
	store->directory = store->io->open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	return store->directory < 0 ? -errno : 0;
}

static int refuse_busy(const struct store *store, struct problems *problems)
{
	char pid[32] = "";
	ssize_t size = read(store->lock, pid, sizeof(pid) - 1);

	pid[size > 0 ? (size_t)size : 0] = '\0';
	pid[strspn(pid, "0123456789")] = '\0';
	problem_add(problems, store->path, "is in use by process %s", *pid ? pid : "(unknown)");
	return -EBUSY;
}

/*
 * Where nothing can be written (a read-only or full file system), what is there
 * can still be read and enforced: a lock needs no file that can be written to.
 */
static int open_lock(const struct store *store, bool *ret_writable)
{
	const int flags = O_CLOEXEC | O_NOFOLLOW;
	int fd = openat(store->directory, STORE_LOCK, O_RDWR | O_CREAT | flags, FILE_MODE);

	*ret_writable = fd >= 0;
	if (fd >= 0 || (errno != EROFS && errno != EACCES && errno != ENOSPC && errno != EDQUOT))
		return fd;
	fd = openat(store->directory, STORE_LOCK, O_RDONLY | flags);
	return fd >= 0 ? fd : openat(store->directory, ".", O_RDONLY | O_DIRECTORY | flags);
}

/* The kernel drops the lock with the process, so a stale file does no harm. */
static int lock_directory(struct store *store, struct problems *problems)
{
	char pid[32];
	int size = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	bool writable;
	int error = 0;

	store->lock = open_lock(store, &writable);
	if (store->lock < 0 || flock(store->lock, LOCK_EX | LOCK_NB) < 0)
		error = -errno;
	if (error == -EWOULDBLOCK)
		return refuse_busy(store, problems);
	if (error) {
		problem_add(problems, store->path, "cannot be locked: %s", strerror(-error));
		return error;
	}
	/* For the message only; a full disk must not stop a start. */
	if (writable && ftruncate(store->lock, 0) == 0 &&
	    pwrite(store->lock, pid, (size_t)size, 0) != size)
		problem_warn(problems, store->path, "the pid could not be noted: %s",
			     strerror(errno));
	return 0;
}

/* Empty when it cannot be read: ends by boot time are then kept by wall time. */
static void read_boot_id(char ret[STORE_BOOT_ID_SIZE])
{
	CLEANUP(cleanup_file) FILE *file = fopen(BOOT_ID_FILE, "re");

	*ret = '\0';
	if (file && !fgets(ret, STORE_BOOT_ID_SIZE, file))
		*ret = '\0';
	ret[strspn(ret, "0123456789abcdef-")] = '\0';
}

struct transaction {
	const char *const *remove;
	size_t remove_count;
	struct policy *const *put;
	size_t put_count;
};

static void add_ids(struct store_writer *writer, const struct transaction *transaction)
{
	for (size_t i = 0; i < transaction->remove_count; i++) {
		CLEANUP(cleanup_json)
		struct json_object *id = json_object_new_string(transaction->remove[i]);

		store_writer_print(writer, "%s", i ? "," : "");
		store_writer_add_json(writer, id);
	}
}

static int write_transaction(const struct store *store, const struct transaction *transaction,
			     size_t *ret_bytes)
{
	CLEANUP(cleanup_free) struct store_writer *writer = malloc(sizeof(*writer));
	int error;

	if (!writer)
		return -ENOMEM;
	store_writer_start(writer, store->io, store->journal);
	store_writer_print(writer, ",\"sequence\":%llu,\"remove\":[",
			   (unsigned long long)store->sequence + 1);
	add_ids(writer, transaction);
	store_writer_print(writer, "],\"put\":[");
	for (size_t i = 0; i < transaction->put_count; i++) {
		store_writer_print(writer, "%s", i ? "," : "");
		store_add_policy(store, writer, transaction->put[i]);
	}
	store_writer_print(writer, "]");
	error = store_writer_finish(writer);
	if (error)
		return error;
	*ret_bytes = writer->bytes;
	return store->io->sync_data(store->journal) < 0 ? -errno : 0;
}

/* Takes a transaction back that was written in part, or is not known to be durable. */
static int cut_off(struct store *store)
{
	if (store->io->truncate(store->journal, (off_t)store->journal_bytes) < 0)
		return -errno;
	return store->io->sync(store->journal) < 0 ? -errno : 0;
}

int store_append(struct store *store, const char *const *remove, size_t remove_count,
		 struct policy *const *put, size_t put_count)
{
	const struct transaction transaction = { remove, remove_count, put, put_count };
	size_t bytes = 0;
	int error;

	if (store->broken)
		return store->broken;
	error = write_transaction(store, &transaction, &bytes);
	if (error) {
		if (cut_off(store))
			__atomic_store_n(&store->broken, error, __ATOMIC_RELAXED);
		return error;
	}
	store->journal_bytes += bytes;
	store->last_bytes = bytes;
	store->sequence++;
	return 0;
}

int store_take_back(struct store *store)
{
	int error;

	if (store->broken)
		return store->broken;
	store->journal_bytes -= store->last_bytes;
	store->last_bytes = 0;
	store->sequence--;
	error = cut_off(store);
	if (error)
		__atomic_store_n(&store->broken, error, __ATOMIC_RELAXED);
	return error;
}

void store_close(struct store **store)
{
	struct store *closed = TAKE_PTR(*store);

	if (!closed)
		return;
	cleanup_fd(&closed->journal);
	cleanup_fd(&closed->directory);
	cleanup_fd(&closed->lock);
	free(closed->path);
	free(closed);
}
