// SPDX-License-Identifier: Apache-2.0
#include "region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "address_sets.h"
#include "policy.h"
#include "protocol.h"

#define SPANS_MOST 4096 /* of addresses of one side */
#define SPANS_FIXED 64 /* what a policy needs beside what it lists */
#define SPANS_FLAGS 256
#define SPANS_DSCP 64
#define PROTOCOL_MOST 255
#define PORT_MOST 65535
#define VLAN_LEAST 1 /* an id of 0 is for the priority alone */
#define VLAN_MOST 4095

struct covers {
	struct address_prefix *src[PEP_FAMILIES], *dst[PEP_FAMILIES];
	size_t srcs[PEP_FAMILIES], dsts[PEP_FAMILIES];
};

/* What is being made. */
struct making {
	const struct policy *policy;
	const struct region_names *names;
	struct region *region;
	struct span_arena *arena;
	struct covers covers;
	bool full; /* the arena, which would be a mistake in its size */
};

static void covers_clear(struct covers *covers)
{
	for (int family = 0; family < PEP_FAMILIES; family++) {
		free(covers->src[family]);
		free(covers->dst[family]);
	}
}

void region_clear(struct region *region)
{
	span_arena_clear(&region->arena);
}

/* ---- the sets of one dimension */

static void put(struct making *making, span_number low, span_number high)
{
	making->full |= !spans_one(making->arena, low, high).count;
}

static struct spans one(struct making *making, span_number low, span_number high)
{
	struct spans spans = spans_one(making->arena, low, high);

	making->full |= !spans.count;
	return spans;
}

/* Those that were put last. */
static struct spans sorted(struct making *making, size_t count)
{
	const struct spans none = { 0 };

	if (making->full)
		return none;
	return spans_sort(making->arena, count);
}

static struct spans numbers(struct making *making, const struct number_list *list, span_number most)
{
	if (!list->count)
		return one(making, 0, most);
	for (size_t i = 0; i < list->count; i++)
		put(making, list->range[i].low, list->range[i].high);
	return sorted(making, list->count);
}

static struct spans number(struct making *making, int value, span_number most)
{
	if (value < 0)
		return one(making, 0, most);
	return one(making, (span_number)value, (span_number)value);
}

static struct spans directions(struct making *making)
{
	unsigned int bits = making->policy->directions;

	return one(making, bits & 1u << PEP_INGRESS ? 0 : 1, bits & 1u << PEP_EGRESS ? 1 : 0);
}

static struct spans of_bits(struct making *making, uint64_t bits)
{
	for (unsigned int i = 0; i < 64; i++)
		if (bits >> i & 1)
			put(making, i, i);
	return sorted(making, (size_t)__builtin_popcountll(bits));
}

static struct spans tcp_flags(struct making *making)
{
	const struct policy *policy = making->policy;
	size_t count = 0;

	if (!policy->tcp_flags_mask)
		return one(making, 0, 255);
	for (unsigned int flags = 0; flags < 256; flags++) {
		if ((flags & policy->tcp_flags_mask) != policy->tcp_flags)
			continue;
		put(making, flags, flags);
		count++;
	}
	return sorted(making, count);
}

static struct spans interfaces(struct making *making)
{
	const struct policy *policy = making->policy;
	const struct region_names *names = making->names;
	size_t count = 0;

	if (!policy->interface_count)
		return one(making, 0, names->interfaces);
	for (size_t i = 0; i < policy->interface_count; i++) {
		for (size_t j = 0; j < names->interfaces; j++) {
			if (strcmp(policy->rare->interfaces[i], names->interface[j]) != 0)
				continue;
			put(making, j + 1, j + 1);
			count++;
		}
	}
	return sorted(making, count);
}

static struct spans vlans(struct making *making)
{
	struct spans wanted = numbers(making, &making->policy->rare->vlan, PORT_MOST);
	struct spans all, both = { 0 };

	put(making, VLAN_LEAST, VLAN_MOST);
	put(making, PEP_VLAN_NONE, PEP_VLAN_NONE);
	all = sorted(making, 2);
	making->full |= spans_intersect(making->arena, wanted, all, &both) != 0;
	return both;
}

static span_number address_number(const struct address *address, enum pep_family family)
{
	span_number result = 0;

	for (int i = 0; i < (family == PEP_IPV6 ? 4 : 1); i++)
		result = result << 32 | address->word[i];
	return result;
}

