// SPDX-License-Identifier: Apache-2.0
#include "probe.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "address.h"
#include "cleanup.h"
#include "json_cleanup.h"
#include "json_pointer.h"
#include "policy.h"
#include "policy_json.h"
#include "problem.h"
#include "suggest.h"

static const char *const members[] = {
	"direction", "interface", "src",       "dst",	 "protocol", "icmp_type", "icmp_code",
	"vlan",	     "dscp",	  "tcp_flags", "length", "ttl",	     "fragment",  "frame",
};

static int read_members(struct json_object *json, struct probe_packet *ret,
			struct problems *problems);
static int read_frame(struct json_object *value, struct probe_packet *ret,
		      struct problems *problems);

int probe_read(struct json_object *json, const char *pointer, struct probe_packet *ret,
	       struct problems *problems)
{
	size_t first = problems->count;
	int error;

	if (!json_object_is_type(json, json_type_object)) {
		problem_add(problems, pointer, "a packet is an object");
		return -EINVAL;
	}
	error = read_members(json, ret, problems);
	problems_prefix(problems, first, pointer);
	return error;
}

static void note_unknown(const char *name, struct problems *problems)
{
	struct suggestion suggestion = { .wrong = name };
	char pointer[96] = "";

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		suggest(&suggestion, members[i]);
	json_pointer_append(pointer, sizeof(pointer), name);
	problem_add(problems, pointer, "a packet has no member of this name%s%s%s",
		    suggestion.best ? "; did you mean \"" : "",
		    suggestion.best ? suggestion.best : "", suggestion.best ? "\"?" : "");
}

static bool is_member(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (!strcmp(name, members[i]))
			return true;
	return false;
}

/* A frame says all but where it is. */
static int check_members(struct json_object *json, bool frame, struct problems *problems)
{
	size_t before = problems->errors;

	json_object_object_foreach(json, name, value) {
		char pointer[96] = "";

		(void)value;
		if (!is_member(name)) {
			note_unknown(name, problems);
		} else if (frame && strcmp(name, "frame") != 0 && strcmp(name, "interface") != 0 &&
			   strcmp(name, "direction") != 0) {
			json_pointer_append(pointer, sizeof(pointer), name);
			problem_add(problems, pointer, "is what \"frame\" says");
		}
	}
	return problems->errors > before ? -EINVAL : 0;
}

/* ---- members of a policy, with one value each */

static bool is_one_address(const struct address_list *list)
{
	const struct address_range *range = list->range;

	return list->count == 1 && range->family != ADDRESS_SET && !range->excluded &&
	       !address_compare(&range->low, &range->high);
}

static bool is_one_number(const struct number_list *list)
{
	return !list->count || (list->count == 1 && list->range->low == list->range->high);
}

static int check_single(const struct policy *policy, bool frame, struct problems *problems)
{
	const struct policy_rare *rare = policy->rare;
	const struct {
		const char *pointer;
		bool single;
	} checks[] = {
		{ "/direction", !(policy->directions & (policy->directions - 1)) },
		{ "/interface", policy->interface_count <= 1 },
		{ "/src/ip", frame || is_one_address(&policy->src) },
		{ "/dst/ip", frame || is_one_address(&policy->dst) },
		{ "/src/port", is_one_number(&policy->sport) },
		{ "/dst/port", is_one_number(&policy->dport) },
		{ "/vlan", is_one_number(&rare->vlan) },
		{ "/length", is_one_number(&rare->length) },
		{ "/ttl", is_one_number(&rare->ttl) },
		{ "/dscp", !(rare->dscp & (rare->dscp - 1)) },
	};
	size_t before = problems->errors;

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (!checks[i].single)
			problem_add(problems, checks[i].pointer,
				    "must be one: a packet has one value each");
	return problems->errors > before ? -EINVAL : 0;
}

/* The policy's parser reads them, as a failsafe policy's: that needs no action. */
static int read_policy(struct json_object *json, struct policy **ret, struct problems *problems)
{
	CLEANUP(cleanup_json) struct json_object *copy = json_object_new_object();
	const struct policy_source source = { .failsafe = true };

	if (!copy)
		return -ENOMEM;
	json_object_object_foreach(json, name, value) {
		if (strcmp(name, "frame") != 0 &&
		    json_object_object_add(copy, name, json_object_get(value))) {
			json_object_put(value);
			return -ENOMEM;
		}
	}
	return policy_parse(copy, "packet", &source, ret, problems);
}

static int read_members(struct json_object *json, struct probe_packet *ret,
			struct problems *problems)
{
	CLEANUP(policy_put) struct policy *policy = NULL;
	struct json_object *frame = NULL;
	bool framed = json_object_object_get_ex(json, "frame", &frame);
	int error = check_members(json, framed, problems);

	if (!error)
		error = read_policy(json, &policy, problems);
	if (!error)
		error = check_single(policy, framed, problems);
	if (error)
		return error;
	*ret->interface = '\0';
	if (policy->interface_count)
		strncpy(ret->interface, policy->rare->interfaces[0], sizeof(ret->interface) - 1);
	ret->interface[sizeof(ret->interface) - 1] = '\0';
	ret->direction = policy->directions & 1u << PEP_EGRESS ? PEP_EGRESS : PEP_INGRESS;
	return framed ? read_frame(frame, ret, problems) : probe_build(policy, ret, problems);
}

/* ---- frames */

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int read_frame(struct json_object *value, struct probe_packet *ret,
		      struct problems *problems)
{
	const char *text = json_object_get_string(value);
	size_t digits = json_object_is_type(value, json_type_string) ? strlen(text) : 0;

	if (digits % 2 || digits < 2 * PROBE_LINK_BYTES || digits > 2 * PROBE_FRAME_MAX) {
		problem_add(problems, "/frame",
			    "must be a string of two hexadecimal digits a byte, of a frame of %d "
			    "to %d bytes that begins with its Ethernet header",
			    PROBE_LINK_BYTES, PROBE_FRAME_MAX);
		return -EINVAL;
	}
	for (ret->bytes = 0; ret->bytes < digits / 2; ret->bytes++) {
		int high = digit_value(text[2 * ret->bytes]);
		int low = digit_value(text[2 * ret->bytes + 1]);

		if (high < 0 || low < 0) {
			problem_add(problems, "/frame", "has no hexadecimal digits at byte %zu",
				    ret->bytes);
			return -EINVAL;
		}
		ret->frame[ret->bytes] = (unsigned char)(high << 4 | low);
	}
	return 0;
}
