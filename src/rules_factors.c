// SPDX-License-Identifier: Apache-2.0
#include "rules_factors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

void factors_clear(struct factors *f)
{
	free(f->src);
	free(f->dst);
	free(f->interfaces);
	free(f->sport.range);
	free(f->dport.range);
	free(f->vlan.range);
}

static int compare_ranges(const void *a, const void *b)
{
	const struct number_range *x = a, *y = b;

	return x->low != y->low ? x->low - y->low : x->high - y->high;
}

/* Disjoint ranges in ascending order that give the same numbers. */
static int number_list_union(const struct number_list *list, struct number_list *ret)
{
	struct number_range *range;
	size_t count = 0;

	if (!list->count)
		return 0;
	range = malloc(list->count * sizeof(*range));
	if (!range)
		return -ENOMEM;
	memcpy(range, list->range, list->count * sizeof(*range));
	qsort(range, list->count, sizeof(*range), compare_ranges);
	for (size_t i = 1; i < list->count; i++) {
		if (range[i].low > range[count].high + 1)
			range[++count] = range[i];
		else if (range[i].high > range[count].high)
			range[count].high = range[i].high;
	}
	ret->range = range;
	ret->count = count + 1;
	return 0;
}

/* Type and code of ICMP take the place of the ports. */
static int port_factors(const struct policy *policy, struct factors *f)
{
	struct number_range type = { (uint16_t)policy->icmp_type, (uint16_t)policy->icmp_type };
	struct number_range code = { (uint16_t)policy->icmp_code, (uint16_t)policy->icmp_code };
	struct number_list types = { &type, policy->icmp_type >= 0 };
	struct number_list codes = { &code, policy->icmp_code >= 0 };
	bool icmp = types.count || codes.count;
	int error = number_list_union(icmp ? &types : &policy->sport, &f->sport);

	return error ? error : number_list_union(icmp ? &codes : &policy->dport, &f->dport);
}

static int interface_factors(const struct rules_names *names, const struct policy *policy,
			     struct factors *f)
{
	f->interfaces = calloc(policy->interface_count + 1, sizeof(*f->interfaces));
	if (!f->interfaces)
		return -ENOMEM;
	for (size_t i = 0; i < policy->interface_count; i++) {
		int id = names->interface_id(names->context, policy->rare->interfaces[i]);

		if (id < 0)
			return id;
		f->interfaces[f->interface_count++] = (uint16_t)id;
	}
	return 0;
}

int factors_make(const struct rules_names *names, const struct policy *policy,
		 enum pep_family family, struct factors *ret)
{
	struct factors f = { 0 };
	int error = address_list_expand(&policy->src, names->sets, family, &f.src, &f.src_count);

	if (!error)
		error = address_list_expand(&policy->dst, names->sets, family, &f.dst,
					    &f.dst_count);
	if (!error)
		error = port_factors(policy, &f);
	if (!error)
		error = number_list_union(&policy->rare->vlan, &f.vlan);
	if (!error)
		error = interface_factors(names, policy, &f);
	if (error) {
		factors_clear(&f);
		return error;
	}
	*ret = f;
	return 0;
}

uint64_t factors_product(const struct factors *f)
{
	const size_t counts[] = { f->src_count,
				  f->dst_count,
				  at_least_one(f->sport.count),
				  at_least_one(f->dport.count),
				  at_least_one(f->vlan.count),
				  at_least_one(f->interface_count) };
	uint64_t product = 1;

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		if (__builtin_mul_overflow(product, counts[i], &product))
			return UINT64_MAX;
	}
	return product;
}
