/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCX links, for which this asks bpf(2) itself: the headers of Linux 6.1 and
 * libbpf 1.1 do not know them.  What follows is UAPI, and never changes.
 */
#include "attach_tcx.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach_anchor.h"

/* enum bpf_attach_type: BPF_TCX_INGRESS, BPF_TCX_EGRESS */
#define TCX_INGRESS 46
#define TCX_EGRESS 47

/* BPF_F_BEFORE; without a relative program it means: before all others */
#define TCX_FIRST (1U << 3)

/* union bpf_attr, the struct of BPF_LINK_CREATE with its member tcx */
struct tcx_link_attr {
	uint32_t program_fd;
	uint32_t ifindex;
	uint32_t attach_type;
	uint32_t flags;
	uint32_t relative;
	uint32_t reserved;
	uint64_t expected_revision;
};

/* union bpf_attr, the struct "query" of BPF_PROG_QUERY */
struct tcx_query_attr {
	uint32_t ifindex;
	uint32_t attach_type;
	uint32_t query_flags;
	uint32_t attach_flags;
	uint64_t program_ids;
	uint32_t count;
	uint32_t reserved;
	uint64_t program_attach_flags;
	uint64_t link_ids;
	uint64_t link_attach_flags;
	uint64_t revision;
};

_Static_assert(sizeof(struct tcx_link_attr) == 32, "as in linux/bpf.h");
_Static_assert(sizeof(struct tcx_query_attr) == 64, "as in linux/bpf.h");

static int tcx_bpf(int command, void *attr, size_t bytes)
{
	long result = syscall(SYS_bpf, command, attr, bytes);

	return result < 0 ? -errno : (int)result;
}

int tcx_query(uint32_t ifindex, bool egress, uint32_t ret_ids[TCX_PROGRAMS], size_t *ret_count)
{
	struct tcx_query_attr attr = {
		.ifindex = ifindex,
		.attach_type = egress ? TCX_EGRESS : TCX_INGRESS,
		.program_ids = (uintptr_t)ret_ids,
		.count = TCX_PROGRAMS,
	};
	int err = tcx_bpf(BPF_PROG_QUERY, &attr, sizeof(attr));

	if (err == -ENOENT) /* what an empty chain may say */
		attr.count = 0;
	else if (err)
		return err;
	*ret_count = attr.count;
	return 0;
}

static int tcx_attach(struct anchor *anchor, int program_fd, char **ret_words)
{
	struct tcx_link_attr attr = {
		.program_fd = (uint32_t)program_fd,
		.ifindex = anchor->ifindex,
		.attach_type = anchor->program == PROGRAM_TC_EGRESS ? TCX_EGRESS : TCX_INGRESS,
		.flags = TCX_FIRST,
	};
	uint32_t ids[TCX_PROGRAMS];
	uint32_t program_id;
	size_t count;
	int err;

	/* A kernel without TCX has EINVAL for this; after it EINVAL means something else. */
	err = tcx_query(anchor->ifindex, false, ids, &count);
	if (err == -EINVAL) {
		*ret_words = strdup("no TCX");
		return -EOPNOTSUPP;
	}
	if (!err)
		err = attach_program_id(program_fd, &program_id);
	if (err)
		return err;
	anchor->link_fd = tcx_bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
	if (anchor->link_fd < 0)
		return anchor->link_fd;
	anchor->mechanism = &attach_tcx;
	anchor->program_id = program_id;
	return 0;
}

/* Somebody may since have put a program before ours: that is reported, not fought. */
static int tcx_verify(const struct anchor *anchor, char **ret_words)
{
	uint32_t ids[TCX_PROGRAMS];
	size_t count;
	size_t i;
	int err = attach_verify_link(anchor, ret_words);

	if (!err)
		err = tcx_query(anchor->ifindex, anchor->program == PROGRAM_TC_EGRESS, ids, &count);
	if (err)
		return err;
	for (i = 0; i < count; i++)
		if (ids[i] == anchor->program_id)
			return 0;
	*ret_words = strdup("attaching succeeded, but the chain does not name the program");
	return -ENOLINK;
}

const struct attach_mechanism attach_tcx = {
	.name = "tcx",
	.attach = tcx_attach,
	.verify = tcx_verify,
	.replace = attach_update_link,
	.detach = attach_detach_link,
};
