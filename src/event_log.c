/* SPDX-License-Identifier: Apache-2.0 */
#include "event_log.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "event_feed.h"
#include "log.h"
#include "outcome.h"
#include "policy.h"
#include "protocol.h"

#define ENDPOINT_MAX (INET6_ADDRSTRLEN + sizeof("[]:65535"))

/* The parts of the line as text. */
struct event_text {
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	char from[ENDPOINT_MAX], to[ENDPOINT_MAX];
	char sport[8], dport[8];
	char protocol[16];
	char length[16];
	char vlan[8]; /* "" untagged */
	const char *verdict, *reason;
};

static void print_event(const struct pep_event *event, struct event_text *ret);
static void print_address(const struct pep_event *event, const __u32 word[4],
			  char ret_text[INET6_ADDRSTRLEN]);
static void print_endpoint(const char *address, const char *port, char ret_text[ENDPOINT_MAX]);
static void print_verdict(const struct pep_event *event, struct event_text *ret);
static size_t drop_empty(struct log_field *fields, size_t count);

void event_log(const struct feed_event *feed_event)
{
	const struct pep_event *event = feed_event->event;
	const char *policy = feed_event->policy ? feed_event->policy : "";
	const char *direction = event->direction == PEP_EGRESS ? "egress" : "ingress";
	struct event_text text;

	print_event(event, &text);
	struct log_field fields[] = {
		{ "POLICY", policy },
		{ "ACTION", policy_action_name(event->action) },
		{ "VERDICT", text.verdict },
		{ "REASON", text.reason },
		{ "IFACE", feed_event->interface },
		{ "DIRECTION", direction },
		{ "PROTO", text.protocol },
		{ "SRC", text.src },
		{ "DST", text.dst },
		{ "SPORT", text.sport },
		{ "DPORT", text.dport },
		{ "LENGTH", text.length },
		{ "VLAN", text.vlan },
	};
	log_write(LOG_LEVEL_INFO, fields, drop_empty(fields, ARRAY_SIZE(fields)),
		  "%s %s %s > %s, %s bytes, %s %s: %s %s", text.verdict, text.protocol, text.from,
		  text.to, text.length, direction, feed_event->interface,
		  *policy ? "policy" : "reason", *policy ? policy : text.reason);
}

static void print_event(const struct pep_event *event, struct event_text *ret)
{
	const char *protocol = protocol_name(event->protocol);

	*ret = (struct event_text){ .src = "" };
	print_address(event, event->src, ret->src);
	print_address(event, event->dst, ret->dst);
	if (protocol_has_ports(event->protocol)) {
		snprintf(ret->sport, sizeof(ret->sport), "%u", event->sport);
		snprintf(ret->dport, sizeof(ret->dport), "%u", event->dport);
	}
	print_endpoint(ret->src, ret->sport, ret->from);
	print_endpoint(ret->dst, ret->dport, ret->to);
	if (protocol)
		snprintf(ret->protocol, sizeof(ret->protocol), "%s", protocol);
	else
		snprintf(ret->protocol, sizeof(ret->protocol), "%u", event->protocol);
	snprintf(ret->length, sizeof(ret->length), "%u", event->length);
	if (event->vlan != PEP_VLAN_NONE)
		snprintf(ret->vlan, sizeof(ret->vlan), "%u", event->vlan);
	print_verdict(event, ret);
}

static void print_address(const struct pep_event *event, const __u32 word[4],
			  char ret_text[INET6_ADDRSTRLEN])
{
	__u32 network[4];

	for (int i = 0; i < 4; i++)
		network[i] = htonl(word[i]);
	if (!inet_ntop(event->family == PEP_IPV6 ? AF_INET6 : AF_INET, network, ret_text,
		       INET6_ADDRSTRLEN))
		ret_text[0] = '\0';
}

static void print_endpoint(const char *address, const char *port, char ret_text[ENDPOINT_MAX])
{
	const bool brackets = *port && strchr(address, ':');

	snprintf(ret_text, ENDPOINT_MAX, "%s%s%s%s%s", brackets ? "[" : "", address,
		 brackets ? "]" : "", *port ? ":" : "", port);
}

/* LOG_ONLY decides nothing: whatever the packet meets next is another event's. */
static void print_verdict(const struct pep_event *event, struct event_text *ret)
{
	const struct outcome *outcome = outcome_find(event->outcome);

	if (event->slot != PEP_SLOT_NONE && event->action == PEP_ACTION_LOG_ONLY) {
		ret->verdict = "log";
		ret->reason = "policy";
		return;
	}
	ret->verdict = outcome && outcome->verdict == PEP_DROP ? "drop" : "pass";
	ret->reason = outcome ? outcome->label : "";
}

static size_t drop_empty(struct log_field *fields, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (fields[i].value && *fields[i].value)
			fields[kept++] = fields[i];
	}
	return kept;
}
