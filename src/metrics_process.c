/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cleanup.h"
#include "metrics.h"

#define NS_PER_SECOND UINT64_C(1000000000)
#define NS_PER_US UINT64_C(1000)

static void read_memory(struct metrics_data *data);
static uint64_t count_descriptors(void);

static uint64_t nanoseconds(struct timeval time)
{
	return (uint64_t)time.tv_sec * NS_PER_SECOND + (uint64_t)time.tv_usec * NS_PER_US;
}

void metrics_read_process(struct metrics_data *data)
{
	struct rusage usage;
	struct rlimit limit;

	read_memory(data);
	if (!getrusage(RUSAGE_SELF, &usage))
		data->cpu_ns = nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
	if (!getrlimit(RLIMIT_NOFILE, &limit))
		data->max_fds = limit.rlim_cur;
	data->open_fds = count_descriptors();
}

static void read_memory(struct metrics_data *data)
{
	CLEANUP(cleanup_file) FILE *file = fopen("/proc/self/statm", "re");
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	char line[128], *rest;

	if (!file || !fgets(line, sizeof(line), file))
		return;
	data->virtual_bytes = strtoull(line, &rest, 10) * page;
	data->resident_bytes = strtoull(rest, NULL, 10) * page;
}

static uint64_t count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	const struct dirent *entry;
	uint64_t count = 0;

	if (!directory)
		return 0;
	while ((entry = readdir(directory)))
		count += entry->d_name[0] != '.';
	closedir(directory);
	return count - 1; /* that of the directory itself */
}
