// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "lifelines.h"
#include "rtnetlink.h"

static size_t address_bytes(enum pep_family family)
{
	return family == PEP_IPV6 ? 16 : 4;
}

static bool copy_address(unsigned char *ret, const struct rtattr *attribute, enum pep_family family)
{
	if (!attribute || RTA_PAYLOAD(attribute) != address_bytes(family))
		return false;
	memcpy(ret, RTA_DATA(attribute), address_bytes(family));
	return true;
}

static int take_route(void *context, const struct nlmsghdr *message)
{
	const struct rtmsg *route = NLMSG_DATA(message);
	enum pep_family family = route->rtm_family == AF_INET6 ? PEP_IPV6 : PEP_IPV4;
	const struct rtattr *attributes = RTM_RTA(route);
	size_t bytes = RTM_PAYLOAD(message);
	struct lifeline_route *ret = context;

	if (message->nlmsg_type != RTM_NEWROUTE ||
	    message->nlmsg_len < NLMSG_LENGTH(sizeof(*route)))
		return -EPROTO;
	ret->ifindex = rtnetlink_u32(rtnetlink_find(attributes, bytes, RTA_OIF));
	ret->has_gateway =
		copy_address(ret->gateway, rtnetlink_find(attributes, bytes, RTA_GATEWAY), family);
	ret->has_source =
		copy_address(ret->source, rtnetlink_find(attributes, bytes, RTA_PREFSRC), family);
	return ret->ifindex ? 0 : -ENETUNREACH;
}

int lifeline_find_route(enum pep_family family, const unsigned char *address,
			struct lifeline_route *ret)
{
	struct rtnetlink_request request = RTNETLINK_REQUEST(RTM_GETROUTE, struct rtmsg);

	*ret = (struct lifeline_route){ 0 };
	request.route.rtm_family = family == PEP_IPV6 ? AF_INET6 : AF_INET;
	request.route.rtm_dst_len = (unsigned char)(8 * address_bytes(family));
	if (rtnetlink_put(&request, RTA_DST, address, address_bytes(family)))
		return -EMSGSIZE;
	return rtnetlink_ask(&request, take_route, ret);
}
