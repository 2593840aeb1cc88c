// SPDX-License-Identifier: Apache-2.0
#include "explain_view.h"

#include <arpa/inet.h>
#include <errno.h>

#include "cleanup.h"
#include "datapath.h"
#include "datapath_dry.h"
#include "explain.h"
#include "http_json.h"
#include "json_cleanup.h"
#include "outcome.h"
#include "policy.h"
#include "protocol.h"

#define RANK_UNKNOWN 0xffffffffu /* what a later fragment has of its first one */

static const char *slot_name(const struct explain_state *state, uint32_t slot)
{
	return slot == PEP_SLOT_NONE ? NULL
				     : datapath_dry_policy(state->datapath, state->change, slot);
}

/* ---- steps */

static bool is_last(const struct pep_trace *trace, uint32_t index)
{
	return index + 1 == trace->steps;
}

/* What a policy did with the packet. */
static const char *step_result(const struct pep_trace *trace, uint32_t index)
{
	const struct pep_step *step = &trace->step[index];
	bool limit = step->action == PEP_ACTION_RATE_LIMIT;

	if (step->action == PEP_ACTION_LOG_ONLY ||
	    (limit && step->conform && step->flags & PEP_VERSION_CONTINUE))
		return "continue";
	if (step->action == PEP_ACTION_ALLOW || (limit && step->conform))
		return "pass";
	return trace->outcome == PEP_OUTCOME_FAILSAFE && is_last(trace, index) ? "overruled"
									       : "drop";
}

static struct json_object *step_json(const struct explain_state *state,
				     const struct pep_trace *trace, uint32_t index)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();
	const struct pep_step *step = &trace->step[index];
	bool logs = step->flags & PEP_VERSION_LOG || step->action == PEP_ACTION_LOG_ONLY;

	if (!json || json_add_text(json, "policy", slot_name(state, step->slot)) ||
	    json_add_text(json, "action", policy_action_name(step->action)) ||
	    json_add_text(json, "result", step_result(trace, index)) ||
	    json_add_bool(json, "log", logs) ||
	    (step->action == PEP_ACTION_RATE_LIMIT &&
	     json_add_bool(json, "within_limit", step->conform)))
		return NULL;
	return TAKE_PTR(json);
}

/* A policy that expired on the way has left an empty one. */
static struct json_object *steps_json(const struct explain_state *state,
				      const struct pep_trace *trace)
{
	CLEANUP(cleanup_json) struct json_object *array = json_object_new_array();

	for (uint32_t i = 0; array && i < trace->steps && i <= PEP_CHAIN; i++)
		if (trace->step[i].rank && json_append(array, step_json(state, trace, i)))
			return NULL;
	return TAKE_PTR(array);
}

static int add_chain(const struct explain_state *state, const struct pep_trace *trace,
		     struct json_object *json)
{
	const struct outcome *outcome = outcome_find(trace->outcome);

	if (json_add_text(json, "verdict",
			  outcome && outcome->verdict == PEP_DROP ? "drop" : "pass") ||
	    json_add_text(json, "reason", outcome ? outcome->label : NULL) ||
	    json_add_text(json, "explanation", outcome ? outcome->text : NULL) ||
	    json_add_text(json, "policy", slot_name(state, trace->slot)) ||
	    json_add(json, "steps", steps_json(state, trace)))
		return -ENOMEM;
	return 0;
}

struct json_object *explain_view_chain(const struct explain_state *state,
				       const struct pep_trace *trace)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();

	return json && !add_chain(state, trace, json) ? TAKE_PTR(json) : NULL;
}

static int add_nothing(struct json_object *json, const char *verdict, const char *reason,
		       const char *explanation)
{
	if (json_add_text(json, "verdict", verdict) || json_add_text(json, "reason", reason) ||
	    json_add_text(json, "explanation", explanation) ||
	    json_add_text(json, "policy", NULL) ||
	    json_add(json, "steps", json_object_new_array()) ||
	    json_add_text(json, "otherwise", NULL))
		return -ENOMEM;
	return 0;
}

int explain_view_unseen(struct json_object *json)
{
	return add_nothing(json, "pass", "not_attached",
			   "nothing is attached there that would look at it");
}

int explain_view_unknown(struct json_object *json)
{
	return add_nothing(json, NULL, NULL,
			   "the kernel does not run such a frame dry: it ends within the IP "
			   "header");
}

