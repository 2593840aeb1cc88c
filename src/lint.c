/* SPDX-License-Identifier: Apache-2.0 */
#include "lint.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "cleanup.h"
#include "policy.h"
#include "policy_json.h"
#include "problem.h"

struct cover {
	struct address_prefix *prefix; /* ascending and disjoint */
	size_t count;
};

/* What a policy matches, as two of them are compared. */
struct footprint {
	const struct policy *policy;
	bool family[PEP_FAMILIES];
	struct cover src[PEP_FAMILIES], dst[PEP_FAMILIES];
};

struct footprints {
	struct footprint *footprint;
	size_t count;
};

static int footprints_make(const struct policy_list *list, size_t count, struct footprints *ret);
static void footprints_clear(struct footprints *footprints);
static bool decide_differently(const struct policy *a, const struct policy *b);
static bool swapped(const struct footprint *first, const struct footprint *second);
static void warn_pair(struct problems *problems, const char *prefix, size_t index,
		      const struct policy *earlier, const struct policy *later);

int lint_order(const struct policy_list *list, const char *prefix, struct problems *problems)
{
	CLEANUP(footprints_clear) struct footprints all = { 0 };
	size_t i, j, count = list->count, pairs = 0;
	int result;

	if (count > LINT_ORDER_POLICIES)
		count = LINT_ORDER_POLICIES;
	result = footprints_make(list, count, &all);
	if (result)
		return result;
	for (j = 1; j < count; j++) {
		for (i = 0; i < j; i++) {
			if (!decide_differently(list->policy[i], list->policy[j]) ||
			    !swapped(&all.footprint[i], &all.footprint[j]))
				continue;
			if (pairs++ < LINT_ORDER_PAIRS)
				warn_pair(problems, prefix, j, list->policy[i], list->policy[j]);
		}
	}
	if (pairs > LINT_ORDER_PAIRS)
		problem_warn(problems, prefix,
			     "%zu more pairs of policies are evaluated in another order than "
			     "that of the file",
			     pairs - LINT_ORDER_PAIRS);
	if (list->count > count)
		problem_warn(problems, prefix,
			     "only the first %zu policies were compared with the order of "
			     "evaluation",
			     count);
	return 0;
}

static void warn_pair(struct problems *problems, const char *prefix, size_t index,
		      const struct policy *earlier, const struct policy *later)
{
	char pointer[128];
	const char *why = "more specific";

	if (later->priority != earlier->priority)
		why = "of a lower priority number";
	snprintf(pointer, sizeof(pointer), "%s/%zu", prefix, index);
	problem_warn(problems, pointer,
		     "\"%s\" (%s) is evaluated before \"%s\" (%s), which comes earlier in the "
		     "file, because it is %s; packets that match both meet it first",
		     later->id, policy_action_name(later->action), earlier->id,
		     policy_action_name(earlier->action), why);
}

static bool decide_differently(const struct policy *a, const struct policy *b)
{
	if (!a->enabled || !b->enabled)
		return false;
	if (a->action == PEP_ACTION_LOG_ONLY || b->action == PEP_ACTION_LOG_ONLY)
		return false;
	if (a->action != b->action)
		return true;
	return a->action == PEP_ACTION_RATE_LIMIT;
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
			if (!strcmp(a->interfaces[i], b->interfaces[j]))
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
	       ranges_overlap(&a->vlan, &b->vlan) && ranges_overlap(&a->length, &b->length) &&
	       ranges_overlap(&a->ttl, &b->ttl) && numbers_overlap(a->icmp_type, b->icmp_type) &&
	       numbers_overlap(a->icmp_code, b->icmp_code) &&
	       numbers_overlap(a->fragment, b->fragment) &&
	       (a->tcp_flags & flags) == (b->tcp_flags & flags) &&
	       (!a->dscp || !b->dscp || (a->dscp & b->dscp)) && interfaces_overlap(a, b);
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

/* Whether @second is evaluated first although some packet matches both. */
static bool swapped(const struct footprint *first, const struct footprint *second)
{
	if (!fields_overlap(first->policy, second->policy))
		return false;
	for (int family = 0; family < PEP_FAMILIES; family++)
		if (first->family[family] && second->family[family] &&
		    policy_compare(second->policy, first->policy, family) < 0 &&
		    covers_overlap(&first->dst[family], &second->dst[family]) &&
		    covers_overlap(&first->src[family], &second->src[family]))
			return true;
	return false;
}

static int footprint_make(const struct policy *policy, struct footprint *ret)
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

static int footprints_make(const struct policy_list *list, size_t count, struct footprints *ret)
{
	ret->footprint = calloc(count + 1, sizeof(*ret->footprint));
	if (!ret->footprint)
		return -ENOMEM;
	ret->count = count;
	for (size_t i = 0; i < count; i++) {
		int result = footprint_make(list->policy[i], &ret->footprint[i]);

		if (result)
			return result;
	}
	return 0;
}

static void footprints_clear(struct footprints *footprints)
{
	for (size_t i = 0; i < footprints->count; i++) {
		for (int family = 0; family < PEP_FAMILIES; family++) {
			free(footprints->footprint[i].src[family].prefix);
			free(footprints->footprint[i].dst[family].prefix);
		}
	}
	free(footprints->footprint);
}
