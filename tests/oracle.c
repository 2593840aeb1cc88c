// SPDX-License-Identifier: Apache-2.0
#include "oracle.h"

#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 number;

/* Outside of which a policy cannot match; all are tried, but most need no more than this. */
struct hull {
	uint32_t src_low, src_high, dst_low, dst_high; /* first words of addresses */
};

struct oracle {
	const struct policy **order[2][PEP_FAMILIES]; /* policies, failsafe */
	struct hull *hull[2][PEP_FAMILIES]; /* of order[][] */
	size_t count[2];
	bool default_block;
	bool transparent;
	int64_t now_us;
};

static number address_number(const uint32_t *word, enum pep_family family)
{
	if (family == PEP_IPV4)
		return word[0];
	return (number)word[0] << 96 | (number)word[1] << 64 | (number)word[2] << 32 | word[3];
}

static int width(enum pep_family family)
{
	return family == PEP_IPV4 ? 32 : 128;
}

/* Length of the largest aligned block within low..high. */
static int block_bits(number low, number high, enum pep_family family)
{
	for (int bits = 0; bits <= width(family); bits++) {
		int free_bits = width(family) - bits;
		number size, first;

		if (free_bits == 128) {
			if (low == 0 && high == ~(number)0)
				return 0;
			continue;
		}
		size = (number)1 << free_bits;
		first = (low + size - 1) / size * size;
		if (first >= low && high >= first && high - first >= size - 1)
			return bits;
	}
	return width(family);
}

/* The shortest member of a family; exclusions and absence mean any. */
static int shortest(const struct address_list *list, enum pep_family family)
{
	int best = 1000;
	bool included = false;

	for (size_t i = 0; i < list->count; i++) {
		const struct address_range *r = &list->range[i];
		int bits;

		if (r->excluded)
			continue;
		included = true;
		if (r->family != family)
			continue;
		bits = block_bits(address_number(r->low.word, family),
				  address_number(r->high.word, family), family);
		if (bits < best)
			best = bits;
	}
	return included ? best : 0;
}

static int span(const struct number_list *list)
{
	unsigned char seen[65536] = { 0 };
	int count = 0;

	if (!list->count)
		return 65536;
	for (size_t i = 0; i < list->count; i++) {
		for (int n = list->range[i].low; n <= list->range[i].high; n++) {
			count += !seen[n];
			seen[n] = 1;
		}
	}
	return count;
}

static int action_order(enum pep_action action)
{
	static const int order[] = { [PEP_ACTION_BLOCK] = 0,
				     [PEP_ACTION_REJECT] = 0,
				     [PEP_ACTION_RATE_LIMIT] = 1,
				     [PEP_ACTION_LOG_ONLY] = 2,
				     [PEP_ACTION_ALLOW] = 3 };

	return order[action];
}

static enum pep_family sorting;

static int compare(const void *x, const void *y)
{
	const struct policy *a = *(const struct policy *const *)x;
	const struct policy *b = *(const struct policy *const *)y;
	int difference = a->priority - b->priority;

	if (!difference)
		difference = shortest(&b->src, sorting) - shortest(&a->src, sorting);
	if (!difference)
		difference = shortest(&b->dst, sorting) - shortest(&a->dst, sorting);
	if (!difference)
		difference = span(&a->sport) - span(&b->sport);
	if (!difference)
		difference = span(&a->dport) - span(&b->dport);
	if (!difference)
		difference = (a->protocol < 0) - (b->protocol < 0);
	if (!difference)
		difference = action_order(a->action) - action_order(b->action);
	return difference ? difference : strcmp(a->id, b->id);
}

static const struct policy **sorted(const struct policyset *set, enum pep_family family)
{
	const struct policy **order = calloc(set->count + 1, sizeof(*order));

	for (size_t i = 0; order && i < set->count; i++)
		order[i] = set->policy[i];
	sorting = family;
	if (order)
		qsort(order, set->count, sizeof(*order), compare);
	return order;
}

