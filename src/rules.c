// SPDX-License-Identifier: Apache-2.0
#include "rules.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "policyset.h"
#include "problem.h"
#include "ranking.h"
#include "rules_factors.h"

#define COSTLIEST 3 /* policies named when there are too many rules */

struct expansion {
	const struct policyset *set;
	const struct rules_names *names;
	const uint32_t *slots;
	enum pep_ruleset ruleset;
	enum pep_family family;
	size_t count; /* of both families so far */
	struct rules *rules;
	struct problems *problems;
};

static const struct number_range any_number = { 0, 0xffff };

/* How many rules a product gives: as often as there are directions; saturates. */
static uint64_t rule_count(const struct policy *policy, uint64_t product)
{
	uint64_t directions = (uint64_t)__builtin_popcount(policy->directions);

	return product > UINT64_MAX / PEP_DIRECTIONS ? UINT64_MAX : product * directions;
}

/* What all rules of a policy share. */
static void rule_fill_extra(const struct policy *policy, struct pep_extra *extra)
{
	if (policy->tcp_flags_mask) {
		extra->fields |= PEP_EXTRA_TCP_FLAGS;
		extra->tcp_flags = policy->tcp_flags;
		extra->tcp_flags_mask = policy->tcp_flags_mask;
	}
	if (policy->rare->dscp) {
		extra->fields |= PEP_EXTRA_DSCP;
		extra->dscp = policy->rare->dscp;
	}
	if (policy->rare->length.count) {
		extra->fields |= PEP_EXTRA_LENGTH;
		extra->length_low = policy->rare->length.range[0].low;
		extra->length_high = policy->rare->length.range[0].high;
		if (extra->length_high == 0xffff) /* a merged buffer can hold more */
			extra->length_high = UINT32_MAX;
	}
	if (policy->rare->ttl.count) {
		extra->fields |= PEP_EXTRA_TTL;
		extra->ttl_low = (uint8_t)policy->rare->ttl.range[0].low;
		extra->ttl_high = (uint8_t)policy->rare->ttl.range[0].high;
	}
	if (policy->fragment >= 0) {
		extra->fields |= PEP_EXTRA_FRAGMENT;
		extra->fragment = (uint8_t)policy->fragment;
	}
}

static void rule_start(const struct policy *policy, uint32_t rank, uint32_t slot, struct rule *rule)
{
	memset(rule, 0, sizeof(*rule));
	rule->rank = rank;
	rule->slot = slot;
	if (policy->protocol != POLICY_PROTOCOL_ANY) {
		rule->protocol = (uint8_t)policy->protocol;
		rule->flags |= PEP_RULE_PROTOCOL;
	} else if (policy->sport.count || policy->dport.count) {
		rule->flags |= PEP_RULE_PORTS;
	}
	rule_fill_extra(policy, &rule->extra);
	if (rule->extra.fields)
		rule->flags |= PEP_RULE_UNCACHED;
}

static const struct number_range *number_at(const struct number_list *list, size_t *index)
{
	size_t count = at_least_one(list->count), i = *index % count;

	*index /= count;
	return list->count ? &list->range[i] : &any_number;
}

/* The n-th member of the product. */
static void rule_vary(const struct factors *f, size_t n, struct rule *rule)
{
	const struct address_prefix *src = &f->src[n % f->src_count];
	const struct address_prefix *dst = &f->dst[n / f->src_count % f->dst_count];
	const struct number_range *range;

	n /= f->src_count * f->dst_count;
	memcpy(rule->src, src->address.word, sizeof(rule->src));
	memcpy(rule->dst, dst->address.word, sizeof(rule->dst));
	rule->src_bits = src->bits;
	rule->dst_bits = dst->bits;
	range = number_at(&f->sport, &n);
	rule->sport_low = range->low;
	rule->sport_high = range->high;
	range = number_at(&f->dport, &n);
	rule->dport_low = range->low;
	rule->dport_high = range->high;
	if (f->vlan.count) {
		range = number_at(&f->vlan, &n);
		rule->extra.fields |= PEP_EXTRA_VLAN;
		rule->extra.vlan_low = range->low;
		rule->extra.vlan_high = range->high;
	}
	if (f->interface_count) {
		rule->extra.fields |= PEP_EXTRA_INTERFACE;
		rule->extra.interface = f->interfaces[n];
	}
	if (rule->extra.fields)
		rule->flags |= PEP_RULE_EXTRA;
}

