/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests over a socket that lives as long as the request: they are rare, and
 * so none can read an answer that belongs to another.
 */
#include "rtnetlink.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "cleanup.h"

#define RTNETLINK_BUFFER (32 * 1024) /* what the kernel uses for dumps at most */
#define RTNETLINK_TRIES 5
#define RTNETLINK_TIMEOUT_SECONDS 5

int rtnetlink_put(struct rtnetlink_request *request, uint16_t type, const void *data, size_t bytes)
{
	size_t at = NLMSG_ALIGN(request->header.nlmsg_len);
	struct rtattr *attribute = (struct rtattr *)((char *)request + at);

	if (at + RTA_SPACE(bytes) > sizeof(*request))
		return -EMSGSIZE;
	attribute->rta_type = type;
	attribute->rta_len = RTA_LENGTH(bytes);
	if (bytes)
		memcpy(RTA_DATA(attribute), data, bytes);
	request->header.nlmsg_len = at + RTA_SPACE(bytes);
	return 0;
}

int rtnetlink_put_u32(struct rtnetlink_request *request, uint16_t type, uint32_t value)
{
	return rtnetlink_put(request, type, &value, sizeof(value));
}

struct rtattr *rtnetlink_begin(struct rtnetlink_request *request, uint16_t type)
{
	size_t at = NLMSG_ALIGN(request->header.nlmsg_len);

	if (rtnetlink_put(request, type | NLA_F_NESTED, NULL, 0))
		return NULL;
	return (struct rtattr *)((char *)request + at);
}

void rtnetlink_end(struct rtnetlink_request *request, struct rtattr *nest)
{
	nest->rta_len = (char *)request + request->header.nlmsg_len - (char *)nest;
}

