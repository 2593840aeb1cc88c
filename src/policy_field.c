// SPDX-License-Identifier: Apache-2.0
#include "policy_field.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "json_pointer.h"
#include "policy_read.h"
#include "problem.h"
#include "suggest.h"

/*
 * In the order in which they are read, errors are told and members printed:
 * the protocol stands in front of what depends on it.
 */
const struct policy_field policy_fields[] = {
	{ GROUP_TOP, "id", MEMBER_ID, read_id, print_id },
	{ GROUP_TOP, "description", MEMBER_DESCRIPTION, read_description, print_description },
	{ GROUP_TOP, "enabled", MEMBER_ENABLED, read_enabled, print_enabled },
	{ GROUP_TOP, "labels", MEMBER_LABELS, read_labels, print_labels },
	{ GROUP_TOP, "priority", MEMBER_PRIORITY, read_priority, print_priority },
	{ GROUP_TOP, "mode", MEMBER_MODE, read_mode, NULL },
	{ GROUP_TOP, "action", MEMBER_ACTION, read_action, print_action },
	{ GROUP_TOP, "direction", MEMBER_DIRECTION, read_direction, print_direction },
	{ GROUP_TOP, "interface", MEMBER_INTERFACE, read_interface, print_interface },
	{ GROUP_SRC, "ip", MEMBER_SRC_IP, read_address, print_address },
	{ GROUP_SRC, "port", MEMBER_SRC_PORT, read_numbers, print_numbers },
	{ GROUP_DST, "ip", MEMBER_DST_IP, read_address, print_address },
	{ GROUP_DST, "port", MEMBER_DST_PORT, read_numbers, print_numbers },
	{ GROUP_TOP, "protocol", MEMBER_PROTOCOL, read_protocol, print_protocol },
	{ GROUP_SRC, "protocol", MEMBER_PROTOCOL, read_protocol, NULL },
	{ GROUP_DST, "protocol", MEMBER_PROTOCOL, read_protocol, NULL },
	{ GROUP_TOP, "icmp_type", MEMBER_ICMP_TYPE, read_icmp_type, print_icmp_type },
	{ GROUP_TOP, "icmp_code", MEMBER_ICMP_CODE, read_icmp_code, print_icmp_code },
	{ GROUP_TOP, "vlan", MEMBER_VLAN, read_numbers, print_numbers },
	{ GROUP_TOP, "dscp", MEMBER_DSCP, read_dscp, print_dscp },
	{ GROUP_TOP, "tcp_flags", MEMBER_TCP_FLAGS, read_tcp_flags, print_tcp_flags },
	{ GROUP_TOP, "length", MEMBER_LENGTH, read_numbers, print_numbers },
	{ GROUP_TOP, "ttl", MEMBER_TTL, read_numbers, print_numbers },
	{ GROUP_TOP, "fragment", MEMBER_FRAGMENT, read_fragment, print_fragment },
	{ GROUP_TOP, "state", MEMBER_STATE, read_state, NULL },
	{ GROUP_TOP, "log", MEMBER_LOG, read_log, print_log },
	{ GROUP_TOP, "rate_limit_bytes_per_second", MEMBER_BYTE_RATE, read_amount, print_amount },
	{ GROUP_TOP, "rate_limit_packets_per_second", MEMBER_PACKET_RATE, read_amount,
	  print_amount },
	{ GROUP_TOP, "burst_bytes", MEMBER_BURST_BYTES, read_amount, print_amount },
	{ GROUP_TOP, "burst_packets", MEMBER_BURST_PACKETS, read_amount, print_amount },
	{ GROUP_TOP, "rate_limit_per", MEMBER_RATE_PER, read_rate_per, NULL },
	{ GROUP_TOP, "conform", MEMBER_CONFORM, read_conform, print_conform },
	{ GROUP_TOP, "expires_at", MEMBER_EXPIRY, read_expires_at, print_expires_at },
	{ GROUP_TOP, "ttl_seconds", MEMBER_EXPIRY, read_ttl_seconds, NULL },
	/* The original's names, read and never printed. */
	{ GROUP_TOP, "src_ip", MEMBER_SRC_IP, read_address, NULL },
	{ GROUP_TOP, "dst_ip", MEMBER_DST_IP, read_address, NULL },
	{ GROUP_TOP, "src_port", MEMBER_SRC_PORT, read_numbers, NULL },
	{ GROUP_TOP, "dst_port", MEMBER_DST_PORT, read_numbers, NULL },
	{ GROUP_TOP, "rate_limit", MEMBER_BYTE_RATE, read_old_rate, NULL },
	{ GROUP_TOP, "rate_limit_bps", MEMBER_BYTE_RATE, read_old_rate, NULL },
};

const size_t policy_field_count = ARRAY_SIZE(policy_fields);

static const char *const group_names[GROUPS] = { "", "src", "dst" };

/* What answers of the API carry beside the definition. */
static const char *const read_only[] = {
	"$schema",     "origin",	"counters",   "created_at",	     "updated_at",
	"last_hit_at", "position",	"warnings",   "expires_in_seconds", "rate_limit_text",
};

const char *policy_group_name(enum policy_group group)
{
	return group_names[group];
}

bool policy_field_is_read_only(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(read_only); i++)
		if (!strcmp(read_only[i], name))
			return true;
	return false;
}

int field_unknown(struct field_reader *reader, enum policy_group group, const char *name)
{
	struct suggestion suggestion = { .wrong = name };
	char pointer[96] = "";

	for (size_t i = 0; i < policy_field_count; i++)
		if (policy_fields[i].group == group)
			suggest(&suggestion, policy_fields[i].name);
	if (group == GROUP_TOP)
		for (size_t i = GROUP_SRC; i < GROUPS; i++)
			suggest(&suggestion, group_names[i]);
	if (group != GROUP_TOP)
		json_pointer_append(pointer, sizeof(pointer), group_names[group]);
	json_pointer_append(pointer, sizeof(pointer), name);
	if (suggestion.best)
		problem_add(reader->problems, pointer,
			    "a policy has no member of this name; did you mean \"%s\"?",
			    suggestion.best);
	else
		problem_add(reader->problems, pointer, "a policy has no member of this name");
	return -EINVAL;
}
