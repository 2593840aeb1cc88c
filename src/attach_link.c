/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What XDP and TCX have in common: a bpf_link, which keeps its program on the
 * hook as long as someone holds an fd of it.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "attach_anchor.h"
#include "cleanup.h"

int attach_program_id(int program_fd, uint32_t *ret)
{
	struct bpf_prog_info info = { 0 };
	uint32_t bytes = sizeof(info);
	int err = bpf_obj_get_info_by_fd(program_fd, &info, &bytes);

	if (err)
		return err;
	*ret = info.id;
	return 0;
}

void attach_program_name(uint32_t program_id, char ret[16])
{
	CLEANUP(cleanup_fd) int fd = bpf_prog_get_fd_by_id(program_id);
	struct bpf_prog_info info = { 0 };
	uint32_t bytes = sizeof(info);

	ret[0] = '\0';
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &bytes))
		snprintf(ret, sizeof(info.name), "%s", info.name);
}

int attach_verify_link(const struct anchor *anchor, char **ret_words)
{
	struct bpf_link_info info = { 0 };
	uint32_t bytes = sizeof(info);
	uint32_t ifindex;
	int err = bpf_obj_get_info_by_fd(anchor->link_fd, &info, &bytes);

	if (err)
		return err;
	/* The interface is the first member of both kinds; the kernel zeroes it on detaching. */
	ifindex = info.xdp.ifindex;
	if (info.prog_id == anchor->program_id && ifindex == anchor->ifindex)
		return 0;
	*ret_words = strdup(ifindex ? "the link holds another program"
				    : "the link was detached by someone else");
	return -ENOLINK;
}

int attach_update_link(struct anchor *anchor, int program_fd)
{
	uint32_t program_id;
	int err = attach_program_id(program_fd, &program_id);

	if (err || program_id == anchor->program_id)
		return err;
	err = bpf_link_update(anchor->link_fd, program_fd, NULL);
	if (err == -ENOLINK)
		return 0; /* the message that says the interface is gone is on its way */
	if (!err)
		anchor->program_id = program_id;
	return err;
}

void attach_detach_link(struct anchor *anchor)
{
	/* Fails when the interface went first, which is as good. */
	(void)bpf_link_detach(anchor->link_fd);
	cleanup_fd(&anchor->link_fd);
}

const char *attach_hook_name(enum datapath_program program)
{
	return program == PROGRAM_TC_EGRESS ? "egress" : "ingress";
}
