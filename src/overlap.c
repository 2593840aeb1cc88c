// SPDX-License-Identifier: Apache-2.0
#include "overlap.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "policy.h"

int footprint_make(const struct policy *policy, struct footprint *ret)
{
	ret->policy = policy;
	for (int family = 0; family < PEP_FAMILIES; family++) {
		struct cover *src = &ret->src[family], *dst = &ret->dst[family];
		int result;

		ret->family[family] = policy_has_family(policy, family);
		if (!ret->family[family])
			continue;
		result = address_list_prefixes(&policy->src, family, &src->prefix, &src->count);
		if (!result)
			result = address_list_prefixes(&policy->dst, family, &dst->prefix,
						       &dst->count);
		if (result)
			return result;
	}
	return 0;
}

void footprint_clear(struct footprint *footprint)
{
	for (int family = 0; family < PEP_FAMILIES; family++) {
		free(footprint->src[family].prefix);
		free(footprint->dst[family].prefix);
	}
	memset(footprint, 0, sizeof(*footprint));
}

static bool ranges_overlap(const struct number_list *a, const struct number_list *b)
{
	if (!a->count || !b->count)
		return true;
	for (size_t i = 0; i < a->count; i++)
		for (size_t j = 0; j < b->count; j++)
			if (a->range[i].low <= b->range[j].high &&
			    b->range[j].low <= a->range[i].high)
				return true;
	return false;
}

static bool interfaces_overlap(const struct policy *a, const struct policy *b)
{
	if (!a->interface_count || !b->interface_count)
		return true;
	for (size_t i = 0; i < a->interface_count; i++)
		for (size_t j = 0; j < b->interface_count; j++)
			if (!strcmp(a->rare->interfaces[i], b->rare->interfaces[j]))
				return true;
	return false;
}

/* Whether packets of @b's protocol can match @a, as far as ports and TCP flags go. */
static bool protocol_allows(const struct policy *a, const struct policy *b)
{
	int protocol = b->protocol;

	if (protocol == POLICY_PROTOCOL_ANY)
		return true;
	if (a->protocol != POLICY_PROTOCOL_ANY && a->protocol != protocol)
		return false;
	if ((a->sport.count || a->dport.count) && protocol != IPPROTO_TCP &&
	    protocol != IPPROTO_UDP && protocol != IPPROTO_SCTP)
		return false;
	return !a->tcp_flags_mask || protocol == IPPROTO_TCP;
}

/* Fields that are a number, or -1 for any. */
static bool numbers_overlap(int a, int b)
{
	return a < 0 || b < 0 || a == b;
}

/* Everything but addresses. */
static bool fields_overlap(const struct policy *a, const struct policy *b)
{
	uint8_t flags = a->tcp_flags_mask & b->tcp_flags_mask;

	return (a->directions & b->directions) && protocol_allows(a, b) && protocol_allows(b, a) &&
	       ranges_overlap(&a->dport, &b->dport) && ranges_overlap(&a->sport, &b->sport) &&
	       ranges_overlap(&a->rare->vlan, &b->rare->vlan) &&
	       ranges_overlap(&a->rare->length, &b->rare->length) &&
	       ranges_overlap(&a->rare->ttl, &b->rare->ttl) &&
	       numbers_overlap(a->icmp_type, b->icmp_type) &&
	       numbers_overlap(a->icmp_code, b->icmp_code) &&
	       numbers_overlap(a->fragment, b->fragment) &&
	       (a->tcp_flags & flags) == (b->tcp_flags & flags) &&
	       (!a->rare->dscp || !b->rare->dscp || (a->rare->dscp & b->rare->dscp)) &&
	       interfaces_overlap(a, b);
}

/* -1, 0, 1: @a lies before, contains or lies in, lies behind @b. */
static int prefix_relation(const struct address_prefix *a, const struct address_prefix *b)
{
	unsigned int bits = a->bits < b->bits ? a->bits : b->bits;

	for (size_t i = 0; bits; i++) {
		unsigned int part = bits < 32 ? bits : 32;
		uint32_t mask = UINT32_MAX << (32 - part);
		uint32_t x = a->address.word[i] & mask, y = b->address.word[i] & mask;

		if (x != y)
			return x < y ? -1 : 1;
		bits -= part;
	}
	return 0;
}

static bool covers_overlap(const struct cover *a, const struct cover *b)
{
	size_t i = 0, j = 0;

	while (i < a->count && j < b->count) {
		int relation = prefix_relation(&a->prefix[i], &b->prefix[j]);

		if (!relation)
			return true;
		if (relation < 0)
			i++;
		else
			j++;
	}
	return false;
}

bool footprints_overlap(const struct footprint *a, const struct footprint *b,
			enum pep_family family)
{
	return a->family[family] && b->family[family] && fields_overlap(a->policy, b->policy) &&
	       covers_overlap(&a->dst[family], &b->dst[family]) &&
	       covers_overlap(&a->src[family], &b->src[family]);
}
