// SPDX-License-Identifier: Apache-2.0
#include "ranking.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "policy_order.h"
#include "policyset.h"

#define GAP_MOST 4096
#define RANK_MOST 0xfffffffeU

void ranking_clear(struct ranking *ranking)
{
	free(ranking->index);
	free(ranking->rank);
	memset(ranking, 0, sizeof(*ranking));
}

/* The order, and room for the ranks. Policies of no use to the family come last, and are cut. */
static int ranking_start(const struct policyset *set, enum pep_family family, struct ranking *ret)
{
	struct ranking ranking = { .count = set->count };
	int error;

	ranking.rank = calloc(set->count + 1, sizeof(*ranking.rank));
	error = ranking.rank ? policyset_order(set, family, &ranking.index) : -ENOMEM;
	if (error) {
		ranking_clear(&ranking);
		return error;
	}
	while (ranking.count &&
	       !policy_has_family(set->policy[ranking.index[ranking.count - 1]], family))
		ranking.count--;
	*ret = ranking;
	return 0;
}

int ranking_make(const struct policyset *set, enum pep_family family, struct ranking *ret)
{
	uint32_t gap = RANK_MOST / (uint32_t)(set->count + 1);
	int error = ranking_start(set, family, ret);

	if (gap > GAP_MOST)
		gap = GAP_MOST;
	for (size_t i = 0; !error && i < ret->count; i++)
		ret->rank[i] = (uint32_t)(i + 1) * gap;
	return error;
}

/* How many of the others come before a policy. */
static size_t find_place(const struct ranked *others, const struct policy *policy)
{
	struct policy_order wanted = policy_order(policy, others->family), there;
	size_t low = 0, high = others->ranking->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		there = policy_order(others->policy(others->context, middle), others->family);
		if (policy_order_compare(&there, &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Between which of each of the others a policy belongs. */
struct place {
	size_t before[RANKED_MOST];
};

static bool same_place(const struct place *a, const struct place *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* The ranks around a place: of what comes last before it, and first behind it. */
static void gap_at(const struct ranked *others, size_t count, const struct place *place,
		   uint32_t *ret_below, uint32_t *ret_above)
{
	*ret_below = 0;
	*ret_above = UINT32_MAX;
	for (size_t i = 0; i < count; i++) {
		const struct ranking *taken = others[i].ranking;
		size_t here = place->before[i];

		if (here && taken->rank[here - 1] > *ret_below)
			*ret_below = taken->rank[here - 1];
		if (here < taken->count && taken->rank[here] < *ret_above)
			*ret_above = taken->rank[here];
	}
}

/* Spreads @count ranks evenly between two that are taken. */
static int spread(uint32_t *rank, size_t count, uint32_t below, uint32_t above)
{
	if (above - below <= count)
		return -ERANGE;
	for (size_t i = 0; i < count; i++)
		rank[i] = below + (uint32_t)((above - below) * (uint64_t)(i + 1) / (count + 1));
	return 0;
}

/* Those between the same others share the gap. */
static int fill_gaps(const struct place *place, const struct ranked *others, size_t count,
		     struct ranking *ranking)
{
	size_t first = 0, next;
	int error = 0;

	for (; first < ranking->count && !error; first = next) {
		uint32_t below, above;

		next = first + 1;
		while (next < ranking->count && same_place(&place[next], &place[first]))
			next++;
		gap_at(others, count, &place[first], &below, &above);
		error = spread(&ranking->rank[first], next - first, below, above);
	}
	return error;
}

int ranking_between(const struct policyset *set, const struct ranked *others, size_t count,
		    struct ranking *ret)
{
	CLEANUP(cleanup_free) struct place *place = calloc(set->count + 1, sizeof(*place));
	struct ranking ranking = { 0 };
	int error = place ? ranking_start(set, others->family, &ranking) : -ENOMEM;

	for (size_t i = 0; i < ranking.count; i++)
		for (size_t k = 0; k < count; k++)
			place[i].before[k] = find_place(&others[k], set->policy[ranking.index[i]]);
	if (!error)
		error = fill_gaps(place, others, count, &ranking);
	if (error)
		ranking_clear(&ranking);
	else
		*ret = ranking;
	return error;
}
