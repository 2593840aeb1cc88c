// SPDX-License-Identifier: Apache-2.0
/*
 * From a list's members to the addresses it stands for: sort and merge the
 * members, sort and merge the exclusions, walk both to subtract, and cut each
 * interval that is left into prefixes, always the largest that fits.  Merged
 * intervals do not touch, so the cover is minimal.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "address_math.h"
#include "address_set.h"
#include "address_sets.h"
#include "cleanup.h"

struct intervals {
	struct address_interval *interval;
	size_t count;
};

static void intervals_clear(struct intervals *intervals)
{
	free(intervals->interval);
}

/* What is to be collected of a list: its members or its exclusions, in one family. */
struct choice {
	const struct address_list *list;
	const struct address_sets *sets;
	enum pep_family family;
	bool excluded;
};

static int collect(const struct choice *choice, struct intervals *ret);
static int subtract(const struct intervals *members, const struct intervals *exclusions,
		    enum pep_family family, struct intervals *ret);
static int cover(const struct intervals *intervals, enum pep_family family,
		 struct address_prefix **ret, size_t *ret_count);

static bool is_open(const struct address_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!list->range[i].excluded)
			return false;
	return true;
}

unsigned int address_range_bits(const struct address_range *range)
{
	unsigned int shortest = address_bits(range->family);
	struct address low = range->low, last;

	if (range->prefix_bits >= 0)
		return (unsigned int)range->prefix_bits;
	do {
		unsigned int bits = address_largest_prefix(&low, &range->high, range->family);

		if (bits < shortest)
			shortest = bits;
		last = address_last(&low, bits, range->family);
		low = last;
	} while (address_compare(&last, &range->high) && address_increment(&low, range->family));
	return shortest;
}

/* Named sets as 0, or not at all. */
static int shortest(const struct address_list *list, enum pep_family family, bool sets)
{
	int result = -1;

	if (is_open(list))
		return 0;
	for (size_t i = 0; i < list->count; i++) {
		const struct address_range *range = &list->range[i];
		int bits = 0;

		if (range->excluded ||
		    (range->family == ADDRESS_SET ? !sets : range->family != family))
			continue;
		if (range->family != ADDRESS_SET)
			bits = (int)address_range_bits(range);
		if (result < 0 || bits < result)
			result = bits;
	}
	return result;
}

int address_list_shortest(const struct address_list *list, enum pep_family family)
{
	return shortest(list, family, true);
}

int address_list_broadest(const struct address_list *list, enum pep_family family)
{
	return shortest(list, family, false);
}

bool address_list_has_family(const struct address_list *list, enum pep_family family)
{
	CLEANUP(cleanup_free) struct address_interval *rest = NULL;
	bool members = is_open(list), exclusions = false;
	size_t count;

	for (size_t i = 0; i < list->count; i++) {
		const struct address_range *range = &list->range[i];

		/* What is in a set may change, so it is not known to be taken out either. */
		if (range->family == ADDRESS_SET && !range->excluded)
			return true;
		if (range->family != family)
			continue;
		exclusions |= range->excluded;
		members |= !range->excluded;
	}
	if (!members || !exclusions)
		return members;
	/* Without memory to find out, the answer that hides nothing. */
	return address_list_intervals(list, NULL, family, &rest, &count) < 0 || count > 0;
}

int address_list_prefixes(const struct address_list *list, enum pep_family family,
			  struct address_prefix **ret, size_t *ret_count)
{
	return address_list_expand(list, NULL, family, ret, ret_count);
}

size_t address_list_intervals_most(const struct address_list *list, const struct address_sets *sets,
				   enum pep_family family)
{
	size_t most = is_open(list) ? 1 : 0;

	/* Each exclusion splits at most one interval in two. */
	for (size_t i = 0; i < list->count; i++) {
		const struct address_range *range = &list->range[i];
		const struct address_set *set = NULL;

		if (range->family == ADDRESS_SET && sets)
			set = address_sets_find(sets, range->set);
		most += set ? set->list[family].count : range->family == family;
	}
	return most;
}

static int find_intervals(const struct address_list *list, const struct address_sets *sets,
			  enum pep_family family, struct intervals *ret)
{
	CLEANUP(intervals_clear) struct intervals members = { 0 }, exclusions = { 0 };
	struct choice choice = { .list = list, .sets = sets, .family = family };
	int r;

	r = collect(&choice, &members);
	if (r < 0)
		return r;
	choice.excluded = true;
	r = collect(&choice, &exclusions);
	if (r < 0)
		return r;
	return subtract(&members, &exclusions, family, ret);
}

int address_list_intervals(const struct address_list *list, const struct address_sets *sets,
			   enum pep_family family, struct address_interval **ret, size_t *ret_count)
{
	struct intervals found = { 0 };
	int r = find_intervals(list, sets, family, &found);

	*ret = found.interval;
	*ret_count = found.count;
	return r;
}

int address_list_expand(const struct address_list *list, const struct address_sets *sets,
			enum pep_family family, struct address_prefix **ret, size_t *ret_count)
{
	CLEANUP(intervals_clear) struct intervals found = { 0 };
	int r = find_intervals(list, sets, family, &found);

	return r < 0 ? r : cover(&found, family, ret, ret_count);
}

/* ---- intervals */

static int compare_intervals(const void *a, const void *b)
{
	const struct address_interval *x = a, *y = b;

	return address_compare(&x->low, &y->low);
}

