/* SPDX-License-Identifier: Apache-2.0 */
/* The store of the stubs. */
#include <errno.h>
#include <string.h>

#include "address_sets.h"
#include "json.h"
#include "policyset.h"
#include "store.h"
#include "store_pending.h"
#include "stubs.h"

int store_append(struct store *store, const char *const *remove, size_t remove_count,
		 struct policy *const *put, size_t put_count)
{
	(void)store;
	(void)remove;
	(void)put;
	stubs_note("append");
	if (stubs.append_error)
		return stubs.append_error;
	stubs.appended_put = put_count;
	stubs.appended_removed = remove_count;
	return 0;
}

int store_take_back(struct store *store)
{
	(void)store;
	stubs_note("take_back");
	stubs.taken_back++;
	return 0;
}

bool store_wants_compact(const struct store *store)
{
	(void)store;
	return false;
}

int store_error(const struct store *store)
{
	(void)store;
	return 0;
}

int store_compact(struct store *store, const struct policyset *set)
{
	(void)store;
	stubs.compacted = set->count;
	return 0;
}

int store_save_last_good(struct store *store, struct json_object *config,
			 const struct policyset *file_policies, const struct address_sets *sets)
{
	(void)store;
	(void)sets;
	(void)config;
	stubs_note("keep");
	stubs.last_good = file_policies->count;
	return 0;
}

int store_load_last_good(const struct store *store, struct json_object **ret_config,
			 struct policyset **ret_set, struct address_sets **ret_sets,
			 struct problems *problems)
{
	(void)store;
	if (!stubs.good_config)
		return -ENOENT;
	*ret_sets = address_sets_new();
	*ret_set = set_of(stubs.good_policies, true);
	return json_read(stubs.good_config, strlen(stubs.good_config), 0, ret_config, problems);
}

int store_open(const char *directory, struct store **ret, struct policyset **ret_set,
	       struct problems *problems)
{
	(void)problems;
	stubs_note("open");
	if (stubs.open_error)
		return stubs.open_error;
	*ret = (struct store *)directory; /* anything but NULL */
	*ret_set = set_of(stubs.stored ? stubs.stored : "[]", false);
	return 0;
}

int store_load_sets(const struct store *store, struct address_sets **ret, struct problems *problems)
{
	(void)store;
	(void)problems;
	*ret = address_sets_new();
	return *ret ? 0 : -ENOMEM;
}

int store_put_set(const struct store *store, const struct address_set *set,
		  const struct address_set *before)
{
	(void)store;
	(void)set;
	(void)before;
	stubs_note("put_set");
	return stubs.append_error;
}

int store_delete_set(const struct store *store, const struct address_set *set)
{
	(void)store;
	(void)set;
	stubs_note("delete_set");
	return stubs.append_error;
}

int store_put_pending(const struct store *store, const struct store_pending *pending)
{
	(void)store;
	(void)pending;
	stubs_note("put_pending");
	return stubs.append_error;
}

int store_drop_pending(const struct store *store)
{
	(void)store;
	stubs_note("drop_pending");
	return 0;
}

void store_close(struct store **store)
{
	*store = NULL;
}
