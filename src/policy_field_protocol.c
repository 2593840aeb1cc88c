// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "number.h"
#include "policy.h"
#include "policy_draft.h"
#include "policy_field.h"
#include "policy_read.h"
#include "policy_value.h"
#include "protocol.h"
#include "reason.h"

/* A number up to @max, as JSON number or text. Returns it, or -1. */
static int number_of(struct json_object *value, unsigned int max)
{
	uint64_t number;

	if (json_object_is_type(value, json_type_int)) {
		int64_t given = json_object_get_int64(value);

		return given >= 0 && given <= (int64_t)max ? (int)given : -1;
	}
	if (json_object_is_type(value, json_type_string) &&
	    !number_parse(json_object_get_string(value), max, &number))
		return (int)number;
	return -1;
}

static const char *text_of(struct json_object *value)
{
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

/* ", did you mean ...?" of a suggestion that may be NULL. */
#define GUESS(best) (best) ? "; did you mean \"" : "", (best) ? (best) : "", (best) ? "\"?" : ""

/* ---- protocol */

int read_protocol(struct field_reader *reader, struct json_object *value)
{
	struct policy *policy = reader->policy;
	int protocol = number_of(value, 255);
	const char *near;

	if (field_is_any(value))
		return 0;
	if (protocol == 0)
		return field_refuse(reader, value,
				    "is ambiguous: write \"any\", or \"hopopt\" for "
				    "the protocol of that number");
	if (protocol < 0)
		protocol = protocol_number(text_of(value));
	if (protocol < 0) {
		near = protocol_suggest(text_of(value));
		return field_refuse(reader, value,
				    "is not a protocol: a name such as \"tcp\", a "
				    "number from 1 to 255, or \"any\"%s%s%s",
				    GUESS(near));
	}
	/* The original has it in src, in dst, or in both. */
	if (policy->protocol != POLICY_PROTOCOL_ANY && policy->protocol != protocol)
		return field_refuse(reader, value,
				    "contradicts the protocol that this policy "
				    "names elsewhere");
	policy->protocol = (int16_t)protocol;
	return 0;
}

int print_protocol(const struct policy *policy, const struct policy_field *field,
		   struct json_object **ret)
{
	const char *name = protocol_name(policy->protocol);

	(void)field;
	if (policy->protocol == POLICY_PROTOCOL_ANY)
		return 0;
	return name ? print_string(name, ret) : print_integer((uint64_t)policy->protocol, ret);
}

/* ---- ICMP */

static bool has_icmp(const struct policy *policy)
{
	return policy->protocol == PROTOCOL_ICMP || policy->protocol == PROTOCOL_ICMPV6;
}

int read_icmp_type(struct field_reader *reader, struct json_object *value)
{
	struct policy *policy = reader->policy;
	int type = number_of(value, 255);

	if (field_is_any(value))
		return 0;
	if (!has_icmp(policy)) {
		/* Which type a name means depends on a protocol that was refused. */
		if (reader->failed & MEMBER_BIT(MEMBER_PROTOCOL))
			return 0;
		return field_refuse(reader, value,
				    "needs \"protocol\" to be \"icmp\" or "
				    "\"icmpv6\"");
	}
	if (type < 0)
		type = icmp_type_number(policy->protocol, text_of(value));
	if (type < 0) {
		const char *near = icmp_type_suggest(policy->protocol, text_of(value));

		return field_refuse(reader, value,
				    "is not a type of %s: a name such as "
				    "\"echo-request\" or a number from 0 to 255%s%s%s",
				    protocol_name(policy->protocol), GUESS(near));
	}
	policy->icmp_type = (int16_t)type;
	return 0;
}

int print_icmp_type(const struct policy *policy, const struct policy_field *field,
		    struct json_object **ret)
{
	const char *name;

	(void)field;
	if (policy->icmp_type < 0)
		return 0;
	name = icmp_type_name(policy->protocol, policy->icmp_type);
	return name ? print_string(name, ret) : print_integer((uint64_t)policy->icmp_type, ret);
}

int read_icmp_code(struct field_reader *reader, struct json_object *value)
{
	struct policy *policy = reader->policy;
	int code = number_of(value, 255);

	if (field_is_any(value))
		return 0;
	if (!has_icmp(policy) && !(reader->failed & MEMBER_BIT(MEMBER_PROTOCOL)))
		return field_refuse(reader, value,
				    "needs \"protocol\" to be \"icmp\" or "
				    "\"icmpv6\"");
	if (code < 0)
		return field_refuse(reader, value, "is not a number from 0 to 255");
	policy->icmp_code = (int16_t)code;
	return 0;
}

int print_icmp_code(const struct policy *policy, const struct policy_field *field,
		    struct json_object **ret)
{
	(void)field;
	return policy->icmp_code < 0 ? 0 : print_integer((uint64_t)policy->icmp_code, ret);
}

/* ---- DSCP */

static int read_class(struct field_reader *reader, struct json_object *value, uint64_t *bits)
{
	struct number_range range;
	int dscp = number_of(value, DSCP_MAX);
	struct reason reason;

	if (dscp < 0)
		dscp = dscp_number(text_of(value));
	if (dscp >= 0)
		range = (struct number_range){ (uint16_t)dscp, (uint16_t)dscp };
	else if (number_range_parse(text_of(value), DSCP_MAX, &range, &reason) < 0)
		return field_refuse(reader, value,
				    "is not a DSCP: a class such as \"ef\", \"af11\" "
				    "or \"cs1\", a number from 0 to 63, or a range");
	for (unsigned int i = range.low; i <= range.high; i++)
		*bits |= UINT64_C(1) << i;
	return 0;
}

int read_dscp(struct field_reader *reader, struct json_object *value)
{
	int count, result = 0;

	if (field_is_any(value))
		return 0;
	count = field_elements(reader, value, DSCP_MAX + 1);
	if (count < 0)
		return count;
	for (int i = 0; i < count; i++) {
		int r = read_class(reader, field_element(reader, value, i),
				   &reader->draft->rare.dscp);

		result = r < 0 ? r : result;
	}
	return result;
}

int print_dscp(const struct policy *policy, const struct policy_field *field,
	       struct json_object **ret)
{
	size_t count = (size_t)__builtin_popcountll(policy->rare->dscp);

	(void)field;
	for (int i = 0; i <= DSCP_MAX && policy->rare->dscp; i++) {
		const char *name;
		int r;

		if (!(policy->rare->dscp >> i & 1))
			continue;
		name = dscp_name(i);
		r = print_element(ret, name ? json_object_new_string(name) : json_object_new_int(i),
				  count);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- TCP flags */

#define FLAGS_TEXT_MAX 64

static int read_flag(struct field_reader *reader, struct json_object *value, const char *name)
{
	struct policy *policy = reader->policy;
	bool clear = name[0] == '!';
	uint8_t bit = tcp_flag_bit(name + clear);
	uint8_t wanted = clear ? 0 : bit;

	if (!bit)
		return field_refuse(reader, value,
				    "is not a list of TCP flags such as "
				    "\"syn,!ack\": fin, syn, rst, psh, ack, urg, ece, cwr are "
				    "known, \"!\" for one that must not be set");
	if ((policy->tcp_flags_mask & bit) && (policy->tcp_flags & bit) != wanted)
		return field_refuse(reader, value, "wants %s both set and not set", name + clear);
	policy->tcp_flags_mask |= bit;
	policy->tcp_flags |= wanted;
	return 0;
}

/* The flags of one string, joined by commas. */
static int read_flags(struct field_reader *reader, struct json_object *value)
{
	char text[FLAGS_TEXT_MAX], *rest = text, *name;
	const char *given;
	int r = field_string(reader, value, &given);

	if (r < 0)
		return r;
	if (snprintf(text, sizeof(text), "%s", given) >= (int)sizeof(text))
		return read_flag(reader, value, "");
	while ((name = strsep(&rest, ",")) && !r)
		r = read_flag(reader, value, name);
	return r;
}

int read_tcp_flags(struct field_reader *reader, struct json_object *value)
{
	int count = field_elements(reader, value, 8), result = 0;

	if (count < 0)
		return count;
	for (int i = 0; i < count; i++) {
		int r = read_flags(reader, field_element(reader, value, i));

		result = r < 0 ? r : result;
	}
	return result;
}

int print_tcp_flags(const struct policy *policy, const struct policy_field *field,
		    struct json_object **ret)
{
	char text[FLAGS_TEXT_MAX];
	size_t length = 0;

	(void)field;
	if (!policy->tcp_flags_mask)
		return 0;
	for (unsigned int i = 0; i < 8; i++) {
		bool set = policy->tcp_flags >> i & 1;

		if (!(policy->tcp_flags_mask >> i & 1))
			continue;
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s%s",
					   length ? "," : "", set ? "" : "!", tcp_flag_name(i));
	}
	return print_string(text, ret);
}
