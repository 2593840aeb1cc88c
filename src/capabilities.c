/* SPDX-License-Identifier: Apache-2.0 */
#include "capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"

/* Newer than the headers of some distributions that we build on. */
#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_BPF
#define CAP_BPF 39
#endif

static const struct {
	const char *name;
	int number;
	bool or_sys_admin; /* CAP_SYS_ADMIN stands for it, as it did before it existed */
} needed[] = {
	{ "CAP_BPF", CAP_BPF, true },
	{ "CAP_NET_ADMIN", CAP_NET_ADMIN, false },
	{ "CAP_PERFMON", CAP_PERFMON, true },
};

int capabilities_missing(char *text, size_t size)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	text[0] = '\0';
	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	capabilities_missing_from(data[0].effective | (uint64_t)data[1].effective << 32, text,
				  size);
	return 0;
}

void capabilities_missing_from(uint64_t effective, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		uint64_t enough = 1ULL << needed[i].number;
		int written;

		if (needed[i].or_sys_admin)
			enough |= 1ULL << CAP_SYS_ADMIN;
		if (effective & enough || used >= size)
			continue;
		written = snprintf(text + used, size - used, "%s%s", used ? ", " : "",
				   needed[i].name);
		if (written > 0)
			used += (size_t)written;
	}
}
