// SPDX-License-Identifier: Apache-2.0
#include "policy_sets.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "address_set.h"
#include "address_sets.h"
#include "cleanup.h"
#include "json_cleanup.h"
#include "policy.h"
#include "policyset.h"
#include "problem.h"

/* The next set that a policy names from member @at of both lists on; NULL: there is none. */
static const char *next_name(const struct policy *policy, size_t *at)
{
	const size_t src_count = policy->src.count, count = src_count + policy->dst.count;

	while (*at < count) {
		const size_t i = (*at)++;
		const struct address_range *range =
			i < src_count ? &policy->src.range[i] : &policy->dst.range[i - src_count];

		if (range->family == ADDRESS_SET)
			return range->set;
	}
	return NULL;
}

bool policy_names_set(const struct policy *policy, const char *name)
{
	const char *named;

	for (size_t at = 0; (named = next_name(policy, &at));)
		if (!strcmp(named, name))
			return true;
	return false;
}

bool policy_uses_changed_set(const struct policy *policy, const struct address_sets *before,
			     const struct address_sets *after)
{
	const char *name;

	if (before == after)
		return false;
	for (size_t at = 0; (name = next_name(policy, &at));)
		if ((before ? address_sets_find(before, name) : NULL) !=
		    (after ? address_sets_find(after, name) : NULL))
			return true;
	return false;
}

size_t policies_report_unknown_sets(const struct policyset *policies,
				    const struct address_sets *sets, bool warn,
				    struct problems *problems)
{
	size_t count = 0;

	for (size_t i = 0; i < policies->count; i++) {
		const struct policy *policy = policies->policy[i];
		const char *name;

		for (size_t at = 0; (name = next_name(policy, &at));) {
			if (address_sets_find(sets, name))
				continue;
			count++;
			if (warn)
				problem_warn(problems, "",
					     "policy \"%s\" names the set of addresses \"@%s\", "
					     "which is in no file: whether it came by API is not "
					     "checked here",
					     policy->id, name);
			else
				problem_add(
					problems, "",
					"policy \"%s\" names the set of addresses \"@%s\", "
					"which does not exist: put it into sets.d, or create it "
					"by \"pepctl set put %s FILE\"",
					policy->id, name, name);
		}
	}
	return count;
}

/* @sets with an empty one of that name, in its place. */
static int add_empty(struct address_sets **sets, const char *name)
{
	CLEANUP(address_set_put) struct address_set *set = NULL;
	struct address_draft nothing = { 0 };
	struct address_sets *more;

	if (address_set_make(name, &nothing, &set) < 0)
		return -ENOMEM;
	set->origin = ORIGIN_FILE;
	if (address_sets_with(*sets, set, &more) < 0)
		return -ENOMEM;
	address_sets_put(sets);
	*sets = more;
	return 0;
}

int policies_make_unknown_sets(const struct policyset *policies, const struct address_sets *sets,
			       struct address_sets **ret)
{
	CLEANUP(address_sets_put) struct address_sets *made = NULL;

	if (address_sets_merge(sets, NULL, &made) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < policies->count; i++) {
		const char *name;

		for (size_t at = 0; (name = next_name(policies->policy[i], &at));)
			if (!address_sets_find(made, name) && add_empty(&made, name) < 0)
				return -ENOMEM;
	}
	*ret = TAKE_PTR(made);
	return 0;
}

static int note_names(const struct policy *policy, const struct address_sets *sets,
		      struct json_object *lists)
{
	const char *name;

	for (size_t at = 0; (name = next_name(policy, &at));) {
		ptrdiff_t index = address_sets_index(sets, name);
		struct json_object *list, *last, *id;

		if (index < 0)
			continue;
		list = json_object_array_get_idx(lists, (size_t)index);
		last = json_object_array_length(list)
			       ? json_object_array_get_idx(list, json_object_array_length(list) - 1)
			       : NULL;
		if (last && !strcmp(json_object_get_string(last), policy->id))
			continue;
		id = json_object_new_string(policy->id);
		if (!id || json_object_array_add(list, id)) {
			json_object_put(id);
			return -1;
		}
	}
	return 0;
}

struct json_object *policies_by_set(const struct policyset *policies,
				    const struct address_sets *sets)
{
	CLEANUP(cleanup_json) struct json_object *lists = json_object_new_array();

	for (size_t i = 0; lists && i < sets->count; i++) {
		struct json_object *list = json_object_new_array();

		if (!list || json_object_array_add(lists, list)) {
			json_object_put(list);
			return NULL;
		}
	}
	for (size_t i = 0; lists && i < policies->count; i++)
		if (note_names(policies->policy[i], sets, lists))
			return NULL;
	return TAKE_PTR(lists);
}