static void hull_of(const struct address_list *list, enum pep_family family, uint32_t *low,
		    uint32_t *high)
{
	bool included = false;

	*low = UINT32_MAX;
	*high = 0;
	for (size_t i = 0; i < list->count; i++) {
		const struct address_range *r = &list->range[i];

		included |= !r->excluded;
		if (r->excluded || r->family != family)
			continue;
		*low = r->low.word[0] < *low ? r->low.word[0] : *low;
		*high = r->high.word[0] > *high ? r->high.word[0] : *high;
	}
	if (included)
		return;
	*low = 0;
	*high = UINT32_MAX;
}

static struct hull *hulls(const struct policy **order, size_t count, enum pep_family family)
{
	struct hull *hull = calloc(count + 1, sizeof(*hull));

	for (size_t i = 0; hull && i < count; i++) {
		hull_of(&order[i]->src, family, &hull[i].src_low, &hull[i].src_high);
		hull_of(&order[i]->dst, family, &hull[i].dst_low, &hull[i].dst_high);
	}
	return hull;
}

/* Sorts one of the two sets, and has a look at it. */
static bool prepare(struct oracle *oracle, int which, const struct policyset *set)
{
	bool ok = true;

	oracle->count[which] = set->count;
	for (int i = 0; i < PEP_FAMILIES; i++) {
		enum pep_family family = (enum pep_family)i;

		oracle->order[which][i] = sorted(set, family);
		ok = ok && oracle->order[which][i];
		oracle->hull[which][i] = ok ? hulls(oracle->order[which][i], set->count, family)
					    : NULL;
		ok = ok && oracle->hull[which][i];
	}
	return ok;
}

struct oracle *oracle_new(const struct policyset *set, const struct policyset *failsafe,
			  bool default_block, int64_t now_us)
{
	struct oracle *oracle = calloc(1, sizeof(*oracle));

	if (!oracle)
		return NULL;
	if (!prepare(oracle, 0, set) || !prepare(oracle, 1, failsafe)) {
		oracle_free(oracle);
		return NULL;
	}
	oracle->default_block = default_block;
	oracle->now_us = now_us;
	oracle->transparent = !default_block;
	for (size_t i = 0; i < set->count; i++)
		oracle->transparent &= !set->policy[i]->enabled;
	return oracle;
}

void oracle_free(struct oracle *oracle)
{
	for (int i = 0; i < 2; i++) {
		for (int family = 0; family < PEP_FAMILIES; family++) {
			free(oracle->order[i][family]);
			free(oracle->hull[i][family]);
		}
	}
	free(oracle);
}

void oracle_set_time(struct oracle *oracle, int64_t now_us)
{
	oracle->now_us = now_us;
}

/* ---- whether a policy matches */

static bool address_matches(const struct address_list *list, const uint32_t *word,
			    enum pep_family family)
{
	number value = address_number(word, family);
	bool any_included = false, inside = false;

	for (size_t i = 0; i < list->count; i++) {
		const struct address_range *r = &list->range[i];
		bool here = r->family == family && address_number(r->low.word, family) <= value &&
			    value <= address_number(r->high.word, family);

		if (r->excluded && here)
			return false;
		any_included |= !r->excluded;
		inside |= !r->excluded && here;
	}
	return inside || !any_included;
}

static bool number_matches(const struct number_list *list, uint16_t value)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->range[i].low <= value && value <= list->range[i].high)
			return true;
	}
	return list->count == 0;
}

static bool interface_matches(const struct policy *policy, const char *interface)
{
	for (size_t i = 0; i < policy->interface_count; i++) {
		if (!strcmp(policy->rare->interfaces[i], interface))
			return true;
	}
	return policy->interface_count == 0;
}

static bool transport_matches(const struct policy *p, const struct sample *s)
{
	bool ports = s->protocol == 6 || s->protocol == 17 || s->protocol == 132;

	if (p->protocol >= 0 && p->protocol != s->protocol)
		return false;
	if (p->protocol == (s->family == PEP_IPV4 ? 58 : 1)) /* the other family's ICMP */
		return false;
	if ((p->sport.count || p->dport.count) && !ports)
		return false;
	if (p->sport.count && !number_matches(&p->sport, s->sport))
		return false;
	if (p->dport.count && !number_matches(&p->dport, s->dport))
		return false;
	if (p->icmp_type >= 0 && p->icmp_type != s->sport)
		return false;
	if (p->icmp_code >= 0 && p->icmp_code != s->dport)
		return false;
	return (s->tcp_flags & p->tcp_flags_mask) == p->tcp_flags;
}

