// SPDX-License-Identifier: Apache-2.0
#include "region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "address_sets.h"
#include "cleanup.h"
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

/* What is being made. */
struct making {
	const struct policy *policy;
	const struct region_names *names;
	struct region *region;
	struct span_arena *arena;
	size_t *work;
	bool full; /* the arena, which would be a mistake in room_needed() */
	int error;
};

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

int region_compare_names(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static struct spans interfaces(struct making *making)
{
	const struct policy *policy = making->policy;
	const struct region_names *names = making->names;
	size_t count = 0;

	if (!policy->interface_count)
		return one(making, 0, names->interfaces);
	for (size_t i = 0; i < policy->interface_count; i++) {
		const char *const *found = bsearch(&policy->rare->interfaces[i], names->interface,
						   names->interfaces, sizeof(*names->interface),
						   region_compare_names);

		if (found) {
			put(making, (span_number)(found - names->interface) + 1,
			    (span_number)(found - names->interface) + 1);
			count++;
		}
	}
	return sorted(making, count);
}

static struct spans vlans(struct making *making)
{
	struct spans wanted = numbers(making, &making->policy->rare->vlan, PORT_MOST);
	static const struct span all[] = { { VLAN_LEAST, VLAN_MOST },
					   { PEP_VLAN_NONE, PEP_VLAN_NONE } };
	const struct spans in[2] = { wanted, { all, ARRAY_SIZE(all) } };
	struct spans both = { 0 };

	making->full |= spans_intersect(making->arena, in, &both, making->work) != 0;
	return both;
}

static span_number address_number(const struct address *address, enum pep_family family)
{
	span_number result = 0;

	for (int i = 0; i < (family == PEP_IPV6 ? 4 : 1); i++)
		result = result << 32 | address->word[i];
	return result;
}

/* Where the spans are kept of a list that is one set and no more; NULL: it is not so. */
static struct spans *shared_spans(const struct making *making, const struct address_list *list,
				  enum pep_family family)
{
	const struct region_names *names = making->names;
	const struct address_range *only = list->range;

	if (!names->of_set || list->count != 1 || only->family != ADDRESS_SET || only->excluded)
		return NULL;
	return &names->of_set[address_sets_index(names->sets, only->set)][family];
}

static struct spans addresses(struct making *making, const struct address_list *list,
			      enum pep_family family)
{
	struct spans own = { 0 }, *ret = shared_spans(making, list, family);
	CLEANUP(cleanup_free) struct address_interval *interval = NULL;
	size_t count = 0;

	if (!ret)
		ret = &own;
	if (ret->count)
		return *ret;
	making->error |=
		address_list_intervals(list, making->names->sets, family, &interval, &count);
	for (size_t i = 0; i < count; i++)
		put(making, address_number(&interval[i].low, family),
		    address_number(&interval[i].high, family));
	*ret = (struct spans){ making->arena->span + making->arena->used - count, count };
	return *ret;
}

/* ---- parts */

static int class_protocol(enum region_class class, enum pep_family family)
{
	static const int protocol[REGION_CLASSES] = { PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP,
						      PROTOCOL_ICMP, -1 };

	if (class == REGION_ICMP && family == PEP_IPV6)
		return PROTOCOL_ICMPV6;
	return protocol[class];
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
	static const struct span zero = { 0, 0 };
	const struct spans absent = { &zero, 1 };
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
		box->dimension[REGION_FIRST] = box->dimension[REGION_SECOND] = absent;
	}
	if (class != REGION_TCP)
		box->dimension[REGION_FLAGS] = absent;
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
	struct spans protocols = others(making, family);

	shared->dimension[REGION_SRC] = addresses(making, &making->policy->src, family);
	shared->dimension[REGION_DST] = addresses(making, &making->policy->dst, family);
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

/* How many spans its addresses may take; SIZE_MAX: too many. */
static size_t addresses_most(const struct making *making)
{
	const struct address_list *const side[] = { &making->policy->src, &making->policy->dst };
	size_t most = 0;

	for (int i = 0; i < 2 * PEP_FAMILIES; i++) {
		enum pep_family family = i / 2;
		const struct spans *shared = shared_spans(making, side[i % 2], family);
		size_t count;

		if ((shared && shared->count) || !policy_has_family(making->policy, family))
			continue;
		count = address_list_intervals_most(side[i % 2], making->names->sets, family);
		if (count > SPANS_MOST)
			return SIZE_MAX;
		most += count;
	}
	return most;
}

static size_t room_needed(const struct making *making)
{
	const struct policy *policy = making->policy;

	return SPANS_FIXED + policy->interface_count + policy->sport.count + policy->dport.count +
	       2 * policy->rare->vlan.count + (policy->tcp_flags_mask ? SPANS_FLAGS : 0) +
	       (policy->rare->dscp ? SPANS_DSCP : 0) + (size_t)REGION_PARTS * 6;
}

int region_make(const struct policy *policy, const struct region_names *names,
		struct span_arena *arena, size_t *work, struct region *ret)
{
	struct making making = {
		.policy = policy,
		.names = names,
		.region = ret,
		.arena = arena,
		.work = work,
	};
	size_t addresses;

	*ret = (struct region){ 0 };
	if (names_unknown(&policy->src, names->sets) || names_unknown(&policy->dst, names->sets))
		return -ENOENT;
	addresses = addresses_most(&making);
	if (addresses >= *work || addresses + room_needed(&making) > arena->room - arena->used)
		return -E2BIG;
	*work -= addresses;
	make_all(&making);
	return making.full ? -E2BIG : making.error;
}
