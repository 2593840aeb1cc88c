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
	{ "id", GROUP_TOP, MEMBER_ID, read_id, print_id },
	{ "description", GROUP_TOP, MEMBER_DESCRIPTION, read_description, print_description },
	{ "enabled", GROUP_TOP, MEMBER_ENABLED, read_enabled, print_enabled },
	{ "labels", GROUP_TOP, MEMBER_LABELS, read_labels, print_labels },
	{ "priority", GROUP_TOP, MEMBER_PRIORITY, read_priority, print_priority },
	{ "mode", GROUP_TOP, MEMBER_MODE, read_mode, NULL },
	{ "action", GROUP_TOP, MEMBER_ACTION, read_action, print_action },
	{ "direction", GROUP_TOP, MEMBER_DIRECTION, read_direction, print_direction },
	{ "interface", GROUP_TOP, MEMBER_INTERFACE, read_interface, print_interface },
	{ "ip", GROUP_SRC, MEMBER_SRC_IP, read_address, print_address },
	{ "port", GROUP_SRC, MEMBER_SRC_PORT, read_numbers, print_numbers },
	{ "ip", GROUP_DST, MEMBER_DST_IP, read_address, print_address },
	{ "port", GROUP_DST, MEMBER_DST_PORT, read_numbers, print_numbers },
	{ "protocol", GROUP_TOP, MEMBER_PROTOCOL, read_protocol, print_protocol },
	{ "protocol", GROUP_SRC, MEMBER_PROTOCOL, read_protocol, NULL },
	{ "protocol", GROUP_DST, MEMBER_PROTOCOL, read_protocol, NULL },
	{ "icmp_type", GROUP_TOP, MEMBER_ICMP_TYPE, read_icmp_type, print_icmp_type },
	{ "icmp_code", GROUP_TOP, MEMBER_ICMP_CODE, read_icmp_code, print_icmp_code },
	{ "vlan", GROUP_TOP, MEMBER_VLAN, read_numbers, print_numbers },
	{ "dscp", GROUP_TOP, MEMBER_DSCP, read_dscp, print_dscp },
	{ "tcp_flags", GROUP_TOP, MEMBER_TCP_FLAGS, read_tcp_flags, print_tcp_flags },
	{ "length", GROUP_TOP, MEMBER_LENGTH, read_numbers, print_numbers },
	{ "ttl", GROUP_TOP, MEMBER_TTL, read_numbers, print_numbers },
	{ "fragment", GROUP_TOP, MEMBER_FRAGMENT, read_fragment, print_fragment },
	{ "state", GROUP_TOP, MEMBER_STATE, read_state, NULL },
	{ "log", GROUP_TOP, MEMBER_LOG, read_log, print_log },
	{ "rate_limit_bytes_per_second", GROUP_TOP, MEMBER_BYTE_RATE, read_amount, print_amount },
	{ "rate_limit_packets_per_second", GROUP_TOP, MEMBER_PACKET_RATE, read_amount,
	  print_amount },
	{ "burst_bytes", GROUP_TOP, MEMBER_BURST_BYTES, read_amount, print_amount },
	{ "burst_packets", GROUP_TOP, MEMBER_BURST_PACKETS, read_amount, print_amount },
	{ "rate_limit_per", GROUP_TOP, MEMBER_RATE_PER, read_rate_per, NULL },
	{ "conform", GROUP_TOP, MEMBER_CONFORM, read_conform, print_conform },
	{ "expires_at", GROUP_TOP, MEMBER_EXPIRY, read_expires_at, print_expires_at },
	{ "ttl_seconds", GROUP_TOP, MEMBER_EXPIRY, read_ttl_seconds, NULL },
	/* The original's names, read and never printed. */
	{ "src_ip", GROUP_TOP, MEMBER_SRC_IP, read_address, NULL },
	{ "dst_ip", GROUP_TOP, MEMBER_DST_IP, read_address, NULL },
	{ "src_port", GROUP_TOP, MEMBER_SRC_PORT, read_numbers, NULL },
	{ "dst_port", GROUP_TOP, MEMBER_DST_PORT, read_numbers, NULL },
	{ "rate_limit", GROUP_TOP, MEMBER_BYTE_RATE, read_old_rate, NULL },
	{ "rate_limit_bps", GROUP_TOP, MEMBER_BYTE_RATE, read_old_rate, NULL },
};

const size_t policy_field_count = ARRAY_SIZE(policy_fields);

_Static_assert(ARRAY_SIZE(policy_fields) <= POLICY_FIELDS_MAX, "a row has a bit of 64");

static const char *const group_names[GROUPS] = { "", "src", "dst" };

/* What answers of the API carry beside the definition. */
static const char *const read_only[] = {
	"$schema",     "origin",   "counters", "created_at",	     "updated_at",
	"last_hit_at", "position", "warnings", "expires_in_seconds", "rate_limit_text",
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
