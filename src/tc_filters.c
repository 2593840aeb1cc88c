/* SPDX-License-Identifier: Apache-2.0 */
#include "tc_filters.h"

#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "rtnetlink.h"

#define QDISC_KIND_BYTES 16

struct filter_list {
	struct tc_filter *filter;
	size_t count;
	size_t room;
};

static void filter_list_restart(void *context)
{
	struct filter_list *list = context;

	list->count = 0;
}

static struct tc_filter *filter_list_add(struct filter_list *list)
{
	struct tc_filter *grown;

	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 8;
		grown = reallocarray(list->filter, list->room, sizeof(*grown));
		if (!grown)
			return NULL;
		list->filter = grown;
	}
	return memset(&list->filter[list->count++], 0, sizeof(*grown));
}

static void filter_take_options(struct tc_filter *filter, const struct rtattr *options)
{
	const struct rtattr *nested = RTA_DATA(options);
	size_t bytes = RTA_PAYLOAD(options);

	filter->program_id = rtnetlink_u32(rtnetlink_find(nested, bytes, TCA_BPF_ID));
	rtnetlink_copy_string(filter->name, sizeof(filter->name),
			      rtnetlink_find(nested, bytes, TCA_BPF_NAME));
}

static int filter_list_message(void *context, const struct nlmsghdr *message)
{
	const struct tcmsg *tc = NLMSG_DATA(message);
	const struct rtattr *options;
	const struct rtattr *first;
	struct tc_filter *filter;
	size_t bytes;

	if (message->nlmsg_type != RTM_NEWTFILTER || message->nlmsg_len < NLMSG_LENGTH(sizeof(*tc)))
		return 0;
	filter = filter_list_add(context);
	if (!filter)
		return -ENOMEM;
	first = TCA_RTA(tc);
	bytes = message->nlmsg_len - NLMSG_SPACE(sizeof(*tc));
	filter->priority = TC_H_MAJ(tc->tcm_info) >> 16;
	filter->handle = tc->tcm_handle;
	filter->chain = rtnetlink_u32(rtnetlink_find(first, bytes, TCA_CHAIN));
	rtnetlink_copy_string(filter->kind, sizeof(filter->kind),
			      rtnetlink_find(first, bytes, TCA_KIND));
	options = rtnetlink_find(first, bytes, TCA_OPTIONS);
	if (options && !strcmp(filter->kind, "bpf"))
		filter_take_options(filter, options);
	return 0;
}

int tc_filters_list(uint32_t ifindex, bool egress, struct tc_filter **ret, size_t *ret_count)
{
	struct rtnetlink_request request = RTNETLINK_REQUEST(RTM_GETTFILTER, request.tc);
	struct filter_list list = { 0 };
	char kind[QDISC_KIND_BYTES];
	int err = 0;

	/* The qdisc "ingress" answers for any hook with its one list. */
	if (egress)
		err = tc_filters_qdisc(ifindex, kind);
	if (!err && (!egress || !strcmp(kind, "clsact"))) {
		request.tc.tcm_ifindex = (int)ifindex;
		request.tc.tcm_parent =
			TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
		err = rtnetlink_dump(&request, filter_list_message, filter_list_restart, &list);
	}
	if (err) {
		free(list.filter);
		return err;
	}
	*ret = list.filter;
	*ret_count = list.count;
	return 0;
}

struct qdisc_search {
	int ifindex;
	char *kind;
};

static void qdisc_search_restart(void *context)
{
	struct qdisc_search *search = context;

	search->kind[0] = '\0';
}

static int qdisc_search_message(void *context, const struct nlmsghdr *message)
{
	const struct tcmsg *tc = NLMSG_DATA(message);
	struct qdisc_search *search = context;

	if (message->nlmsg_type != RTM_NEWQDISC || message->nlmsg_len < NLMSG_LENGTH(sizeof(*tc)))
		return 0;
	if (tc->tcm_ifindex != search->ifindex || tc->tcm_parent != TC_H_CLSACT)
		return 0;
	rtnetlink_copy_string(search->kind, QDISC_KIND_BYTES,
			      rtnetlink_find(TCA_RTA(tc),
					     message->nlmsg_len - NLMSG_SPACE(sizeof(*tc)),
					     TCA_KIND));
	return 0;
}

int tc_filters_qdisc(uint32_t ifindex, char ret[16])
{
	struct rtnetlink_request request = RTNETLINK_REQUEST(RTM_GETQDISC, request.tc);
	struct qdisc_search search = { .ifindex = (int)ifindex, .kind = ret };

	request.tc.tcm_ifindex = search.ifindex;
	return rtnetlink_dump(&request, qdisc_search_message, qdisc_search_restart, &search);
}
