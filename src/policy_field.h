/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of a policy's JSON, one row each: how a value becomes a part of
 * struct policy and how it is printed.  A new matching field is a row here and
 * a pair of functions.
 */
#ifndef POLICY_FIELD_H
#define POLICY_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;
struct policy;
struct policy_draft;
struct policy_source;
struct problems;

enum policy_group { GROUP_TOP, GROUP_SRC, GROUP_DST, GROUPS };

/* What a member says; several names may say the same. */
enum policy_member {
	MEMBER_ID,
	MEMBER_DESCRIPTION,
	MEMBER_ENABLED,
	MEMBER_LABELS,
	MEMBER_PRIORITY,
	MEMBER_MODE,
	MEMBER_ACTION,
	MEMBER_DIRECTION,
	MEMBER_INTERFACE,
	MEMBER_SRC_IP,
	MEMBER_SRC_PORT,
	MEMBER_DST_IP,
	MEMBER_DST_PORT,
	MEMBER_PROTOCOL,
	MEMBER_ICMP_TYPE,
	MEMBER_ICMP_CODE,
	MEMBER_VLAN,
	MEMBER_DSCP,
	MEMBER_TCP_FLAGS,
	MEMBER_LENGTH,
	MEMBER_TTL,
	MEMBER_FRAGMENT,
	MEMBER_STATE,
	MEMBER_LOG,
	MEMBER_BYTE_RATE,
	MEMBER_PACKET_RATE,
	MEMBER_BURST_BYTES,
	MEMBER_BURST_PACKETS,
	MEMBER_RATE_PER,
	MEMBER_CONFORM,
	MEMBER_EXPIRY,
	MEMBERS
};

#define MEMBER_BIT(member) (UINT64_C(1) << (member))

struct policy_field;

/* The state of reading one policy. */
struct field_reader {
	struct policy_draft *draft;
	struct policy *policy; /* the draft's */
	const struct policy_source *source;
	struct problems *problems;
	const char *id; /* what "id" must be or defaults to; NULL */
	uint64_t given, failed; /* MEMBER_BIT */
	/* What is being read, for messages. */
	const struct policy_field *field;
	int index; /* of the element of a list; -1: the value itself */
	const char *key; /* of the member of an object; NULL: the value itself */
};

struct policy_field {
	const char *name;
	enum policy_group group;
	enum policy_member member;
	/* Returns 0, -EINVAL when refused (noted), -ENOMEM. */
	int (*read)(struct field_reader *reader, struct json_object *value);
	/* Leaves *ret NULL when there is nothing to say. NULL: never printed. Returns 0 or -ENOMEM. */
	int (*print)(const struct policy *policy, const struct policy_field *field,
		     struct json_object **ret);
};

#define POLICY_FIELDS_MAX 64 /* rows */

extern const struct policy_field policy_fields[];
extern const size_t policy_field_count;

/** "src", "dst"; "" for the top. */
const char *policy_group_name(enum policy_group group);

/** Whether a member of that name is ignored: printed, but not part of the definition. */
bool policy_field_is_read_only(const char *name);

/** Refuses an unknown member, guessing what was meant. Returns -EINVAL. */
int field_unknown(struct field_reader *reader, enum policy_group group, const char *name);

/**
 * The checks that need more than one member, done after all were read; those
 * that depend on a member that failed are left out. Notes what is wrong.
 */
void policy_check(struct field_reader *reader);

#endif
