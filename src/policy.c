// SPDX-License-Identifier: Apache-2.0
#include "policy.h"

#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "cleanup.h"
#include "number.h"
#include "policy_order.h"
#include "protocol.h"
#include "references.h"

const struct policy_rare policy_rare_none;

struct policy *policy_get(struct policy *policy)
{
	references_add(&policy->references);
	return policy;
}

void policy_put(struct policy **policy)
{
	struct policy *dropped = TAKE_PTR(*policy);

	if (dropped && references_drop(&dropped->references))
		free(dropped);
}

/* ---- equality */

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_labels(const struct policy *a, const struct policy *b)
{
	if (a->label_count != b->label_count)
		return false;
	for (size_t i = 0; i < a->label_count; i++)
		if (!same_text(a->rare->labels[i].key, b->rare->labels[i].key) ||
		    !same_text(a->rare->labels[i].value, b->rare->labels[i].value))
			return false;
	return true;
}

static bool same_interfaces(const struct policy *a, const struct policy *b)
{
	if (a->interface_count != b->interface_count)
		return false;
	for (size_t i = 0; i < a->interface_count; i++)
		if (!same_text(a->rare->interfaces[i], b->rare->interfaces[i]))
			return false;
	return true;
}

static bool same_fields(const struct policy *a, const struct policy *b)
{
	return a->priority == b->priority && a->directions == b->directions &&
	       a->protocol == b->protocol && a->icmp_type == b->icmp_type &&
	       a->icmp_code == b->icmp_code && a->rare->dscp == b->rare->dscp &&
	       a->tcp_flags == b->tcp_flags && a->tcp_flags_mask == b->tcp_flags_mask &&
	       a->fragment == b->fragment;
}

static bool same_effect(const struct policy *a, const struct policy *b)
{
	return a->enabled == b->enabled && a->log == b->log &&
	       a->conform_continue == b->conform_continue && a->action == b->action &&
	       a->rare->bytes.per_second == b->rare->bytes.per_second &&
	       a->rare->bytes.burst == b->rare->bytes.burst &&
	       a->rare->packets.per_second == b->rare->packets.per_second &&
	       a->rare->packets.burst == b->rare->packets.burst && a->expires_at == b->expires_at;
}

static bool same_lists(const struct policy *a, const struct policy *b)
{
	return address_list_equal(&a->src, &b->src) && address_list_equal(&a->dst, &b->dst) &&
	       number_list_equal(&a->sport, &b->sport) && number_list_equal(&a->dport, &b->dport) &&
	       number_list_equal(&a->rare->vlan, &b->rare->vlan) &&
	       number_list_equal(&a->rare->length, &b->rare->length) &&
	       number_list_equal(&a->rare->ttl, &b->rare->ttl);
}

/* ttl_deadline_ns says once more, on another clock, what expires_at says: an
 * exported policy that is put back is equal to the one that it came from. */
bool policy_equal(const struct policy *a, const struct policy *b)
{
	return a == b ||
	       (policy_same_match(a, b) && same_effect(a, b) &&
		same_text(a->rare->description, b->rare->description) && same_labels(a, b));
}

bool policy_same_match(const struct policy *a, const struct policy *b)
{
	return a == b || (same_text(a->id, b->id) && same_fields(a, b) && same_interfaces(a, b) &&
			  same_lists(a, b));
}

/* ---- properties */

bool policy_has_family(const struct policy *policy, enum pep_family family)
{
	return protocol_has_family(policy->protocol, family) &&
	       address_list_has_family(&policy->src, family) &&
	       address_list_has_family(&policy->dst, family);
}

bool policy_is_broad(const struct policy *policy, enum pep_family family)
{
	static const int narrow_bits[PEP_FAMILIES] = { [PEP_IPV4] = 8, [PEP_IPV6] = 32 };
	int bits = address_list_broadest(&policy->src, family);

	return bits >= 0 && bits < narrow_bits[family];
}

int policy_compare(const struct policy *a, const struct policy *b, enum pep_family family)
{
	struct policy_order x = policy_order(a, family), y = policy_order(b, family);

	return policy_order_compare(&x, &y);
}

/* ---- names */

static const char *const action_names[] = {
	[PEP_ACTION_ALLOW] = "ALLOW",	    [PEP_ACTION_BLOCK] = "BLOCK",
	[PEP_ACTION_REJECT] = "REJECT",	    [PEP_ACTION_RATE_LIMIT] = "RATE_LIMIT",
	[PEP_ACTION_LOG_ONLY] = "LOG_ONLY",
};

const char *policy_action_name(enum pep_action action)
{
	return (size_t)action < ARRAY_SIZE(action_names) ? action_names[action] : "UNKNOWN";
}

static const char *const origin_names[ORIGINS] = {
	[ORIGIN_FILE] = "file",
	[ORIGIN_API] = "api",
	[ORIGIN_FAILSAFE] = "failsafe",
};

const char *policy_origin_name(enum origin origin)
{
	return origin < ORIGINS ? origin_names[origin] : "unknown";
}
