/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XDP: a bpf_link in native (driver) or generic (skb) mode.  A link never
 * replaces a program that is there: the kernel answers EBUSY.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>

#include "attach_anchor.h"
#include "cleanup.h"
#include "rtnetlink.h"

/* Sets or takes away an XDP program by netlink. Returns 0 or -errno, and the kernel's words. */
static int xdp_set_link(uint32_t ifindex, int fd, uint32_t flags, char **ret_words)
{
	struct rtnetlink_request request = RTNETLINK_REQUEST(RTM_SETLINK, request.link);
	struct rtattr *nest;
	int err;

	request.link.ifi_index = (int)ifindex;
	nest = rtnetlink_begin(&request, IFLA_XDP);
	if (!nest)
		return -EMSGSIZE;
	err = rtnetlink_put(&request, IFLA_XDP_FD, &fd, sizeof(fd));
	if (!err)
		err = rtnetlink_put_u32(&request, IFLA_XDP_FLAGS, flags);
	if (err)
		return err;
	rtnetlink_end(&request, nest);
	return rtnetlink_send(&request, ret_words);
}

/*
 * Creating a link that fails gives an errno and not a word, while the old
 * netlink way goes through the same checks of core and driver and says which
 * one it was ("MTU too large", "implementing LRO").  So the same is asked
 * again; should it succeed all of a sudden, it is undone: only a link leaves
 * with its process.
 */
static char *xdp_words(const struct anchor *anchor, int program_fd)
{
	char *words = NULL;

	if (!xdp_set_link(anchor->ifindex, program_fd,
			  anchor->xdp_flags | XDP_FLAGS_UPDATE_IF_NOEXIST, &words)) {
		LIBBPF_OPTS(bpf_xdp_attach_opts, options, .old_prog_fd = program_fd);

		(void)bpf_xdp_detach((int)anchor->ifindex, anchor->xdp_flags, &options);
	}
	return words;
}

/* The refusals that come from the device or its driver, where words say more than the errno. */
static bool xdp_device_refused(int err)
{
	static const int errors[] = {
		-EINVAL, -EOPNOTSUPP, -ERANGE, -ENOMEM, -ENOSPC, -E2BIG, -EIO
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i] == err)
			return true;
	return false;
}

/* Who is there already. */
static char *xdp_holder(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	uint32_t program_id;
	char name[16];
	char *words;

	if (bpf_xdp_query((int)ifindex, 0, &query))
		return NULL;
	program_id = query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id;
	attach_program_name(program_id, name);
	if (asprintf(&words, "program %u%s%s", program_id, name[0] ? ", " : "", name) < 0)
		return NULL;
	return words;
}

static int xdp_attach(struct anchor *anchor, int program_fd, char **ret_words)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = anchor->xdp_flags);
	uint32_t program_id;
	int err = attach_program_id(program_fd, &program_id);
	int fd;

	if (err)
		return err;
	fd = bpf_link_create(program_fd, (int)anchor->ifindex, BPF_XDP, &options);
	if (fd < 0) {
		if (xdp_device_refused(fd))
			*ret_words = xdp_words(anchor, program_fd);
		else if (fd == -EBUSY || fd == -EEXIST)
			*ret_words = xdp_holder(anchor->ifindex);
		return fd;
	}
	anchor->mechanism = &attach_xdp;
	anchor->link_fd = fd;
	anchor->program_id = program_id;
	return 0;
}

static int xdp_verify(const struct anchor *anchor, char **ret_words)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	uint32_t in_force;
	int err = attach_verify_link(anchor, ret_words);

	if (err)
		return err;
	err = bpf_xdp_query((int)anchor->ifindex, 0, &query);
	if (err)
		return err;
	in_force = anchor->xdp_flags & XDP_FLAGS_SKB_MODE ? query.skb_prog_id : query.drv_prog_id;
	if (in_force == anchor->program_id)
		return 0;
	*ret_words = strdup("attaching succeeded, but the interface does not name the program");
	return -ENOLINK;
}

const struct attach_mechanism attach_xdp = {
	.name = "xdp",
	.attach = xdp_attach,
	.verify = xdp_verify,
	.replace = attach_update_link,
	.detach = attach_detach_link,
};
