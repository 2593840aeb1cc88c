// SPDX-License-Identifier: Apache-2.0
#include "policyset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "policy_order.h"

/* A change, both lists sorted. */
struct sorted_edit {
	const char **gone; /* ids */
	size_t gone_count;
	struct policy **put;
	size_t put_count;
};

static void apply(const struct policyset *base, const struct sorted_edit *edit,
		  struct policyset *set);
static int set_with_room(size_t room, struct policyset **ret);
static void shrink(struct policyset *set, size_t room);
static int sort_ids(const char *const *ids, size_t count, const char ***ret);
static int sort_policies(struct policy *const *policies, size_t count, struct policy ***ret,
			 size_t *ret_count);

struct policyset *policyset_new(void)
{
	struct policyset *set;

	return set_with_room(0, &set) < 0 ? NULL : set;
}

struct policyset *policyset_get(struct policyset *set)
{
	set->references++;
	return set;
}

void policyset_put(struct policyset **set)
{
	struct policyset *dropped = TAKE_PTR(*set);

	if (!dropped || --dropped->references)
		return;
	for (size_t i = 0; i < dropped->count; i++)
		policy_put(&dropped->policy[i]);
	free(dropped->policy);
	free(dropped);
}

ptrdiff_t policyset_index(const struct policyset *set, const char *id)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(set->policy[middle]->id, id);

		if (!order)
			return (ptrdiff_t)middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

struct policy *policyset_find(const struct policyset *set, const char *id)
{
	ptrdiff_t index = policyset_index(set, id);

	return index < 0 ? NULL : set->policy[index];
}

size_t policyset_count(const struct policyset *set, enum origin origin)
{
	size_t count = 0;

	for (size_t i = 0; i < set->count; i++)
		count += set->policy[i]->origin == origin;
	return count;
}

int policyset_edit(const struct policyset *base, const struct policyset_edit *edit,
		   struct policyset **ret)
{
	struct sorted_edit sorted = { .gone_count = edit->remove_count };
	struct policyset *set = NULL;
	int r;

	r = sort_ids(edit->remove, edit->remove_count, &sorted.gone);
	if (!r)
		r = sort_policies(edit->add, edit->add_count, &sorted.put, &sorted.put_count);
	if (!r)
		r = set_with_room(base->count + sorted.put_count, &set);
	if (!r) {
		apply(base, &sorted, set);
		shrink(set, base->count + sorted.put_count);
		*ret = set;
	}
	free(sorted.gone);
	free(sorted.put);
	return r;
}

int policyset_add(const struct policyset *base, struct policy *const *add, size_t count,
		  struct policyset **ret)
{
	const struct policyset_edit edit = { .add = add, .add_count = count };

	return policyset_edit(base, &edit, ret);
}

int policyset_without(const struct policyset *base, enum origin origin, struct policyset **ret)
{
	struct policyset *set;
	int r = set_with_room(base->count, &set);

	if (r < 0)
		return r;
	for (size_t i = 0; i < base->count; i++)
		if (base->policy[i]->origin != origin)
			set->policy[set->count++] = policy_get(base->policy[i]);
	shrink(set, base->count);
	*ret = set;
	return 0;
}

/* ---- building */

static bool is_gone(const struct sorted_edit *edit, size_t *next, const char *id)
{
	while (*next < edit->gone_count && strcmp(edit->gone[*next], id) < 0)
		(*next)++;
	return *next < edit->gone_count && !strcmp(edit->gone[*next], id);
}

/* One pass over three sorted lists: what is there, what goes, what is put in. */
static void apply(const struct policyset *base, const struct sorted_edit *edit,
		  struct policyset *set)
{
	size_t put = 0, gone = 0;

	for (size_t i = 0; i < base->count; i++) {
		struct policy *policy = base->policy[i];

		while (put < edit->put_count && strcmp(edit->put[put]->id, policy->id) < 0)
			set->policy[set->count++] = policy_get(edit->put[put++]);
		if (put < edit->put_count && !strcmp(edit->put[put]->id, policy->id))
			set->policy[set->count++] = policy_get(edit->put[put++]);
		else if (!is_gone(edit, &gone, policy->id))
			set->policy[set->count++] = policy_get(policy);
	}
	while (put < edit->put_count)
		set->policy[set->count++] = policy_get(edit->put[put++]);
}

static int set_with_room(size_t room, struct policyset **ret)
{
	CLEANUP(cleanup_free) struct policyset *set = calloc(1, sizeof(*set));

	if (!set)
		return -ENOMEM;
	set->references = 1;
	if (room) {
		set->policy = calloc(room, sizeof(struct policy *));
		if (!set->policy)
			return -ENOMEM;
	}
	*ret = TAKE_PTR(set);
	return 0;
}

/* Gives back what was not used; keeps it if that fails. */
static void shrink(struct policyset *set, size_t room)
{
	struct policy **policy;

	if (set->count == room)
		return;
	if (!set->count) {
		free(set->policy);
		set->policy = NULL;
		return;
	}
	policy = reallocarray(set->policy, set->count, sizeof(struct policy *));
	if (policy)
		set->policy = policy;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int sort_ids(const char *const *ids, size_t count, const char ***ret)
{
	const char **sorted = calloc(count + 1, sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		sorted[i] = ids[i];
	qsort(sorted, count, sizeof(*sorted), compare_ids);
	*ret = sorted;
	return 0;
}

struct arrival {
	struct policy *policy;
	size_t index;
};

static int compare_arrivals(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;
	int order = strcmp(x->policy->id, y->policy->id);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* By id; of several with the same id the last one given stays. */
static int sort_policies(struct policy *const *policies, size_t count, struct policy ***ret,
			 size_t *ret_count)
{
	CLEANUP(cleanup_free) struct arrival *arrivals = calloc(count + 1, sizeof(*arrivals));
	CLEANUP(cleanup_free) struct policy **sorted = calloc(count + 1, sizeof(struct policy *));
	size_t kept = 0;

	if (!arrivals || !sorted)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		arrivals[i] = (struct arrival){ policies[i], i };
	qsort(arrivals, count, sizeof(*arrivals), compare_arrivals);
	for (size_t i = 0; i < count; i++) {
		if (kept && !strcmp(sorted[kept - 1]->id, arrivals[i].policy->id))
			kept--;
		sorted[kept++] = arrivals[i].policy;
	}
	*ret = TAKE_PTR(sorted);
	*ret_count = kept;
	return 0;
}

/* ---- order */

struct placed {
	struct policy_order order;
	uint32_t index;
	bool absent; /* cannot match in the family */
};

static int compare_placed(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->absent != y->absent)
		return x->absent ? 1 : -1;
	return policy_order_compare(&x->order, &y->order);
}

int policyset_order(const struct policyset *set, enum pep_family family, uint32_t **ret)
{
	CLEANUP(cleanup_free) struct placed *placed = calloc(set->count + 1, sizeof(*placed));
	uint32_t *indices = calloc(set->count + 1, sizeof(*indices));

	if (!placed || !indices) {
		free(indices);
		return -ENOMEM;
	}
	for (size_t i = 0; i < set->count; i++)
		placed[i] = (struct placed){
			.order = policy_order(set->policy[i], family),
			.index = (uint32_t)i,
			.absent = !policy_has_family(set->policy[i], family),
		};
	qsort(placed, set->count, sizeof(*placed), compare_placed);
	for (size_t i = 0; i < set->count; i++)
		indices[i] = placed[i].index;
	*ret = indices;
	return 0;
}