static struct spans addresses(struct making *making, const struct address_prefix *prefix,
			      size_t count, enum pep_family family)
{
	unsigned int width = address_bits(family);

	for (size_t i = 0; i < count; i++) {
		span_number low = address_number(&prefix[i].address, family);
		unsigned int rest = width - prefix[i].bits;
		span_number size = rest < 128 ? ((span_number)1 << rest) - 1 : ~(span_number)0;

		put(making, low, low + size);
	}
	return sorted(making, count);
}

/* ---- parts */

static int class_protocol(enum region_class class, enum pep_family family)
{
	switch (class) {
	case REGION_TCP:
		return PROTOCOL_TCP;
	case REGION_UDP:
		return PROTOCOL_UDP;
	case REGION_SCTP:
		return PROTOCOL_SCTP;
	case REGION_ICMP:
		return family == PEP_IPV4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
	default:
		return -1;
	}
}

unsigned int region_headers(int part)
{
	static const unsigned int transport[REGION_CLASSES] = {
		[REGION_TCP] = 20, [REGION_UDP] = 8, [REGION_SCTP] = 12, [REGION_ICMP] = 8
	};
	unsigned int bytes = REGION_FAMILY(part) == PEP_IPV4 ? 20 : 40;

	if (REGION_FRAGMENT(part) && REGION_FAMILY(part) == PEP_IPV6)
		bytes += 8;
	return bytes + transport[REGION_CLASS(part)];
}

static bool is_other(int protocol, enum pep_family family)
{
	if (family == PEP_IPV6 && protocol_is_extension(protocol))
		return false;
	for (int class = 0; class < REGION_OTHER; class ++)
		if (class_protocol(class, family) == protocol)
			return false;
	return true;
}

/* Protocols that have nothing of their own to match. */
static struct spans others(struct making *making, enum pep_family family)
{
	int wanted = making->policy->protocol;
	size_t count = 0;

	for (int protocol = 0; protocol <= PROTOCOL_MOST; protocol++) {
		if (!is_other(protocol, family) || (wanted >= 0 && wanted != protocol))
			continue;
		if (count && making->arena->span[making->arena->used - 1].high ==
				     (span_number)protocol - 1) {
			making->arena->span[making->arena->used - 1].high++;
			continue;
		}
		put(making, (span_number)protocol, (span_number)protocol);
		count++;
	}
	return (struct spans){ making->arena->span + making->arena->used - count, count };
}

/* Protocol and what it has; false: the policy matches none of the class. */
static bool make_transport(struct making *making, int part, struct spans protocols,
			   struct region_box *box)
{
	const struct policy *policy = making->policy;
	enum region_class class = REGION_CLASS(part);
	int protocol = class_protocol(class, REGION_FAMILY(part));
	bool ports = class == REGION_TCP || class == REGION_UDP || class == REGION_SCTP;

	if (protocol >= 0 && policy->protocol != POLICY_PROTOCOL_ANY &&
	    policy->protocol != protocol)
		return false;
	if (!ports && (policy->sport.count || policy->dport.count))
		return false;
	box->dimension[REGION_PROTOCOL] = protocol < 0 ? protocols
						       : number(making, protocol, PROTOCOL_MOST);
	if (class == REGION_ICMP) {
		box->dimension[REGION_FIRST] = number(making, policy->icmp_type, 255);
		box->dimension[REGION_SECOND] = number(making, policy->icmp_code, 255);
	} else if (!ports) {
		box->dimension[REGION_FIRST] = box->dimension[REGION_SECOND] = one(making, 0, 0);
	}
	if (class != REGION_TCP)
		box->dimension[REGION_FLAGS] = one(making, 0, 0);
	return true;
}

static bool make_length(struct making *making, int part, struct region_box *box)
{
	const struct number_list *length = &making->policy->rare->length;
	span_number low = region_headers(part), high = PORT_MOST;

	if (length->count && length->range->low > low)
		low = length->range->low;
	if (length->count)
		high = length->range->high;
	if (low > high)
		return false;
	box->dimension[REGION_LENGTH] = one(making, low, high);
	return true;
}

static bool is_empty(const struct region_box *box)
{
	for (int i = 0; i < REGION_DIMENSIONS; i++)
		if (!box->dimension[i].count)
			return true;
	return false;
}

