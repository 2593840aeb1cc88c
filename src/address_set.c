// SPDX-License-Identifier: Apache-2.0
#include "address_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "cleanup.h"
#include "references.h"

#define ROOM_LEAST 16
#define HASH_START 0xcbf29ce484222325
#define HASH_PRIME 0x100000001b3

static struct address_set *new_set(const char *name);
static void settle(struct address_entries *entries);
static void summarise(struct address_set *set);

static void shrink(struct address_entries *entries, size_t room)
{
	struct address_entry *entry;

	if (!entries->count) {
		free(TAKE_PTR(entries->entry));
		return;
	}
	entry = entries->count == room
			? NULL
			: reallocarray(entries->entry, entries->count, sizeof(*entry));
	if (entry)
		entries->entry = entry;
}

int address_draft_add(struct address_draft *draft, const struct address_range *range,
		      int64_t expires_at)
{
	struct address_entries *entries = &draft->list[range->family];
	size_t *room = &draft->room[range->family];

	if (draft->list[PEP_IPV4].count + draft->list[PEP_IPV6].count >= ADDRESS_SET_ENTRIES_MAX)
		return -E2BIG;
	if (entries->count == *room) {
		size_t more = *room ? *room + *room / 2 : ROOM_LEAST;
		struct address_entry *grown = reallocarray(entries->entry, more, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		entries->entry = grown;
		*room = more;
	}
	entries->entry[entries->count++] =
		(struct address_entry){ range->low, range->high, expires_at };
	return 0;
}

void address_draft_clear(struct address_draft *draft)
{
	for (int family = 0; family < PEP_FAMILIES; family++)
		free(draft->list[family].entry);
	*draft = (struct address_draft){ 0 };
}

int address_set_make(const char *name, struct address_draft *draft, struct address_set **ret)
{
	struct address_set *set = new_set(name);

	if (!set)
		return -ENOMEM;
	for (int family = 0; family < PEP_FAMILIES; family++) {
		set->list[family] = draft->list[family];
		settle(&set->list[family]);
		shrink(&set->list[family], draft->room[family]);
	}
	*draft = (struct address_draft){ 0 };
	summarise(set);
	*ret = set;
	return 0;
}

struct address_set *address_set_get(struct address_set *set)
{
	references_add(&set->references);
	return set;
}

void address_set_put(struct address_set **set)
{
	struct address_set *dropped = TAKE_PTR(*set);

	if (!dropped || !references_drop(&dropped->references))
		return;
	for (int family = 0; family < PEP_FAMILIES; family++)
		free(dropped->list[family].entry);
	free(dropped->name);
	free(dropped);
}

size_t address_set_count(const struct address_set *set)
{
	return set->list[PEP_IPV4].count + set->list[PEP_IPV6].count;
}

bool address_set_equal(const struct address_set *a, const struct address_set *b)
{
	if (a->hash != b->hash)
		return false;
	for (int family = 0; family < PEP_FAMILIES; family++) {
		const struct address_entries *x = &a->list[family], *y = &b->list[family];

		if (x->count != y->count ||
		    (x->count && memcmp(x->entry, y->entry, x->count * sizeof(*x->entry)) != 0))
			return false;
	}
	return true;
}

/* ---- making */

static struct address_set *new_set(const char *name)
{
	struct address_set *set = calloc(1, sizeof(*set));

	if (!set)
		return NULL;
	set->references = 1;
	set->next_expiry = INT64_MAX;
	set->name = strdup(name);
	if (!set->name)
		address_set_put(&set);
	return set;
}

static int compare_places(const struct address_entry *a, const struct address_entry *b)
{
	int order = address_compare(&a->low, &b->low);

	return order ? order : address_compare(&a->high, &b->high);
}

/* What never ends is last. */
static int compare_entries(const void *a, const void *b)
{
	const struct address_entry *x = a, *y = b;
	uint64_t end_x = (uint64_t)x->expires_at - 1, end_y = (uint64_t)y->expires_at - 1;
	int order = compare_places(x, y);

	return order ? order : (end_x > end_y) - (end_x < end_y);
}

/* Sorted, and the last of those in one place stays. */
static void settle(struct address_entries *entries)
{
	struct address_entry *entry = entries->entry;
	size_t kept = 0, i = 1;

	while (i < entries->count && compare_entries(&entry[i - 1], &entry[i]) < 0)
		i++;
	if (i < entries->count)
		qsort(entry, entries->count, sizeof(*entry), compare_entries);
	for (i = 0; i < entries->count; i++) {
		if (kept && !compare_places(&entry[kept - 1], &entry[i]))
			kept--;
		entry[kept++] = entry[i];
	}
	entries->count = kept;
}

static uint64_t hash_words(uint64_t hash, const struct address *address)
{
	for (int i = 0; i < 4; i++)
		hash = (hash ^ address->word[i]) * HASH_PRIME;
	return hash;
}

/* What can be known of the entries once and for all. */
static void summarise(struct address_set *set)
{
	uint64_t hash = HASH_START;

	for (int family = 0; family < PEP_FAMILIES; family++) {
		const struct address_entries *entries = &set->list[family];

		hash = (hash ^ entries->count) * HASH_PRIME;
		for (size_t i = 0; i < entries->count; i++) {
			const struct address_entry *entry = &entries->entry[i];

			hash = hash_words(hash_words(hash, &entry->low), &entry->high);
			hash = (hash ^ (uint64_t)entry->expires_at) * HASH_PRIME;
			if (entry->expires_at && entry->expires_at < set->next_expiry)
				set->next_expiry = entry->expires_at;
		}
	}
	/* The last word hardly reaches the upper half otherwise. */
	set->hash = hash ^ hash >> 32;
}

/* ---- changing */

/* The entry that comes next in any of the three lists; NULL: all are at their end. */
static const struct address_entry *next_entry(const struct address_entries *const list[3],
					      const size_t at[3])
{
	const struct address_entry *next = NULL;

	for (int i = 0; i < 3; i++) {
		if (at[i] == list[i]->count)
			continue;
		if (!next || compare_places(&list[i]->entry[at[i]], next) < 0)
			next = &list[i]->entry[at[i]];
	}
	return next;
}

/* The entry of a list in that place, which is passed; NULL: it has none there. */
static const struct address_entry *take(const struct address_entries *list, size_t *at,
					const struct address_entry *place)
{
	if (*at == list->count || compare_places(&list->entry[*at], place) != 0)
		return NULL;
	return &list->entry[(*at)++];
}

/* One pass over three sorted lists: what is there, what goes, what comes. */
static void edit(const struct address_entries *const list[3], struct address_entries *result,
		 struct address_edit *count)
{
	const struct address_entry *next;
	size_t at[3] = { 0 };

	while ((next = next_entry(list, at))) {
		const struct address_entry place = *next;
		const struct address_entry *old = take(list[0], &at[0], &place);
		const struct address_entry *gone = take(list[1], &at[1], &place);
		const struct address_entry *put = take(list[2], &at[2], &place);

		count->added += put && !old;
		count->changed += put && old && put->expires_at != old->expires_at;
		count->removed += gone && old && !put;
		count->absent += gone && !old && !put;
		if (put || (old && !gone))
			result->entry[result->count++] = put ? *put : *old;
	}
}

int address_set_edit(const struct address_set *base, const struct address_set *remove,
		     const struct address_set *add, struct address_set **ret,
		     struct address_edit *ret_edit)
{
	CLEANUP(address_set_put) struct address_set *set = new_set(base->name);
	struct address_edit count = { 0 };

	if (!set)
		return -ENOMEM;
	for (int family = 0; family < PEP_FAMILIES; family++) {
		const struct address_entries *const list[3] = { &base->list[family],
								&remove->list[family],
								&add->list[family] };
		size_t room = list[0]->count + list[2]->count;

		set->list[family].entry = calloc(room + 1, sizeof(struct address_entry));
		if (!set->list[family].entry)
			return -ENOMEM;
		edit(list, &set->list[family], &count);
		shrink(&set->list[family], room + 1);
	}
	summarise(set);
	*ret_edit = count;
	*ret = TAKE_PTR(set);
	return 0;
}

int address_set_without_expired(const struct address_set *set, int64_t now_us,
				struct address_set **ret)
{
	CLEANUP(address_set_put) struct address_set *left = new_set(set->name);

	if (!left)
		return -ENOMEM;
	left->origin = set->origin;
	left->created_at = set->created_at;
	left->updated_at = set->updated_at;
	for (int family = 0; family < PEP_FAMILIES; family++) {
		const struct address_entries *from = &set->list[family];
		struct address_entries *to = &left->list[family];

		to->entry = calloc(from->count + 1, sizeof(*to->entry));
		if (!to->entry)
			return -ENOMEM;
		for (size_t i = 0; i < from->count; i++) {
			const struct address_entry *entry = &from->entry[i];

			if (!entry->expires_at || entry->expires_at > now_us)
				to->entry[to->count++] = *entry;
		}
		shrink(to, from->count + 1);
	}
	summarise(left);
	*ret = TAKE_PTR(left);
	return 0;
}