/* A socket that tells reasons. Returns the fd or -errno. */
static int rtnetlink_open(const struct rtnetlink_request *request)
{
	struct timeval timeout = { .tv_sec = RTNETLINK_TIMEOUT_SECONDS };
	const int on = 1;
	int fd;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
		    request->header.nlmsg_type == SOCK_DIAG_BY_FAMILY ? NETLINK_SOCK_DIAG
								      : NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	/* Both are comfort: without them answers only have fewer words. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int rtnetlink_write(int fd, struct rtnetlink_request *request)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	request->header.nlmsg_seq = 1;
	if (sendto(fd, request, request->header.nlmsg_len, 0, (const struct sockaddr *)&kernel,
		   sizeof(kernel)) < 0)
		return -errno;
	return 0;
}

/* Receives one datagram. Returns its length or -errno. */
static ssize_t rtnetlink_receive(int fd, char *buffer)
{
	ssize_t bytes;

	do {
		bytes = recv(fd, buffer, RTNETLINK_BUFFER, 0);
	} while (bytes < 0 && errno == EINTR);
	return bytes < 0 ? -errno : bytes;
}

/* The kernel's words behind an error message; NULL: none. */
static char *rtnetlink_words(const struct nlmsghdr *header)
{
	const struct nlmsgerr *error = NLMSG_DATA(header);
	size_t skip = NLMSG_LENGTH(sizeof(*error));
	const struct rtattr *text;

	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(error->msg.nlmsg_len) - sizeof(struct nlmsghdr);
	if (skip >= header->nlmsg_len)
		return NULL;
	text = rtnetlink_find((const struct rtattr *)((const char *)header + skip),
			      header->nlmsg_len - skip, NLMSGERR_ATTR_MSG);
	return text ? strndup(RTA_DATA(text), RTA_PAYLOAD(text)) : NULL;
}

int rtnetlink_send(struct rtnetlink_request *request, char **ret_words)
{
	CLEANUP(cleanup_free) char *buffer = malloc(RTNETLINK_BUFFER);
	CLEANUP(cleanup_fd) int fd = rtnetlink_open(request);
	const struct nlmsghdr *header;
	const struct nlmsgerr *error;
	ssize_t bytes;
	int err;

	*ret_words = NULL;
	if (!buffer)
		return -ENOMEM;
	if (fd < 0)
		return fd;
	request->header.nlmsg_flags |= NLM_F_ACK;
	err = rtnetlink_write(fd, request);
	if (err)
		return err;
	bytes = rtnetlink_receive(fd, buffer);
	if (bytes < 0)
		return bytes;
	header = (const struct nlmsghdr *)buffer;
	if (!NLMSG_OK(header, bytes) || header->nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	error = NLMSG_DATA(header);
	if (error->error)
		*ret_words = rtnetlink_words(header);
	return error->error;
}

/* What a datagram of a dump said. */
struct dump {
	rtnetlink_message message;
	void *context;
	bool done;
	bool interrupted; /* the list changed while it was told */
};

static int rtnetlink_take(struct dump *dump, const char *buffer, ssize_t bytes)
{
	const struct nlmsghdr *header = (const struct nlmsghdr *)buffer;
	int remaining = bytes;
	int err;

	for (; NLMSG_OK(header, remaining) && !dump->done; header = NLMSG_NEXT(header, remaining)) {
		if (header->nlmsg_flags & NLM_F_DUMP_INTR)
			dump->interrupted = true;
		if (header->nlmsg_type == NLMSG_ERROR)
			return ((const struct nlmsgerr *)NLMSG_DATA(header))->error;
		if (header->nlmsg_type == NLMSG_DONE) {
			dump->done = true;
			return 0;
		}
		err = dump->message(dump->context, header);
		if (err)
			return err;
	}
	return 0;
}

static int rtnetlink_dump_once(struct rtnetlink_request *request, struct dump *dump)
{
	CLEANUP(cleanup_free) char *buffer = malloc(RTNETLINK_BUFFER);
	CLEANUP(cleanup_fd) int fd = rtnetlink_open(request);
	ssize_t bytes;
	int err;

	if (!buffer)
		return -ENOMEM;
	if (fd < 0)
		return fd;
	err = rtnetlink_write(fd, request);
	while (!err && !dump->done) {
		bytes = rtnetlink_receive(fd, buffer);
		err = bytes < 0 ? (int)bytes : rtnetlink_take(dump, buffer, bytes);
	}
	return err;
}

int rtnetlink_ask(struct rtnetlink_request *request, rtnetlink_message message, void *context)
{
	CLEANUP(cleanup_free) char *buffer = malloc(RTNETLINK_BUFFER);
	CLEANUP(cleanup_fd) int fd = rtnetlink_open(request);
	struct dump answer = { .message = message, .context = context };
	ssize_t bytes;
	int err;

	if (!buffer)
		return -ENOMEM;
	if (fd < 0)
		return fd;
	err = rtnetlink_write(fd, request);
	if (err)
		return err;
	bytes = rtnetlink_receive(fd, buffer);
	return bytes < 0 ? (int)bytes : rtnetlink_take(&answer, buffer, bytes);
}

int rtnetlink_dump(struct rtnetlink_request *request, rtnetlink_message message,
		   void (*restart)(void *context), void *context)
{
	struct dump dump;
	int tries;
	int err;

	request->header.nlmsg_flags |= NLM_F_DUMP;
	for (tries = 0; tries < RTNETLINK_TRIES; tries++) {
		dump = (struct dump){ .message = message, .context = context };
		restart(context);
		err = rtnetlink_dump_once(request, &dump);
		if (err || !dump.interrupted)
			return err;
	}
	return -EAGAIN;
}

const struct rtattr *rtnetlink_find(const struct rtattr *attributes, size_t bytes, uint16_t type)
{
	const struct rtattr *attribute = attributes;
	int remaining = (int)bytes;

	for (; RTA_OK(attribute, remaining); attribute = RTA_NEXT(attribute, remaining))
		if ((attribute->rta_type & NLA_TYPE_MASK) == type)
			return attribute;
	return NULL;
}

void rtnetlink_copy_string(char *ret, size_t size, const struct rtattr *attribute)
{
	size_t bytes = 0;

	if (attribute) {
		bytes = strnlen(RTA_DATA(attribute), RTA_PAYLOAD(attribute));
		if (bytes >= size)
			bytes = size - 1;
		memcpy(ret, RTA_DATA(attribute), bytes);
	}
	ret[bytes] = '\0';
}

uint32_t rtnetlink_u32(const struct rtattr *attribute)
{
	uint32_t value = 0;

	if (attribute && RTA_PAYLOAD(attribute) >= sizeof(value))
		memcpy(&value, RTA_DATA(attribute), sizeof(value));
	return value;
}