static void make_part(struct making *making, int part, const struct region_box *shared,
		      struct spans protocols)
{
	struct region_box *box = &making->region->box[part];
	const struct policy *policy = making->policy;

	if (policy->fragment >= 0 && policy->fragment != REGION_FRAGMENT(part))
		return;
	*box = *shared;
	if (!make_transport(making, part, protocols, box) || !make_length(making, part, box))
		return;
	making->region->any[part] = !is_empty(box);
}

static void make_family(struct making *making, enum pep_family family, struct region_box *shared)
{
	const struct covers *covers = &making->covers;
	struct spans protocols = others(making, family);

	shared->dimension[REGION_SRC] =
		addresses(making, covers->src[family], covers->srcs[family], family);
	shared->dimension[REGION_DST] =
		addresses(making, covers->dst[family], covers->dsts[family], family);
	for (int class = 0; class < REGION_CLASSES; class ++)
		for (int fragment = 0; fragment < 2; fragment++)
			make_part(making, REGION_PART(family, class, fragment), shared, protocols);
}

static void make_all(struct making *making)
{
	const struct policy *policy = making->policy;
	struct region_box shared = { 0 };

	shared.dimension[REGION_DIRECTION] = directions(making);
	shared.dimension[REGION_FIRST] = numbers(making, &policy->sport, PORT_MOST);
	shared.dimension[REGION_SECOND] = numbers(making, &policy->dport, PORT_MOST);
	shared.dimension[REGION_FLAGS] = tcp_flags(making);
	shared.dimension[REGION_INTERFACE] = interfaces(making);
	shared.dimension[REGION_VLAN] = vlans(making);
	shared.dimension[REGION_DSCP] = policy->rare->dscp ? of_bits(making, policy->rare->dscp)
							   : one(making, 0, DSCP_MAX);
	shared.dimension[REGION_TTL] = numbers(making, &policy->rare->ttl, 255);
	for (int family = 0; family < PEP_FAMILIES; family++)
		if (policy_has_family(policy, family))
			make_family(making, family, &shared);
}

static bool names_unknown(const struct address_list *list, const struct address_sets *sets)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->range[i].family == ADDRESS_SET &&
		    (!sets || !address_sets_find(sets, list->range[i].set)))
			return true;
	return false;
}

static int make_covers(struct making *making)
{
	const struct policy *policy = making->policy;
	const struct address_sets *sets = making->names->sets;
	struct covers *covers = &making->covers;
	int error = 0;

	if (names_unknown(&policy->src, sets) || names_unknown(&policy->dst, sets))
		return -ENOENT;
	for (int family = 0; family < PEP_FAMILIES && !error; family++) {
		if (!policy_has_family(policy, family))
			continue;
		error = address_list_expand(&policy->src, sets, family, &covers->src[family],
					    &covers->srcs[family]);
		if (!error)
			error = address_list_expand(&policy->dst, sets, family,
						    &covers->dst[family], &covers->dsts[family]);
		if (covers->srcs[family] > SPANS_MOST || covers->dsts[family] > SPANS_MOST)
			return -E2BIG;
	}
	return error;
}

static size_t room_needed(const struct making *making)
{
	const struct policy *policy = making->policy;
	const struct covers *covers = &making->covers;
	size_t room = SPANS_FIXED + policy->interface_count + policy->sport.count +
		      policy->dport.count + 2 * policy->rare->vlan.count;

	for (int family = 0; family < PEP_FAMILIES; family++)
		room += covers->srcs[family] + covers->dsts[family];
	return room + (policy->tcp_flags_mask ? SPANS_FLAGS : 0) +
	       (policy->rare->dscp ? SPANS_DSCP : 0) + (size_t)REGION_PARTS * 6;
}

int region_make(const struct policy *policy, const struct region_names *names, struct region *ret)
{
	struct making making = {
		.policy = policy,
		.names = names,
		.region = ret,
		.arena = &ret->arena,
	};
	int error;

	*ret = (struct region){ 0 };
	error = make_covers(&making);
	if (!error)
		error = span_arena_make(room_needed(&making), &ret->arena);
	if (!error)
		make_all(&making);
	covers_clear(&making.covers);
	return making.full ? -E2BIG : error;
}