/* The outermost tag that names a VLAN: an id of 0 is for the priority alone. */
static uint16_t vlan_of(const struct sample *s)
{
	if (s->outer_vlan)
		return s->outer_vlan;
	return s->inner_vlan ? s->inner_vlan : PEP_VLAN_NONE;
}

static bool matches(const struct policy *p, const struct sample *s)
{
	bool fragment = s->first_fragment || s->later_fragment;

	if (!(p->directions >> s->direction & 1) || !interface_matches(p, s->interface))
		return false;
	if (!address_matches(&p->src, s->src, s->family) ||
	    !address_matches(&p->dst, s->dst, s->family))
		return false;
	if (!transport_matches(p, s) || !number_matches(&p->rare->vlan, vlan_of(s)))
		return false;
	if (p->rare->dscp && !(p->rare->dscp >> s->dscp & 1))
		return false;
	if (!number_matches(&p->rare->length, (uint16_t)s->length) ||
	    !number_matches(&p->rare->ttl, s->ttl))
		return false;
	return p->fragment < 0 || p->fragment == fragment;
}

/* ---- the walk */

static const struct policy *next_match(const struct oracle *o, int set, const struct sample *s,
				       size_t *from)
{
	for (; *from < o->count[set]; (*from)++) {
		const struct hull *hull = &o->hull[set][s->family][*from];
		const struct policy *p;

		if (s->src[0] < hull->src_low || s->src[0] > hull->src_high ||
		    s->dst[0] < hull->dst_low || s->dst[0] > hull->dst_high)
			continue;
		p = o->order[set][s->family][*from];
		if (p->enabled && !(p->expires_at && p->expires_at <= o->now_us) && matches(p, s)) {
			(*from)++;
			return p;
		}
	}
	return NULL;
}

static bool broad(const struct policy *p, enum pep_family family)
{
	return shortest(&p->src, family) < (family == PEP_IPV4 ? 8 : 32);
}

static void drop(const struct oracle *o, const struct sample *s, enum pep_outcome outcome,
		 const struct policy *by, struct oracle_answer *ret)
{
	const struct policy *saviour = NULL;
	size_t from = 0;

	ret->outcome = outcome;
	ret->policy = by ? by->id : NULL;
	if (!by || broad(by, s->family))
		saviour = next_match(o, 1, s, &from);
	if (saviour) {
		ret->outcome = PEP_OUTCOME_FAILSAFE;
		ret->policy = saviour->id;
	}
}

static void without_match(const struct oracle *o, const struct sample *s, struct oracle_answer *ret)
{
	ret->outcome = PEP_OUTCOME_DEFAULT_ALLOW;
	ret->policy = NULL;
	if (o->default_block)
		drop(o, s, PEP_OUTCOME_DEFAULT_BLOCK, NULL, ret);
}

void oracle_ask(const struct oracle *oracle, const struct sample *sample, struct oracle_answer *ret)
{
	size_t from = 0;

	memset(ret, 0, sizeof(*ret));
	if (sample->later_fragment) { /* dry runs leave nothing behind to know it by */
		ret->outcome = oracle->transparent ? PEP_OUTCOME_UNTRACKED_PASS
						   : PEP_OUTCOME_UNTRACKED_FRAGMENT;
		return;
	}
	for (;;) {
		const struct policy *p = next_match(oracle, 0, sample, &from);

		if (!p) {
			without_match(oracle, sample, ret);
			return;
		}
		if (ret->steps == PEP_CHAIN + 1) {
			ret->outcome = PEP_OUTCOME_CHAIN_BOUND;
			return;
		}
		ret->steps++;
		ret->policy = p->id;
		if (p->action == PEP_ACTION_LOG_ONLY || p->conform_continue)
			continue;
		if (p->action == PEP_ACTION_BLOCK) {
			drop(oracle, sample, PEP_OUTCOME_POLICY_BLOCK, p, ret);
			return;
		}
		ret->outcome = p->action == PEP_ACTION_RATE_LIMIT ? PEP_OUTCOME_LIMIT_CONFORM
								  : PEP_OUTCOME_POLICY_ALLOW;
		return;
	}
}
