// SPDX-License-Identifier: Apache-2.0
#include "policyset.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "references.h"

/*
 * Who holds the policies of a set.  A set made of another one by an edit does
 * not take a reference to each policy again, of which there may be a million:
 * it shares what holds those of its base, and adds what is new.  Policies that
 * were taken out are so held longer than they are needed, until they have
 * become many and one set holds its own by itself.
 */
struct policy_holder {
	unsigned int references;
	struct policy_holder *base; /* NULL: none */
	struct policy **policy;
	size_t count;
	size_t total; /* with all bases */
	unsigned int depth;
};

#define HELD_SLACK 1024 /* policies that may be held in vain, and as many as a quarter of the set */
#define DEPTH_MOST 4096

/* A change, both lists sorted. */
struct sorted_edit {
	const char **gone; /* ids */
	size_t gone_count;
	struct policy **put;
	size_t put_count;
};

static void apply(const struct policyset *base, const struct sorted_edit *edit,
		  struct policyset *set);
static void put_in(struct policyset *set, struct policy *policy);
static int hold(const struct policyset *base, struct policy *const *fresh, size_t count,
		struct policyset *set);
static void holder_put(struct policy_holder *holder);
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
	references_add(&set->references);
	return set;
}

void policyset_put(struct policyset **set)
{
	struct policyset *dropped = TAKE_PTR(*set);

	if (!dropped || !references_drop(&dropped->references))
		return;
	holder_put(dropped->holder);
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

int policyset_edit(const struct policyset *base, const struct policyset_edit *edit,
		   struct policyset **ret)
{
	CLEANUP(policyset_put) struct policyset *set = NULL;
	struct sorted_edit sorted = { .gone_count = edit->remove_count };
	int r;

	r = sort_ids(edit->remove, edit->remove_count, &sorted.gone);
	if (!r)
		r = sort_policies(edit->add, edit->add_count, &sorted.put, &sorted.put_count);
	if (!r)
		r = set_with_room(base->count + sorted.put_count, &set);
	if (!r) {
		apply(base, &sorted, set);
		shrink(set, base->count + sorted.put_count);
		r = hold(base, sorted.put, sorted.put_count, set);
	}
	free(sorted.gone);
	free(sorted.put);
	if (!r)
		*ret = TAKE_PTR(set);
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
	CLEANUP(policyset_put) struct policyset *set = NULL;
	int r = set_with_room(base->count, &set);

	if (r < 0)
		return r;
	for (size_t i = 0; i < base->count; i++)
		if (base->policy[i]->origin != origin)
			put_in(set, base->policy[i]);
	shrink(set, base->count);
	r = hold(base, NULL, 0, set);
	if (!r)
		*ret = TAKE_PTR(set);
	return r;
}

/* ---- building */

static void tally(struct policyset *set, const struct policy *policy, size_t one)
{
	set->of_origin[policy->origin] += one;
	set->expiring += policy->expires_at || policy->ttl_deadline_ns ? one : 0;
	if (!policy->enabled)
		return;
	set->egress += policy->directions >> PEP_EGRESS & 1 ? one : 0;
	set->vlan += policy->rare->vlan.count ? one : 0;
}

/* There is room for it. */
static void put_in(struct policyset *set, struct policy *policy)
{
	set->policy[set->count++] = policy;
	tally(set, policy, 1);
}

/* The first index from @low on whose id is not smaller. */
static size_t lower_bound(const struct policyset *set, size_t low, const char *id)
{
	size_t high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(set->policy[middle]->id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void copy(const struct policyset *base, size_t from, size_t to, struct policyset *set)
{
	if (!base->policy || !set->policy)
		return; /* one without policies has no array */
	for (size_t i = from; i < to; i++)
		set->policy[set->count++] = base->policy[i];
}

/* Those of the base from @from on up to where @id belongs. Returns the index of what follows; one
 * of that id is left out. */
static size_t copy_before(const struct policyset *base, size_t from, const char *id,
			  struct policyset *set)
{
	size_t to = lower_bound(base, from, id);

	copy(base, from, to, set);
	if (to == base->count || strcmp(base->policy[to]->id, id))
		return to;
	tally(set, base->policy[to], (size_t)-1);
	return to + 1;
}

/* What is there between what goes and what is put in, as blocks. */
static void apply(const struct policyset *base, const struct sorted_edit *edit,
		  struct policyset *set)
{
	size_t put = 0, gone = 0, from = 0;

	memcpy(set->of_origin, base->of_origin, sizeof(set->of_origin));
	set->expiring = base->expiring;
	set->egress = base->egress;
	set->vlan = base->vlan;
	while (put < edit->put_count || gone < edit->gone_count) {
		if (gone == edit->gone_count ||
		    (put < edit->put_count && strcmp(edit->put[put]->id, edit->gone[gone]) <= 0)) {
			from = copy_before(base, from, edit->put[put]->id, set);
			put_in(set, edit->put[put++]);
		} else {
			from = copy_before(base, from, edit->gone[gone++], set);
		}
	}
	copy(base, from, base->count, set);
}

/* ---- holding */

static void holder_put(struct policy_holder *holder)
{
	while (holder && references_drop(&holder->references)) {
		struct policy_holder *base = holder->base;

		for (size_t i = 0; i < holder->count; i++)
			policy_put(&holder->policy[i]);
		free(holder->policy);
		free(holder);
		holder = base;
	}
}

static int hold(const struct policyset *base, struct policy *const *fresh, size_t count,
		struct policyset *set)
{
	struct policy_holder *holder = calloc(1, sizeof(*holder)), *below = base->holder;
	size_t held = count + (below ? below->total : 0);

	if (!holder)
		return -ENOMEM;
	holder->references = 1;
	if (!below || held > set->count + set->count / 4 + HELD_SLACK ||
	    below->depth == DEPTH_MOST) {
		below = NULL;
		fresh = set->policy;
		count = set->count;
		held = count;
	}
	holder->policy = malloc((count + 1) * sizeof(struct policy *));
	if (!holder->policy) {
		free(holder);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		holder->policy[holder->count++] = policy_get(fresh[i]);
	holder->total = held;
	holder->depth = below ? below->depth + 1 : 0;
	holder->base = below;
	if (below)
		references_add(&below->references);
	set->holder = holder;
	return 0;
}

bool policyset_each_added(const struct policyset *set, const struct policyset *base,
			  void (*added)(void *context, struct policy *policy), void *context)
{
	const struct policy_holder *holder = set->holder;

	while (holder && holder != base->holder) {
		for (size_t i = 0; i < holder->count; i++)
			added(context, holder->policy[i]);
		holder = holder->base;
	}
	return holder == base->holder;
}

static int set_with_room(size_t room, struct policyset **ret)
{
	CLEANUP(cleanup_free) struct policyset *set = calloc(1, sizeof(*set));

	if (!set)
		return -ENOMEM;
	set->references = 1;
	set->policy = reallocarray(NULL, room + 1, sizeof(struct policy *));
	if (!set->policy)
		return -ENOMEM;
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

/* Ids ascend, none is there twice: as lists often are. */
static bool is_sorted(struct policy *const *policies, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (strcmp(policies[i - 1]->id, policies[i]->id) >= 0)
			return false;
	return true;
}

static int copy_policies(struct policy *const *policies, size_t count, struct policy ***ret,
			 size_t *ret_count)
{
	struct policy **copied = calloc(count + 1, sizeof(struct policy *));

	if (!copied)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		copied[i] = policies[i];
	*ret = copied;
	*ret_count = count;
	return 0;
}

/* By id; of several with the same id the last one given stays. */
static int sort_policies(struct policy *const *policies, size_t count, struct policy ***ret,
			 size_t *ret_count)
{
	CLEANUP(cleanup_free) struct arrival *arrivals = NULL;
	CLEANUP(cleanup_free) struct policy **sorted = NULL;
	size_t kept = 0;

	if (is_sorted(policies, count))
		return copy_policies(policies, count, ret, ret_count);
	arrivals = calloc(count + 1, sizeof(*arrivals));
	sorted = calloc(count + 1, sizeof(struct policy *));
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
