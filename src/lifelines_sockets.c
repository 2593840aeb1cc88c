// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "lifelines.h"
#include "rtnetlink.h"

#define MAPPED_BYTES 12 /* of an IPv6 address in front of an IPv4 one */

#define OP_BYTES sizeof(struct inet_diag_bc_op)
#define PORT_OPS 5 /* of a filter: two comparisons with what they are with, and a jump */

static bool is_mapped(const struct inet_diag_msg *socket)
{
	static const unsigned char prefix[MAPPED_BYTES] = { [10] = 0xff, [11] = 0xff };

	return socket->idiag_family == AF_INET6 &&
	       !memcmp(socket->id.idiag_src, prefix, MAPPED_BYTES);
}

static void describe(struct lifeline *lifeline)
{
	bool ipv6 = lifeline->family == PEP_IPV6;
	char address[INET6_ADDRSTRLEN] = "";

	inet_ntop(ipv6 ? AF_INET6 : AF_INET, lifeline->remote, address, sizeof(address));
	snprintf(lifeline->what, sizeof(lifeline->what), "the connection of %s%s%s:%u to port %u",
		 ipv6 ? "[" : "", address, ipv6 ? "]" : "", lifeline->remote_port,
		 lifeline->local_port);
}

static int take_socket(void *context, const struct nlmsghdr *message)
{
	const struct inet_diag_msg *socket = NLMSG_DATA(message);
	struct lifeline lifeline = { .protocol = IPPROTO_TCP };
	size_t skip = is_mapped(socket) ? MAPPED_BYTES : 0;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*socket)))
		return -EPROTO;
	lifeline.family = socket->idiag_family == AF_INET6 && !skip ? PEP_IPV6 : PEP_IPV4;
	lifeline.local_port = ntohs(socket->id.idiag_sport);
	lifeline.remote_port = ntohs(socket->id.idiag_dport);
	memcpy(lifeline.local, (const char *)socket->id.idiag_src + skip, 16 - skip);
	memcpy(lifeline.remote, (const char *)socket->id.idiag_dst + skip, 16 - skip);
	describe(&lifeline);
	return lifelines_add(context, &lifeline);
}

/* What was told before is told again: lifelines_add() knows it. */
static void start_again(void *context)
{
	(void)context;
}

/*
 * Of each port: not below it, and not above it, then to the end, which takes the socket; 4 bytes
 * beyond the end leave it. The kernel wants every target on the way that "yes" goes.
 */
static size_t write_filter(const struct lifeline_ports *ports, struct inet_diag_bc_op *ret)
{
	const size_t all = ports->count * PORT_OPS * OP_BYTES;

	memset(ret, 0, all);
	for (size_t i = 0; i < ports->count; i++) {
		struct inet_diag_bc_op *op = &ret[PORT_OPS * i];
		size_t left = all - PORT_OPS * OP_BYTES * i;
		size_t otherwise = i + 1 < ports->count ? PORT_OPS * OP_BYTES : left + OP_BYTES;

		op[0] = (struct inet_diag_bc_op){ INET_DIAG_BC_S_GE, 2 * OP_BYTES,
						  (unsigned short)otherwise };
		op[1].no = ports->port[i];
		op[2] = (struct inet_diag_bc_op){ INET_DIAG_BC_S_LE, 2 * OP_BYTES,
						  (unsigned short)(otherwise - 2 * OP_BYTES) };
		op[3].no = ports->port[i];
		op[4] = (struct inet_diag_bc_op){ INET_DIAG_BC_JMP, OP_BYTES,
						  (unsigned short)(left - 4 * OP_BYTES) };
	}
	return all;
}

static int add_family(struct lifelines *lifelines, const struct lifeline_ports *ports,
		      unsigned char family)
{
	struct rtnetlink_request request =
		RTNETLINK_REQUEST(SOCK_DIAG_BY_FAMILY, struct inet_diag_req_v2);
	struct inet_diag_bc_op filter[PORT_OPS * LIFELINE_PORTS_MOST];
	int error;

	request.socket.sdiag_family = family;
	request.socket.sdiag_protocol = IPPROTO_TCP;
	request.socket.idiag_states = 1 << TCP_ESTABLISHED;
	error = rtnetlink_put(&request, INET_DIAG_REQ_BYTECODE, filter,
			      write_filter(ports, filter));
	return error ? error : rtnetlink_dump(&request, take_socket, start_again, lifelines);
}

int lifelines_add_sockets(struct lifelines *lifelines, const struct lifeline_ports *ports)
{
	int error = add_family(lifelines, ports, AF_INET);

	return error ? error : add_family(lifelines, ports, AF_INET6);
}
