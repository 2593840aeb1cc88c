// SPDX-License-Identifier: Apache-2.0
#include "ranking.h"

#include <errno.h>
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

/* Spreads @count ranks evenly between two that are taken. */
static int spread(uint32_t *rank, size_t count, uint32_t below, uint32_t above)
{
	if (above - below <= count)
		return -ERANGE;
	for (size_t i = 0; i < count; i++)
		rank[i] = below + (uint32_t)((above - below) * (uint64_t)(i + 1) / (count + 1));
	return 0;
}

/* Those between the same two others share the gap. */
static int fill_gaps(const size_t *place, const struct ranking *taken, struct ranking *ranking)
{
	size_t first = 0, next;
	int error = 0;

	for (; first < ranking->count && !error; first = next) {
		size_t here = place[first];

		next = first;
		while (next < ranking->count && place[next] == here)
			next++;
		error = spread(&ranking->rank[first], next - first,
			       here ? taken->rank[here - 1] : 0,
			       here < taken->count ? taken->rank[here] : UINT32_MAX);
	}
	return error;
}

int ranking_between(const struct policyset *set, const struct ranked *others, struct ranking *ret)
{
	CLEANUP(cleanup_free) size_t *place = calloc(set->count + 1, sizeof(*place));
	struct ranking ranking = { 0 };
	int error = place ? ranking_start(set, others->family, &ranking) : -ENOMEM;

	for (size_t i = 0; i < ranking.count; i++)
		place[i] = find_place(others, set->policy[ranking.index[i]]);
	if (!error)
		error = fill_gaps(place, others->ranking, &ranking);
	if (error)
		ranking_clear(&ranking);
	else
		*ret = ranking;
	return error;
}
