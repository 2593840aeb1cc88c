/* SPDX-License-Identifier: Apache-2.0 */
/* A policy: what an administrator writes.  Immutable, shared by the sets that contain it. */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address_list.h"
#include "pep.h"

enum origin { ORIGIN_FILE, ORIGIN_API, ORIGIN_FAILSAFE, ORIGINS };

struct number_range {
	uint16_t low, high;
};

/* Empty: any. In the order as written. */
struct number_list {
	struct number_range *range;
	size_t count;
};

struct rate {
	uint64_t per_second; /* 0: not limited */
	uint64_t burst; /* 0: one second's worth */
};

struct label {
	const char *key, *value;
};

#define POLICY_PRIORITY_DEFAULT 1000
#define POLICY_PROTOCOL_ANY (-1)
#define POLICY_ID_MAX 128
#define POLICY_DESCRIPTION_MAX 256

/* What few policies say: one that says none of it shares policy_rare_none. */
struct policy_rare {
	const char *description; /* NULL: none */
	const struct label *labels;
	const char *const *interfaces; /* names; none: any interface */
	struct number_list vlan; /* of the outermost tag; PEP_VLAN_NONE..: untagged */
	struct number_list length; /* L3 bytes; none or one range */
	struct number_list ttl; /* none or one range */
	uint64_t dscp; /* bit per value; 0: any */
	struct rate bytes, packets; /* action RATE_LIMIT */
};

extern const struct policy_rare policy_rare_none;

/* There may be a million: it is one block of memory with all that it points at. */
struct policy {
	unsigned int references;
	enum origin origin : 8;
	enum pep_action action : 8;
	bool enabled;
	bool log;
	bool conform_continue;
	uint8_t directions; /* bit per enum pep_direction */
	uint16_t priority;
	int16_t protocol; /* POLICY_PROTOCOL_ANY or 0..255 */
	int16_t icmp_type, icmp_code; /* -1: any */
	uint8_t tcp_flags, tcp_flags_mask;
	int8_t fragment; /* -1: any, 0: whole packets, 1: fragments */
	uint8_t label_count, interface_count; /* of rare */
	const char *id;
	struct address_list src, dst;
	struct number_list sport, dport;
	const struct policy_rare *rare; /* never NULL */

	/* Times are microseconds of CLOCK_REALTIME unless said otherwise. */
	int64_t expires_at; /* 0: never */
	uint64_t ttl_deadline_ns; /* CLOCK_BOOTTIME, of ttl_seconds; 0: expires_at is wall time */
	int64_t created_at, updated_at;
};

/** Takes another reference and returns @policy. */
struct policy *policy_get(struct policy *policy);

/** Drops a reference; *policy becomes NULL. Tolerates NULL. */
void policy_put(struct policy **policy);

/** Whether the two print the same definition: origin and times of creation and update are none. */
bool policy_equal(const struct policy *a, const struct policy *b);

/** Whether the two have the same id, priority and matching members, whatever they do then. */
bool policy_same_match(const struct policy *a, const struct policy *b);

/** Whether any packet of @family can match, by addresses and protocol. */
bool policy_has_family(const struct policy *policy, enum pep_family family);

/**
 * Whether a failsafe policy may overrule its drop: source any, or wider than /8
 * or IPv6 /32. What a named set selects is never broad.
 */
bool policy_is_broad(const struct policy *policy, enum pep_family family);

/**
 * The total order in which policies are evaluated within @family, as defined
 * in pepctl-policy(5): < 0 when @a comes first. Never 0 for different ids.
 */
int policy_compare(const struct policy *a, const struct policy *b, enum pep_family family);

/** "ALLOW", "BLOCK" ...; "file", "api" ... */
const char *policy_action_name(enum pep_action action);
/** "file", "api" ... */
const char *policy_origin_name(enum origin origin);

#endif
