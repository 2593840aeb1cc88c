/* SPDX-License-Identifier: Apache-2.0 */
#include "event_view.h"

#include <arpa/inet.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>

#include "cleanup.h"
#include "event_feed.h"
#include "http_json.h"
#include "json_cleanup.h"
#include "outcome.h"
#include "policy.h"
#include "protocol.h"

static bool only_reported(const struct pep_event *event);
static const char *reason(const struct pep_event *event);
static int add_decision(struct json_object *json, const struct feed_event *feed_event);
static int add_packet(struct json_object *json, const struct pep_event *event);
static int add_address(struct json_object *json, const char *key, const struct pep_event *event,
		       const __u32 word[4]);
static int add_transport(struct json_object *json, const struct pep_event *event);
static int add_tcp_flags(struct json_object *json, const struct pep_event *event);

const char *event_verdict(const struct feed_event *event)
{
	const struct outcome *outcome = outcome_find(event->event->outcome);

	if (only_reported(event->event))
		return "log";
	return outcome && outcome->verdict == PEP_DROP ? "drop" : "pass";
}

struct json_object *event_view(const struct feed_event *event)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();

	if (!json || add_decision(json, event) || add_packet(json, event->event))
		return NULL;
	return TAKE_PTR(json);
}

/* LOG_ONLY decides nothing: what the packet meets next is another event's. */
static bool only_reported(const struct pep_event *event)
{
	return event->slot != PEP_SLOT_NONE && event->action == PEP_ACTION_LOG_ONLY;
}

static const char *reason(const struct pep_event *event)
{
	const struct outcome *outcome = outcome_find(event->outcome);

	return only_reported(event) ? "policy" : outcome ? outcome->label : "";
}

static int add_decision(struct json_object *json, const struct feed_event *feed_event)
{
	const struct pep_event *event = feed_event->event;
	bool decided = event->slot != PEP_SLOT_NONE;

	if (json_add_time(json, "time", feed_event->time_us) ||
	    json_add_text(json, "verdict", event_verdict(feed_event)) ||
	    json_add_text(json, "reason", reason(event)) ||
	    json_add_text(json, "policy", feed_event->policy) ||
	    json_add_text(json, "action", decided ? policy_action_name(event->action) : NULL) ||
	    json_add_text(json, "interface", feed_event->interface) ||
	    json_add_text(json, "direction",
			  event->direction == PEP_EGRESS ? "egress" : "ingress") ||
	    json_add_bool(json, "sample", event->flags & PEP_EVENT_SAMPLE) ||
	    json_add_number(json, "generation", event->generation))
		return -ENOMEM;
	return 0;
}

static int add_packet(struct json_object *json, const struct pep_event *event)
{
	const char *protocol = protocol_name(event->protocol);

	if (add_address(json, "src", event, event->src) ||
	    add_address(json, "dst", event, event->dst) ||
	    (protocol ? json_add_text(json, "protocol", protocol)
		      : json_add_format(json, "protocol", "%u", event->protocol)) ||
	    add_transport(json, event) || json_add_number(json, "length", event->length))
		return -ENOMEM;
	return event->vlan == PEP_VLAN_NONE ? 0 : json_add_number(json, "vlan", event->vlan);
}

static int add_address(struct json_object *json, const char *key, const struct pep_event *event,
		       const __u32 word[4])
{
	char text[INET6_ADDRSTRLEN] = "";
	__u32 network[4];

	for (int i = 0; i < 4; i++)
		network[i] = htonl(word[i]);
	inet_ntop(event->family == PEP_IPV6 ? AF_INET6 : AF_INET, network, text, sizeof(text));
	return json_add_text(json, key, text);
}

static int add_transport(struct json_object *json, const struct pep_event *event)
{
	bool icmp = event->protocol == PROTOCOL_ICMP || event->protocol == PROTOCOL_ICMPV6;

	if (event->protocol == PROTOCOL_TCP && add_tcp_flags(json, event))
		return -ENOMEM;
	if (!icmp && !protocol_has_ports(event->protocol))
		return 0;
	if (json_add_number(json, icmp ? "icmp_type" : "sport", event->sport) ||
	    json_add_number(json, icmp ? "icmp_code" : "dport", event->dport))
		return -ENOMEM;
	return 0;
}

static int add_tcp_flags(struct json_object *json, const struct pep_event *event)
{
	CLEANUP(cleanup_json) struct json_object *flags = json_object_new_array();

	for (unsigned int i = 0; flags && i < 8; i++)
		if (event->tcp_flags & 1u << i &&
		    json_append(flags, json_object_new_string(tcp_flag_name(i))))
			return -ENOMEM;
	return json_add(json, "tcp_flags", TAKE_PTR(flags));
}
