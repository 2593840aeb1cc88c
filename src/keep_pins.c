/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pins: names in a file system of the kernel that hold what they name.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "cleanup.h"
#include "keep_places.h"

#define DIRECTORY_MODE 0750

static bool is_bpffs(const char *directory)
{
	struct statfs found;

	return statfs(directory, &found) == 0 && found.f_type == BPF_FS_MAGIC;
}

int keep_pins_prepare(const char *directory)
{
	if (mkdir(directory, DIRECTORY_MODE) < 0 && errno != EEXIST)
		return -errno;
	/* Below a bpffs that somebody mounted it is one without more. */
	if (!is_bpffs(directory) &&
	    mount("bpf", directory, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0750") < 0)
		return -errno;
	return access(directory, W_OK) < 0 ? -errno : 0;
}

static char *path_of(const char *directory, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

static int get(const char *directory, const char *name)
{
	CLEANUP(cleanup_free) char *path = path_of(directory, name);
	int fd = path ? bpf_obj_get(path) : -ENOMEM;

	return fd < 0 ? -1 : fd;
}

static void close_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

static int each(const char *directory, keep_found found, void *context)
{
	CLEANUP(close_directory) DIR *open = is_bpffs(directory) ? opendir(directory) : NULL;
	const struct dirent *entry;
	int error = 0;

	while (open && !error && (entry = readdir(open))) {
		int fd = *entry->d_name == '.' ? -1 : get(directory, entry->d_name);

		if (fd >= 0)
			error = found(context, entry->d_name, fd);
	}
	return error;
}

static int put(const char *directory, const char *name, int fd)
{
	CLEANUP(cleanup_free) char *path = path_of(directory, name);

	if (!path)
		return -ENOMEM;
	return bpf_obj_pin(fd, path) < 0 ? -errno : 0;
}

static void drop(const char *directory, const char *name)
{
	CLEANUP(cleanup_free) char *path = path_of(directory, name);

	if (path)
		(void)unlink(path);
}

const struct keep_place_rows keep_pins = { each, put, drop };
