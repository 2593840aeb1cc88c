// SPDX-License-Identifier: Apache-2.0
#include "store_entries.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "policyset.h"

struct store_entry {
	const char *id; /* the policy's, or of its own where there is none */
	struct policy *policy; /* NULL: removed */
	size_t order;
};

static int add(struct store_entries *entries, const char *id, struct policy *policy)
{
	if (entries->count == entries->room) {
		size_t room = entries->room ? entries->room * 2 : 64;
		struct store_entry *grown = reallocarray(entries->entry, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		entries->entry = grown;
		entries->room = room;
	}
	entries->entry[entries->count] = (struct store_entry){ id, policy, entries->count };
	entries->count++;
	return 0;
}

int store_entries_put(struct store_entries *entries, struct policy *policy)
{
	int error = add(entries, policy->id, policy);

	if (!error)
		policy_get(policy);
	return error;
}

int store_entries_remove(struct store_entries *entries, const char *id)
{
	CLEANUP(cleanup_free) char *copy = strdup(id);
	int error = copy ? add(entries, copy, NULL) : -ENOMEM;

	if (!error)
		copy = NULL;
	return error;
}

void store_entries_clear(struct store_entries *entries)
{
	for (size_t i = 0; i < entries->count; i++) {
		if (!entries->entry[i].policy)
			free((char *)entries->entry[i].id);
		policy_put(&entries->entry[i].policy);
	}
	free(entries->entry);
	*entries = (struct store_entries){ 0 };
}

/* ---- the result */

static int by_id(const void *a, const void *b)
{
	const struct store_entry *left = a, *right = b;
	int order = strcmp(left->id, right->id);

	if (order)
		return order;
	return left->order < right->order ? -1 : 1;
}

/* As a snapshot is. */
static bool is_sorted(const struct store_entries *entries)
{
	for (size_t i = 1; i < entries->count; i++)
		if (by_id(&entries->entry[i - 1], &entries->entry[i]) > 0)
			return false;
	return true;
}

int store_entries_make_set(struct store_entries *entries, struct policyset **ret)
{
	CLEANUP(policyset_put) struct policyset *empty = policyset_new();
	CLEANUP(cleanup_free) struct policy **policies = NULL;
	const struct store_entry *entry = entries->entry;
	size_t count = 0;

	policies = calloc(entries->count + 1, sizeof(*policies));
	if (!empty || !policies)
		return -ENOMEM;
	if (!is_sorted(entries))
		qsort(entries->entry, entries->count, sizeof(*entry), by_id);
	for (size_t i = 0; i < entries->count; i++) {
		bool last = i + 1 == entries->count || strcmp(entry[i].id, entry[i + 1].id) != 0;

		if (last && entry[i].policy)
			policies[count++] = entry[i].policy;
	}
	return policyset_add(empty, policies, count, ret);
}
