/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of the rows in policy_field.c, a pair per kind of member.
 */
#ifndef POLICY_READ_H
#define POLICY_READ_H

struct field_reader;
struct json_object;
struct policy;
struct policy_field;

#define FIELD_READ(name) int read_##name(struct field_reader *reader, struct json_object *value)
#define FIELD_PRINT(name)                                                                          \
	int print_##name(const struct policy *policy, const struct policy_field *field,            \
			 struct json_object **ret)

/** @{ */
/** Rows of policy_fields[]: as struct policy_field says. */
/* policy_field_name.c */
FIELD_READ(id);
FIELD_PRINT(id);
FIELD_READ(description);
FIELD_PRINT(description);
FIELD_READ(labels);
FIELD_PRINT(labels);
FIELD_READ(interface);
FIELD_PRINT(interface);

/* policy_field_choice.c */
FIELD_READ(enabled);
FIELD_PRINT(enabled);
FIELD_READ(priority);
FIELD_PRINT(priority);
FIELD_READ(mode);
FIELD_READ(action);
FIELD_PRINT(action);
FIELD_READ(direction);
FIELD_PRINT(direction);
FIELD_READ(fragment);
FIELD_PRINT(fragment);
FIELD_READ(state);
FIELD_READ(log);
FIELD_PRINT(log);
FIELD_READ(rate_per);
FIELD_READ(conform);
FIELD_PRINT(conform);

/* policy_field_address.c */
FIELD_READ(address);
FIELD_PRINT(address);

/* policy_field_number.c: ports, VLANs, length, TTL */
FIELD_READ(numbers);
FIELD_PRINT(numbers);

/* policy_field_protocol.c */
FIELD_READ(protocol);
FIELD_PRINT(protocol);
FIELD_READ(icmp_type);
FIELD_PRINT(icmp_type);
FIELD_READ(icmp_code);
FIELD_PRINT(icmp_code);
FIELD_READ(dscp);
FIELD_PRINT(dscp);
FIELD_READ(tcp_flags);
FIELD_PRINT(tcp_flags);

/* policy_field_limit.c */
FIELD_READ(amount);
FIELD_READ(old_rate);
FIELD_PRINT(amount);
FIELD_READ(expires_at);
FIELD_PRINT(expires_at);
FIELD_READ(ttl_seconds);
/** @} */

#endif