/* Joins those that overlap or touch; they must be sorted. */
static void merge(struct intervals *intervals, enum pep_family family)
{
	size_t kept = 0;

	for (size_t i = 0; i < intervals->count; i++) {
		struct address_interval *next = &intervals->interval[i];
		struct address_interval *last = kept ? &intervals->interval[kept - 1] : NULL;
		struct address behind = last ? last->high : next->low;

		if (last && (!address_increment(&behind, family) ||
			     address_compare(&next->low, &behind) <= 0)) {
			if (address_compare(&next->high, &last->high) > 0)
				last->high = next->high;
		} else {
			intervals->interval[kept++] = *next;
		}
	}
	intervals->count = kept;
}

/* The set that a member names and the choice is about; NULL: none. */
static const struct address_set *chosen_set(const struct choice *choice,
					    const struct address_range *range)
{
	if (range->family != ADDRESS_SET || range->excluded != choice->excluded || !choice->sets)
		return NULL;
	return address_sets_find(choice->sets, range->set);
}

/* How many intervals there may be. */
static size_t room_for(const struct choice *choice)
{
	size_t room = choice->list->count + 1;

	for (size_t i = 0; i < choice->list->count; i++) {
		const struct address_set *set = chosen_set(choice, &choice->list->range[i]);

		room += set ? set->list[choice->family].count : 0;
	}
	return room;
}

static void append_set(const struct address_set *set, enum pep_family family,
		       struct intervals *found)
{
	const struct address_entries *entries = &set->list[family];

	for (size_t i = 0; i < entries->count; i++)
		found->interval[found->count++] =
			(struct address_interval){ entries->entry[i].low, entries->entry[i].high };
}

/* A set is in order already, which is quick to see and slow to make. */
static void sort(struct intervals *found)
{
	for (size_t i = 1; i < found->count; i++) {
		if (compare_intervals(&found->interval[i - 1], &found->interval[i]) <= 0)
			continue;
		qsort(found->interval, found->count, sizeof(*found->interval), compare_intervals);
		return;
	}
}

/* The members or the exclusions of a family, sorted and merged; never NULL. */
static int collect(const struct choice *choice, struct intervals *ret)
{
	const struct address_list *list = choice->list;
	const enum pep_family family = choice->family;
	const struct address none = { 0 };
	struct intervals found = { 0 };

	found.interval = calloc(room_for(choice), sizeof(*found.interval));
	if (!found.interval)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++) {
		const struct address_range *range = &list->range[i];
		const struct address_set *set = chosen_set(choice, range);

		if (set)
			append_set(set, family, &found);
		else if (range->family == family && range->excluded == choice->excluded)
			found.interval[found.count++] =
				(struct address_interval){ range->low, range->high };
	}
	if (!choice->excluded && is_open(list))
		found.interval[found.count++] =
			(struct address_interval){ none, address_last(&none, 0, family) };
	sort(&found);
	merge(&found, family);
	*ret = found;
	return 0;
}

static int subtract(const struct intervals *members, const struct intervals *exclusions,
		    enum pep_family family, struct intervals *ret)
{
	struct intervals left = { 0 };
	size_t e = 0;

	/* Each exclusion splits at most one interval in two. */
	left.interval = calloc(members->count + exclusions->count + 1, sizeof(*left.interval));
	if (!left.interval)
		return -ENOMEM;
	for (size_t m = 0; m < members->count; m++) {
		struct address_interval rest = members->interval[m];
		bool any = true;

		while (e < exclusions->count &&
		       address_compare(&exclusions->interval[e].high, &rest.low) < 0)
			e++;
		for (size_t i = e; any && i < exclusions->count &&
				   address_compare(&exclusions->interval[i].low, &rest.high) <= 0;
		     i++) {
			const struct address_interval *hole = &exclusions->interval[i];

			if (address_compare(&hole->low, &rest.low) > 0) {
				struct address_interval before = { rest.low, hole->low };

				address_decrement(&before.high, family);
				left.interval[left.count++] = before;
			}
			any = address_compare(&hole->high, &rest.high) < 0;
			rest.low = hole->high;
			address_increment(&rest.low, family);
		}
		if (any)
			left.interval[left.count++] = rest;
	}
	*ret = left;
	return 0;
}

/* ---- prefixes */

/* Cuts into prefixes; only counts them while @prefix is NULL. */
static size_t cut(const struct address_interval *interval, enum pep_family family,
		  struct address_prefix *prefix)
{
	struct address low = interval->low, last;
	size_t count = 0;

	do {
		unsigned int bits = address_largest_prefix(&low, &interval->high, family);

		if (prefix)
			prefix[count] = (struct address_prefix){ low, (uint8_t)bits };
		count++;
		last = address_last(&low, bits, family);
		low = last;
	} while (address_compare(&last, &interval->high) && address_increment(&low, family));
	return count;
}

static int cover(const struct intervals *intervals, enum pep_family family,
		 struct address_prefix **ret, size_t *ret_count)
{
	struct address_prefix *prefix;
	size_t count = 0, done = 0;

	for (size_t i = 0; i < intervals->count; i++)
		count += cut(&intervals->interval[i], family, NULL);
	prefix = count ? calloc(count, sizeof(*prefix)) : NULL;
	if (count && !prefix)
		return -ENOMEM;
	for (size_t i = 0; i < intervals->count; i++)
		done += cut(&intervals->interval[i], family, prefix + done);
	*ret = prefix;
	*ret_count = count;
	return 0;
}
