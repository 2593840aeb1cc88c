// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <json-c/json.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "policy.h"
#include "policy_draft.h"
#include "policy_field.h"
#include "policy_json.h"
#include "policy_read.h"
#include "policy_value.h"
#include "reason.h"
#include "timestamp.h"
#include "units.h"

#define SECOND_US 1000000
#define SECOND_NS 1000000000
#define TTL_MAX (10 * 365 * 86400) /* ten years */

/* ---- rates and bursts */

static const struct amount {
	enum policy_member member;
	size_t offset; /* of the number in struct policy_rare */
	enum units_kind kind;
	bool per_second;
} amounts[] = {
	{ MEMBER_BYTE_RATE, offsetof(struct policy_rare, bytes.per_second), UNITS_BYTES, true },
	{ MEMBER_PACKET_RATE, offsetof(struct policy_rare, packets.per_second), UNITS_PACKETS,
	  true },
	{ MEMBER_BURST_BYTES, offsetof(struct policy_rare, bytes.burst), UNITS_BYTES, false },
	{ MEMBER_BURST_PACKETS, offsetof(struct policy_rare, packets.burst), UNITS_PACKETS, false },
};

static const struct amount *amount_of(const struct policy_field *field)
{
	size_t i = 0;

	while (amounts[i].member != field->member)
		i++;
	return &amounts[i];
}

static int read_from(struct field_reader *reader, struct json_object *value, int64_t low)
{
	const struct amount *amount = amount_of(reader->field);
	uint64_t *target = (void *)((char *)&reader->draft->rare + amount->offset);
	struct reason reason;
	uint64_t parsed;
	int64_t number;
	int r;

	if (json_object_is_type(value, json_type_string)) {
		r = units_parse(json_object_get_string(value), amount->kind, amount->per_second,
				&parsed, &reason);
		if (r < 0)
			return field_refuse(reader, value, "%s", reason.text);
		if (parsed < (uint64_t)low)
			return field_refuse(reader, value, "is not at least 1");
		*target = parsed;
		return 0;
	}
	r = field_integer(reader, value, low, UNITS_MAX, &number);
	if (!r)
		*target = (uint64_t)number;
	return r;
}

int read_amount(struct field_reader *reader, struct json_object *value)
{
	return read_from(reader, value, 1);
}

/* The original writes a rate of 0 where there is no limit. */
int read_old_rate(struct field_reader *reader, struct json_object *value)
{
	return read_from(reader, value, 0);
}

int print_amount(const struct policy *policy, const struct policy_field *field,
		 struct json_object **ret)
{
	const uint64_t *number =
		(const void *)((const char *)policy->rare + amount_of(field)->offset);

	return *number ? print_integer(*number, ret) : 0;
}

/* ---- expiry */

/* Seconds since 1970, as the original has them, as number or text. */
static int read_epoch(struct json_object *value, int64_t *ret_us)
{
	uint64_t seconds;

	if (json_object_is_type(value, json_type_int)) {
		int64_t given = json_object_get_int64(value);

		seconds = given < 0 ? 0 : (uint64_t)given;
	} else if (!json_object_is_type(value, json_type_string) ||
		   number_parse(json_object_get_string(value), INT64_MAX, &seconds) < 0) {
		return -EINVAL;
	}
	if (seconds > TIMESTAMP_MAX_US / SECOND_US)
		return -EINVAL;
	*ret_us = (int64_t)seconds * SECOND_US;
	return 0;
}

int read_expires_at(struct field_reader *reader, struct json_object *value)
{
	struct policy *policy = reader->policy;
	struct reason reason = { "is not a time as in RFC 3339 (2026-01-31T23:59:59Z) nor seconds "
				 "since 1970" };
	int64_t us;
	int r = read_epoch(value, &us);

	if (r < 0 && json_object_is_type(value, json_type_string))
		r = timestamp_parse(json_object_get_string(value), &us, &reason);
	if (r < 0)
		return field_refuse(reader, value, "%s", reason.text);
	if (!us)
		return field_refuse(reader, value,
				    "is the beginning of 1970: leave the member out "
				    "of a policy that does not expire");
	policy->expires_at = us;
	if (us <= reader->source->now_us)
		field_warn(reader, "%s is in the past: the policy has expired and does nothing",
			   json_object_get_string(value));
	return 0;
}

int print_expires_at(const struct policy *policy, const struct policy_field *field,
		     struct json_object **ret)
{
	char text[TIMESTAMP_TEXT_MAX];

	(void)field;
	if (!policy->expires_at)
		return 0;
	timestamp_print(policy->expires_at, text);
	return print_string(text, ret);
}

int read_ttl_seconds(struct field_reader *reader, struct json_object *value)
{
	const struct policy_source *source = reader->source;
	struct policy *policy = reader->policy;
	int64_t seconds;
	int r;

	if (source->file)
		return field_refuse(reader, value,
				    "would begin anew whenever the file is read: "
				    "a file says \"expires_at\"");
	r = field_integer(reader, value, 1, TTL_MAX, &seconds);
	if (r < 0)
		return r;
	policy->expires_at = source->now_us + seconds * SECOND_US;
	policy->ttl_deadline_ns = source->boottime_ns + (uint64_t)seconds * SECOND_NS;
	return 0;
}
