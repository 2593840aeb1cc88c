// SPDX-License-Identifier: Apache-2.0
/*
 * Generic netlink's family "netdev": its number is asked for by name, then it
 * is asked.
 */
#include "xdp_features.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "cleanup.h"
#include "rtnetlink.h"

/* <linux/netdev.h> is newer than the headers of some distributions that we build on. */
#define FAMILY "netdev"
#define COMMAND_DEV_GET 1
#define ATTRIBUTE_IFINDEX 1
#define ATTRIBUTE_XDP_FEATURES 3

#define ANSWER_BYTES 8192
#define ANSWER_SECONDS 2

struct question {
	struct nlmsghdr header;
	struct genlmsghdr generic;
	struct nlattr attribute;
	char value[16];
};

static struct question make_question(uint16_t family, uint8_t command, uint16_t attribute,
				     const void *value, size_t bytes)
{
	struct question question = {
		.header = { .nlmsg_type = family, .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = 1 },
		.generic = { .cmd = command, .version = 1 },
		.attribute = { .nla_len = (uint16_t)(NLA_HDRLEN + bytes), .nla_type = attribute },
	};

	question.header.nlmsg_len =
		NLMSG_LENGTH(GENL_HDRLEN) + NLMSG_ALIGN(question.attribute.nla_len);
	memcpy(question.value, value, bytes);
	return question;
}

static int open_socket(void)
{
	const struct timeval timeout = { .tv_sec = ANSWER_SECONDS };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout))) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

/* Copies the value of one attribute of the answer; it must have @bytes. */
static int ask(int fd, const struct question *question, uint16_t attribute, void *ret, size_t bytes)
{
	_Alignas(struct nlmsghdr) char answer[ANSWER_BYTES];
	const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
	const struct rtattr *found;
	ssize_t length;

	if (send(fd, question, question->header.nlmsg_len, 0) < 0)
		return -errno;
	length = recv(fd, answer, sizeof(answer), 0);
	if (length < 0)
		return -errno;
	if (!NLMSG_OK(header, length))
		return -EPROTO;
	if (header->nlmsg_type == NLMSG_ERROR)
		return ((const struct nlmsgerr *)NLMSG_DATA(header))->error;
	if (header->nlmsg_len < NLMSG_LENGTH(GENL_HDRLEN))
		return -EPROTO;
	found = rtnetlink_find(
		(const struct rtattr *)((const char *)NLMSG_DATA(header) + GENL_HDRLEN),
		header->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN), attribute);
	if (!found || RTA_PAYLOAD(found) < bytes)
		return -EOPNOTSUPP;
	memcpy(ret, RTA_DATA(found), bytes);
	return 0;
}

int xdp_features(uint32_t ifindex, uint64_t *ret)
{
	CLEANUP(cleanup_fd) int fd = open_socket();
	struct question question = make_question(GENL_ID_CTRL, CTRL_CMD_GETFAMILY,
						 CTRL_ATTR_FAMILY_NAME, FAMILY, sizeof(FAMILY));
	uint16_t family = 0;
	int error;

	if (fd < 0)
		return fd;
	error = ask(fd, &question, CTRL_ATTR_FAMILY_ID, &family, sizeof(family));
	if (error)
		return error == -ENOENT ? -EOPNOTSUPP : error;
	question = make_question(family, COMMAND_DEV_GET, ATTRIBUTE_IFINDEX, &ifindex,
				 sizeof(ifindex));
	return ask(fd, &question, ATTRIBUTE_XDP_FEATURES, ret, sizeof(*ret));
}
