// SPDX-License-Identifier: Apache-2.0
#include "faulty_io.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fault fault;

/* Bytes of each file that are on disk; the fd is our own, so that it stays. */
#define DIRTY_MAX 1024
static struct {
	int fd;
	off_t durable;
} dirty[DIRTY_MAX];

static void note_dirty(int fd)
{
	struct stat status;

	ck_assert_int_lt(fd, DIRTY_MAX);
	if (dirty[fd].fd > 0)
		return;
	ck_assert_int_eq(fstat(fd, &status), 0);
	dirty[fd].fd = fcntl(fd, F_DUPFD_CLOEXEC, DIRTY_MAX / 2);
	dirty[fd].durable = status.st_size;
}

static void note_clean(int fd)
{
	if (dirty[fd].fd > 0)
		close(dirty[fd].fd);
	dirty[fd].fd = 0;
}

static void lose_power(void)
{
	for (int fd = 0; fd < DIRTY_MAX; fd++)
		if (dirty[fd].fd > 0 && ftruncate(dirty[fd].fd, dirty[fd].durable) < 0)
			_exit(3);
	_exit(0);
}

/* Whether the call about to be made is the one that goes wrong. */
static bool is_now(void)
{
	fault.steps++;
	if (!fault.step || fault.steps < fault.step)
		return false;
	return fault.steps == fault.step || fault.way == FAIL_FROM;
}

/* Makes a call other than write() go wrong; false: it is to be made. */
static bool goes_wrong(void)
{
	if (!is_now())
		return false;
	if (fault.way == KILL_BEFORE || fault.way == KILL_HALF)
		_exit(0);
	if (fault.way == POWER_OFF)
		lose_power();
	errno = fault.error;
	return fault.way == FAIL_ONCE || fault.way == FAIL_FROM;
}

static void die_after(void)
{
	if (fault.way == KILL_AFTER && fault.step && fault.steps == fault.step)
		_exit(0);
}

static int faulty_open(int directory, const char *name, int flags, mode_t mode)
{
	int fd;

	if (goes_wrong())
		return -1;
	fd = store_io_system.open(directory, name, flags, mode);
	die_after();
	return fd;
}

static ssize_t faulty_read(int fd, void *data, size_t size)
{
	return goes_wrong() ? -1 : store_io_system.read(fd, data, size);
}

static ssize_t faulty_write(int fd, const void *data, size_t size)
{
	bool half = fault.way == SHORT || fault.way == SHORT_FAIL || fault.way == KILL_HALF;
	bool now = fault.step && fault.steps + 1 == fault.step;
	ssize_t written;

	note_dirty(fd);
	if (fault.fail_next_write) {
		fault.fail_next_write = false;
		errno = fault.error;
		return -1;
	}
	if (!now || !half) {
		if (goes_wrong())
			return -1;
		written = store_io_system.write(fd, data, size);
		die_after();
		return written;
	}
	fault.steps++;
	fault.fail_next_write = fault.way == SHORT_FAIL;
	written = store_io_system.write(fd, data, (size + 1) / 2);
	if (fault.way == KILL_HALF)
		_exit(0);
	return written;
}

static int faulty_truncate(int fd, off_t size)
{
	int result;

	if (goes_wrong())
		return -1;
	result = store_io_system.truncate(fd, size);
	/* The worst case: the size is durable at once, the rest is not. */
	if (dirty[fd].fd > 0 && dirty[fd].durable > size)
		dirty[fd].durable = size;
	die_after();
	return result;
}

/* The disk is not really waited for: no test really cuts the power. */
static int faulty_sync(int fd)
{
	if (goes_wrong())
		return -1;
	note_clean(fd);
	die_after();
	return 0;
}

static int faulty_rename(int from_directory, const char *from, int to_directory, const char *to)
{
	int result;

	if (goes_wrong())
		return -1;
	result = store_io_system.rename(from_directory, from, to_directory, to);
	die_after();
	return result;
}

const struct store_io faulty = {
	.open = faulty_open,
	.read = faulty_read,
	.write = faulty_write,
	.truncate = faulty_truncate,
	.sync = faulty_sync,
	.sync_data = faulty_sync,
	.rename = faulty_rename,
};

void fault_none(void)
{
	memset(&fault, 0, sizeof(fault));
	memset(dirty, 0, sizeof(dirty));
}