static int list_room(struct rule_list *list, size_t more)
{
	size_t room = list->room;
	struct rule *rules;

	if (list->count + more <= room)
		return 0;
	room = list->count + more + room / 2;
	rules = realloc(list->rule, room * sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	list->rule = rules;
	list->room = room;
	return 0;
}

static int append(struct expansion *e, const struct policy *policy, const struct factors *f,
		  const struct rule *start)
{
	size_t product = (size_t)factors_product(f);
	int error;

	for (int direction = 0; direction < PEP_DIRECTIONS; direction++) {
		struct rule_list *list = &e->rules->list[e->ruleset][e->family][direction];

		if (!(policy->directions >> direction & 1))
			continue;
		error = list_room(list, product);
		if (error)
			return error;
		for (size_t n = 0; n < product; n++) {
			list->rule[list->count] = *start;
			rule_vary(f, n, &list->rule[list->count++]);
		}
		e->rules->count += product;
	}
	return 0;
}

int rules_count(const struct rules_names *names, const struct policy *policy, uint64_t *ret)
{
	uint64_t count = 0, here;

	for (int family = 0; family < PEP_FAMILIES && policy->enabled; family++) {
		struct factors factors;
		int error;

		if (!policy_has_family(policy, (enum pep_family)family))
			continue;
		error = factors_make(names, policy, (enum pep_family)family, &factors);
		if (error)
			return error;
		here = rule_count(policy, factors_product(&factors));
		count = here > UINT64_MAX - count ? UINT64_MAX : count + here;
		factors_clear(&factors);
	}
	*ret = count;
	return 0;
}

/* Says how many rules there would be, and which policies give the most. */
static void refuse_rules(struct expansion *e)
{
	struct {
		uint64_t cost;
		const char *id;
	} top[COSTLIEST] = { 0 };
	uint64_t all = 0;

	for (size_t i = 0; i < e->set->count; i++) {
		size_t at = COSTLIEST;
		uint64_t cost;

		if (rules_count(e->names, e->set->policy[i], &cost))
			continue;
		all = cost > UINT64_MAX - all ? UINT64_MAX : all + cost;
		while (at > 0 && cost > top[at - 1].cost)
			at--;
		if (at == COSTLIEST)
			continue;
		memmove(&top[at + 1], &top[at], (COSTLIEST - 1 - at) * sizeof(top[0]));
		top[at].cost = cost;
		top[at].id = e->set->policy[i]->id;
	}
	problem_add(e->problems, "",
		    "the policies come to %llu rules, more than the %zu that \"policy.max_rules\" "
		    "allows: raise it in the configuration or remove some",
		    (unsigned long long)all, e->names->max);
	for (size_t i = 0; i < COSTLIEST && top[i].id && top[i].cost > 1; i++)
		problem_add(e->problems, "", "policy %s alone gives %llu rules", top[i].id,
			    (unsigned long long)top[i].cost);
}

static int expand_policy(struct expansion *e, size_t index, uint32_t rank)
{
	const struct policy *policy = e->set->policy[index];
	struct factors factors;
	struct rule start;
	uint64_t count;
	int error;

	if (!policy->enabled)
		return 0;
	error = factors_make(e->names, policy, e->family, &factors);
	if (error)
		return error;
	count = rule_count(policy, factors_product(&factors));
	if (count > e->names->max - e->count) {
		refuse_rules(e);
		error = -ENOSPC;
	} else {
		rule_start(policy, rank, e->slots[index], &start);
		error = append(e, policy, &factors, &start);
		e->count += count;
	}
	factors_clear(&factors);
	return error;
}

static int expand_ranked(struct expansion *e, const struct ranking *ranking)
{
	int error = 0;

	for (size_t i = 0; i < ranking->count && !error; i++)
		error = expand_policy(e, ranking->index[i], ranking->rank[i]);
	return error;
}

static int expand_family(struct expansion *e)
{
	CLEANUP(ranking_clear) struct ranking ranking = { 0 };
	int error;

	if (e->ruleset == PEP_RULES_POLICY && e->names->ranking)
		return expand_ranked(e, &e->names->ranking[e->family]);
	error = ranking_make(e->set, e->family, &ranking);
	return error ? error : expand_ranked(e, &ranking);
}

int rules_expand(const struct policyset *set, const struct policyset *failsafe,
		 const struct rules_names *names, struct rules *ret, struct problems *problems)
{
	struct rules rules = { 0 };
	struct expansion expansions[PEP_RULESETS] = {
		{ .set = set, .slots = names->slots, .ruleset = PEP_RULES_POLICY },
		{ .set = failsafe, .slots = names->failsafe_slots, .ruleset = PEP_RULES_FAILSAFE },
	};
	int error = 0;

	for (int i = 0; i < PEP_RULESETS * PEP_FAMILIES && !error; i++) {
		struct expansion *e = &expansions[i / PEP_FAMILIES];

		e->family = (enum pep_family)(i % PEP_FAMILIES);
		e->names = names;
		e->rules = &rules;
		e->problems = problems;
		error = expand_family(e);
	}
	if (error) {
		rules_clear(&rules);
		return error;
	}
	*ret = rules;
	return 0;
}

void rules_clear(struct rules *rules)
{
	for (int i = 0; i < PEP_RULESETS * PEP_FAMILIES * PEP_DIRECTIONS; i++)
		free((&rules->list[0][0][0])[i].rule);
	memset(rules, 0, sizeof(*rules));
}