uint32_t explain_view_rank(const struct pep_trace *trace)
{
	uint32_t rank;

	switch (trace->outcome) {
	case PEP_OUTCOME_FAILSAFE:
		if (trace->failsafe_for == PEP_SLOT_NONE)
			return 0;
		break;
	case PEP_OUTCOME_POLICY_ALLOW:
	case PEP_OUTCOME_POLICY_BLOCK:
	case PEP_OUTCOME_LIMIT_CONFORM:
	case PEP_OUTCOME_LIMIT_EXCEED:
	case PEP_OUTCOME_LIMIT_CONTENDED:
		break;
	default:
		return 0;
	}
	if (!trace->steps || trace->steps > PEP_CHAIN + 1)
		return 0;
	rank = trace->step[trace->steps - 1].rank;
	return rank == RANK_UNKNOWN ? 0 : rank;
}

/* ---- the packet */

static int add_address(struct json_object *json, const char *key, const struct pep_trace *trace,
		       const __u32 word[4])
{
	bool ipv6 = trace->key.word[PEP_KEY_PROTOCOL] & PEP_PROTOCOL_IPV6;
	char text[INET6_ADDRSTRLEN] = "";
	__u32 network[4];

	for (int i = 0; i < 4; i++)
		network[i] = htonl(word[i]);
	inet_ntop(ipv6 ? AF_INET6 : AF_INET, network, text, sizeof(text));
	return json_add_text(json, key, text);
}

static int add_transport(struct json_object *json, const struct pep_trace *trace)
{
	int number = (int)(trace->key.word[PEP_KEY_PROTOCOL] & PEP_PROTOCOL_NUMBER);
	bool icmp = number == PROTOCOL_ICMP || number == PROTOCOL_ICMPV6;
	const char *name = protocol_name(number);
	uint32_t ports = trace->key.word[PEP_KEY_PORTS];

	if (name ? json_add_text(json, "protocol", name)
		 : json_add_format(json, "protocol", "%d", number))
		return -ENOMEM;
	if (!icmp && !protocol_has_ports(number))
		return 0;
	if (json_add_number(json, icmp ? "icmp_type" : "sport", ports >> 16) ||
	    json_add_number(json, icmp ? "icmp_code" : "dport", ports & 0xffff))
		return -ENOMEM;
	return 0;
}

static int add_vlans(struct json_object *json, const struct pep_trace *trace)
{
	CLEANUP(cleanup_json) struct json_object *array = json_object_new_array();
	uint32_t outer = trace->vlans >> 16, inner = trace->vlans & 0xffff;

	if (!array ||
	    (outer != PEP_VLAN_NONE && json_append(array, json_object_new_int((int)outer))))
		return -ENOMEM;
	if (inner != PEP_VLAN_NONE && json_append(array, json_object_new_int((int)inner)))
		return -ENOMEM;
	return json_add(json, "vlans", TAKE_PTR(array));
}

/* What was read of it: of a packet that is malformed or not IP there may be no addresses. */
static struct json_object *packet_json(const struct pep_trace *trace)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();
	const char *fragment = NULL;

	if (trace->flags & PEP_TRACE_FRAGMENT)
		fragment = trace->flags & PEP_TRACE_FIRST ? "first" : "later";
	if (!json)
		return NULL;
	if (trace->key.word[PEP_KEY_PROTOCOL] & ~PEP_PROTOCOL_EGRESS &&
	    (add_address(json, "src", trace, &trace->key.word[PEP_KEY_SRC]) ||
	     add_address(json, "dst", trace, &trace->key.word[PEP_KEY_DST]) ||
	     add_transport(json, trace)))
		return NULL;
	if (json_add_number(json, "length", trace->length) || add_vlans(json, trace) ||
	    json_add_text(json, "fragment", fragment))
		return NULL;
	return TAKE_PTR(json);
}

static struct json_object *failsafe_json(const struct explain_state *state,
					 const struct pep_trace *trace)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();

	if (!json || json_add_text(json, "policy", slot_name(state, trace->slot)) ||
	    json_add_text(json, "overruled", slot_name(state, trace->failsafe_for)))
		return NULL;
	return TAKE_PTR(json);
}

/* What is only prepared has none that would mean anything. */
static int add_generation(const struct explain_state *state, struct json_object *json)
{
	struct datapath_figures figures;

	if (state->change)
		return json_add_text(json, "generation", NULL);
	datapath_figures(state->datapath, &figures);
	return json_add_number(json, "generation", figures.generation);
}

int explain_view_add(const struct explain_state *state, const struct pep_trace *trace,
		     struct json_object *json)
{
	if (add_chain(state, trace, json) || add_generation(state, json) ||
	    json_add(json, "packet", packet_json(trace)))
		return -ENOMEM;
	if (trace->outcome == PEP_OUTCOME_FAILSAFE)
		return json_add(json, "failsafe", failsafe_json(state, trace));
	return json_add_text(json, "failsafe", NULL);
}
