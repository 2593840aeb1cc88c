/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which policies name which sets of addresses.
 */
#ifndef POLICY_SETS_H
#define POLICY_SETS_H

#include <stdbool.h>
#include <stddef.h>

struct address_sets;
struct json_object;
struct policy;
struct policyset;
struct problems;

/** Whether source or destination of the policy name that set. */
bool policy_names_set(const struct policy *policy, const char *name);

/**
 * Whether a set that the policy names is another one in @after than in
 * @before, or in one of them only: then its rules are other ones, although the
 * policy is the same. NULL: no sets.
 */
bool policy_uses_changed_set(const struct policy *policy, const struct address_sets *before,
			     const struct address_sets *after);

/**
 * Notes every set that a policy names and that @sets has not, as an error or
 * else a warning, with the policy's id. Returns how many.
 */
size_t policies_report_unknown_sets(const struct policyset *policies,
				    const struct address_sets *sets, bool warn,
				    struct problems *problems);

/**
 * A copy of @sets with an empty one, of ORIGIN_FILE, for each name that
 * policies have and it has not: a reload brings in what should be there.
 * Returns 0 or -ENOMEM.
 */
int policies_make_unknown_sets(const struct policyset *policies, const struct address_sets *sets,
			       struct address_sets **ret);

/**
 * The ids of the policies that name each of @sets, in the order of these:
 * an array of arrays, which the caller owns. NULL when out of memory.
 */
struct json_object *policies_by_set(const struct policyset *policies,
				    const struct address_sets *sets);

#endif
