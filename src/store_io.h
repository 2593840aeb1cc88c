/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls that durability hangs on, in a table: tests put in their own
 * that fail, write less than asked, or kill the process at any step.
 */
#ifndef STORE_IO_H
#define STORE_IO_H

#include <stddef.h>
#include <sys/types.h>

struct policyset;
struct problems;
struct store;

/* Results as of the system calls: -1 and errno. */
struct store_io {
	int (*open)(int directory, const char *name, int flags, mode_t mode);
	ssize_t (*read)(int fd, void *data, size_t size);
	ssize_t (*write)(int fd, const void *data, size_t size);
	int (*truncate)(int fd, off_t size);
	int (*sync)(int fd);
	int (*sync_data)(int fd);
	int (*rename)(int from_directory, const char *from, int to_directory, const char *to);
};

extern const struct store_io store_io_system;

/** store_open() with other system calls; @io must outlive the store. */
int store_open_io(const struct store_io *io, const char *directory, struct store **ret,
		  struct policyset **ret_set, struct problems *problems);

#endif
