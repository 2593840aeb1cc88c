// SPDX-License-Identifier: Apache-2.0
#include "store_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "store_text.h"

#define FILE_MODE 0640
#define READ_BYTES 65536
#define ASIDE_MAX 10000

static int system_open(int directory, const char *name, int flags, mode_t mode)
{
	return openat(directory, name, flags, mode);
}

const struct store_io store_io_system = {
	.open = system_open,
	.read = read,
	.write = write,
	.truncate = ftruncate,
	.sync = fsync,
	.sync_data = fdatasync,
	.rename = renameat,
};

/* Content, then its name: whoever finds the name finds all of the content. */
static int write_new(const struct store *store, const char *name, store_content add_content,
		     void *context, size_t *ret_bytes)
{
	CLEANUP(cleanup_free) struct store_writer *writer = malloc(sizeof(*writer));
	CLEANUP(cleanup_fd) int fd = -1;
	int error;

	if (!writer)
		return -ENOMEM;
	fd = store->io->open(store->directory, name,
			     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	if (fd < 0)
		return -errno;
	store_writer_start(writer, store->io, fd);
	add_content(context, writer);
	error = store_writer_finish(writer);
	if (!error && store->io->sync(fd) < 0)
		error = -errno;
	if (!error)
		*ret_bytes = writer->bytes;
	return error;
}

int store_replace_file(const struct store *store, const char *name, store_content add_content,
		       void *context, size_t *ret_bytes)
{
	const struct store_io *io = store->io;
	char temporary[STORE_NAME_MAX];
	size_t bytes = 0;
	int error;

	snprintf(temporary, sizeof(temporary), "%s.tmp", name);
	error = write_new(store, temporary, add_content, context, &bytes);
	if (!error && io->rename(store->directory, temporary, store->directory, name) < 0)
		error = -errno;
	if (error) {
		/* Or it would keep the room that the next try needs. */
		(void)unlinkat(store->directory, temporary, 0);
		return error;
	}
	if (ret_bytes)
		*ret_bytes = bytes;
	return io->sync(store->directory) < 0 ? -errno : 0;
}

int store_read_file(const struct store *store, const char *name, char **ret, size_t *ret_size)
{
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(cleanup_fd) int fd = -1;
	size_t room = 0, size = 0;

	fd = store->io->open(store->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t bytes;

		if (size == room) {
			char *grown = realloc(text, room ? room * 2 : READ_BYTES);

			if (!grown)
				return -ENOMEM;
			text = grown;
			room = room ? room * 2 : READ_BYTES;
		}
		bytes = store->io->read(fd, text + size, room - size);
		if (bytes == 0)
			break;
		if (bytes > 0)
			size += (size_t)bytes;
		else if (errno != EINTR)
			return -errno;
	}
	*ret = TAKE_PTR(text);
	*ret_size = size;
	return 0;
}

/* The first name of the form NAME.bad-N that is free, or that @same has already. */
static int find_aside(const struct store *store, const char *name, const struct stat *same,
		      char ret_name[STORE_NAME_MAX])
{
	for (unsigned int n = 1; n <= ASIDE_MAX; n++) {
		struct stat status;

		snprintf(ret_name, STORE_NAME_MAX, "%s.bad-%u", name, n);
		if (fstatat(store->directory, ret_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
			return errno == ENOENT ? 0 : -errno;
		if (same && same->st_dev == status.st_dev && same->st_ino == status.st_ino)
			return 0;
	}
	return -EEXIST;
}

int store_keep_aside(const struct store *store, const char *name)
{
	char aside[STORE_NAME_MAX];
	int error = find_aside(store, name, NULL, aside);

	if (!error && store->io->rename(store->directory, name, store->directory, aside) < 0)
		error = -errno;
	if (error)
		return error;
	return store->io->sync(store->directory) < 0 ? -errno : 0;
}

int store_keep_copy(const struct store *store, const char *name)
{
	char aside[STORE_NAME_MAX];
	struct stat status;
	int error;

	if (fstatat(store->directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	error = find_aside(store, name, &status, aside);
	/* It is there already when an earlier start got as far as this. */
	if (!error && linkat(store->directory, name, store->directory, aside, 0) < 0 &&
	    errno != EEXIST)
		error = -errno;
	if (error)
		return error;
	return store->io->sync(store->directory) < 0 ? -errno : 0;
}

int store_open_journal(struct store *store, size_t bytes)
{
	CLEANUP(cleanup_fd) int fd = -1;
	struct stat status;

	fd = store->io->open(store->directory, STORE_JOURNAL,
			     O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if ((size_t)status.st_size > bytes && store->io->truncate(fd, (off_t)bytes) < 0)
		return -errno;
	/* Its name must last as long as what will be in it. */
	if (store->io->sync(fd) < 0 || store->io->sync(store->directory) < 0)
		return -errno;
	if (store->journal >= 0)
		close(store->journal);
	store->journal = TAKE_FD(fd);
	store->journal_bytes = bytes;
	return 0;
}
