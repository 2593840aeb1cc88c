// SPDX-License-Identifier: Apache-2.0
#include "address_sets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address_set.h"
#include "cleanup.h"
#include "references.h"

static int with_room(size_t room, struct address_sets **ret)
{
	CLEANUP(cleanup_free) struct address_sets *sets = calloc(1, sizeof(*sets));

	if (!sets)
		return -ENOMEM;
	sets->references = 1;
	sets->set = calloc(room + 1, sizeof(struct address_set *));
	if (!sets->set)
		return -ENOMEM;
	*ret = TAKE_PTR(sets);
	return 0;
}

static void append(struct address_sets *sets, struct address_set *set)
{
	sets->set[sets->count++] = address_set_get(set);
}

struct address_sets *address_sets_new(void)
{
	struct address_sets *sets;

	return with_room(0, &sets) < 0 ? NULL : sets;
}

struct address_sets *address_sets_get(struct address_sets *sets)
{
	references_add(&sets->references);
	return sets;
}

void address_sets_put(struct address_sets **sets)
{
	struct address_sets *dropped = TAKE_PTR(*sets);

	if (!dropped || !references_drop(&dropped->references))
		return;
	for (size_t i = 0; i < dropped->count; i++)
		address_set_put(&dropped->set[i]);
	free(dropped->set);
	free(dropped);
}

ptrdiff_t address_sets_index(const struct address_sets *sets, const char *name)
{
	size_t low = 0, high = sets->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(sets->set[middle]->name, name);

		if (!order)
			return (ptrdiff_t)middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

struct address_set *address_sets_find(const struct address_sets *sets, const char *name)
{
	ptrdiff_t index = address_sets_index(sets, name);

	return index < 0 ? NULL : sets->set[index];
}

int address_sets_merge(const struct address_sets *base, const struct address_sets *more,
		       struct address_sets **ret)
{
	const size_t more_count = more ? more->count : 0;
	struct address_sets *sets;
	size_t i = 0, j = 0;

	if (with_room(base->count + more_count, &sets) < 0)
		return -ENOMEM;
	while (i < base->count || j < more_count) {
		int order = i == base->count  ? 1
			    : j == more_count ? -1
					      : strcmp(base->set[i]->name, more->set[j]->name);

		append(sets, order < 0 ? base->set[i] : more->set[j]);
		i += order <= 0;
		j += order >= 0;
	}
	*ret = sets;
	return 0;
}

int address_sets_with(const struct address_sets *base, struct address_set *set,
		      struct address_sets **ret)
{
	const struct address_sets one = { .set = &set, .count = 1 };

	return address_sets_merge(base, &one, ret);
}

int address_sets_without(const struct address_sets *base, const char *name,
			 struct address_sets **ret)
{
	struct address_sets *sets;

	if (with_room(base->count, &sets) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < base->count; i++)
		if (strcmp(base->set[i]->name, name) != 0)
			append(sets, base->set[i]);
	*ret = sets;
	return 0;
}

int address_sets_of(const struct address_sets *base, enum origin origin, struct address_sets **ret)
{
	struct address_sets *sets;

	if (with_room(base->count, &sets) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < base->count; i++)
		if (base->set[i]->origin == origin)
			append(sets, base->set[i]);
	*ret = sets;
	return 0;
}

int64_t address_sets_next_expiry(const struct address_sets *sets)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < sets->count; i++)
		if (sets->set[i]->next_expiry < next)
			next = sets->set[i]->next_expiry;
	return next;
}

int address_sets_without_expired(const struct address_sets *base, int64_t now_us,
				 struct address_sets **ret)
{
	CLEANUP(address_sets_put) struct address_sets *sets = NULL;

	if (with_room(base->count, &sets) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < base->count; i++) {
		CLEANUP(address_set_put) struct address_set *left = NULL;

		if (base->set[i]->next_expiry <= now_us &&
		    address_set_without_expired(base->set[i], now_us, &left) < 0)
			return -ENOMEM;
		append(sets, left ? left : base->set[i]);
	}
	*ret = TAKE_PTR(sets);
	return 0;
}
