/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon_sets.h"

#include <errno.h>
#include <string.h>

#include "address_set.h"
#include "address_sets.h"
#include "cleanup.h"
#include "policy_sets.h"
#include "problem.h"

int daemon_merge_sets(const struct address_sets *files, const struct address_sets *api,
		      const struct policyset *policies, struct address_sets **ret,
		      struct problems *problems)
{
	CLEANUP(address_sets_put) struct address_sets *merged = NULL;
	const size_t errors = problems->errors;

	for (size_t i = 0; api && i < files->count; i++) {
		const char *name = files->set[i]->name;

		if (address_sets_find(api, name))
			problem_add(problems, "",
				    "the set of addresses \"%s\" of the files exists already with "
				    "the origin api: give the file another name, or \"pepctl set "
				    "delete %s\"",
				    name, name);
	}
	if (address_sets_merge(files, api, &merged) < 0) {
		problem_add(problems, "", "out of memory");
		return -ENOMEM;
	}
	policies_report_unknown_sets(policies, merged, false, problems);
	if (problems->errors > errors)
		return -EINVAL;
	*ret = TAKE_PTR(merged);
	return 0;
}

bool daemon_sets_differ(const struct address_sets *a, const struct address_sets *b)
{
	size_t count = a ? a->count : 0;

	if (count != (b ? b->count : 0))
		return true;
	for (size_t i = 0; i < count; i++)
		if (a->set[i] != b->set[i])
			return true;
	return false;
}

int daemon_keep_known_sets(const struct address_sets *in_force, struct address_sets **files)
{
	CLEANUP(address_sets_put) struct address_sets *known = NULL;
	struct address_sets *kept;

	if (!in_force)
		return 0;
	if (address_sets_of(in_force, ORIGIN_FILE, &known) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < (*files)->count; i++) {
		struct address_set *set = (*files)->set[i];
		const struct address_set *before = address_sets_find(known, set->name);

		if (before)
			set->created_at = before->created_at;
	}
	/* What is not there any more, or says something else now, is not known. */
	for (size_t i = 0; i < known->count;) {
		const struct address_set *now = address_sets_find(*files, known->set[i]->name);

		if (now && address_set_equal(now, known->set[i])) {
			i++;
			continue;
		}
		address_set_put(&known->set[i]);
		memmove(&known->set[i], &known->set[i + 1],
			(--known->count - i) * sizeof(struct address_set *));
	}
	if (address_sets_merge(*files, known, &kept) < 0)
		return -ENOMEM;
	address_sets_put(files);
	*files = kept;
	return 0;
}
