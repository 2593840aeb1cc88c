/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A few rtnetlink requests of our own, for what libbpf does not do: listing
 * the filters of an interface, and the kernel's own words when it refuses.
 */
#ifndef RTNETLINK_H
#define RTNETLINK_H

#include <stddef.h>
#include <stdint.h>

#include <linux/inet_diag.h>
#include <linux/rtnetlink.h>

/* A request under construction; start with RTNETLINK_REQUEST. */
struct rtnetlink_request {
	struct nlmsghdr header;
	union {
		struct ifinfomsg link;
		struct tcmsg tc;
		struct rtmsg route;
		struct inet_diag_req_v2 socket; /* of NETLINK_SOCK_DIAG, to which these go */
	};
	char attributes[128];
};

#define RTNETLINK_REQUEST(type, family)                                                            \
	{                                                                                          \
		.header = {                                                                        \
			.nlmsg_len = NLMSG_LENGTH(sizeof(family)),                                 \
			.nlmsg_type = (type),                                                      \
			.nlmsg_flags = NLM_F_REQUEST,                                              \
		},                                                                                 \
	}

/** Appends an attribute. Returns 0, or -EMSGSIZE when there is no room. */
int rtnetlink_put(struct rtnetlink_request *request, uint16_t type, const void *data, size_t bytes);

/** Appends an attribute of 32 bits, as rtnetlink_put(). */
int rtnetlink_put_u32(struct rtnetlink_request *request, uint16_t type, uint32_t value);

/** Opens a nest; close it with rtnetlink_end(). NULL when there is no room. */
struct rtattr *rtnetlink_begin(struct rtnetlink_request *request, uint16_t type);
/** Closes a nest. */
void rtnetlink_end(struct rtnetlink_request *request, struct rtattr *nest);

/**
 * Sends a request and waits for the answer. Returns 0 or the kernel's -errno;
 * @ret_words then gets its explanation, if it gave one, else NULL (caller frees).
 */
int rtnetlink_send(struct rtnetlink_request *request, char **ret_words);

/* A message of a dump; what it returns other than 0 ends the dump. */
typedef int (*rtnetlink_message)(void *context, const struct nlmsghdr *message);

/** Sends a request that is answered with one message. Returns as rtnetlink_dump(). */
int rtnetlink_ask(struct rtnetlink_request *request, rtnetlink_message message, void *context);

/**
 * Asks for a list. It may be told twice when it changes meanwhile: @restart is
 * called before each telling. Returns 0, what @message returned, or -errno.
 */
int rtnetlink_dump(struct rtnetlink_request *request, rtnetlink_message message,
		   void (*restart)(void *context), void *context);

/** Finds an attribute among @bytes of them; NULL when it is not there. */
const struct rtattr *rtnetlink_find(const struct rtattr *attributes, size_t bytes, uint16_t type);

/** Copies a string attribute, always ended; "" for NULL. */
void rtnetlink_copy_string(char *ret, size_t size, const struct rtattr *attribute);

/** A 32-bit attribute, 0 for NULL or a shorter one. */
uint32_t rtnetlink_u32(const struct rtattr *attribute);

#endif
