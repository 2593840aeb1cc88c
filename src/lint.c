/* SPDX-License-Identifier: Apache-2.0 */
#include "lint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "overlap.h"
#include "policy.h"
#include "policy_json.h"
#include "policyset.h"
#include "problem.h"

struct footprints {
	struct footprint *footprint;
	size_t count;
};

static int footprints_make(const struct policy_list *list, size_t count, struct footprints *ret);
static void footprints_clear(struct footprints *footprints);
static bool decide_differently(const struct policy *a, const struct policy *b);
static bool swapped(const struct footprint *first, const struct footprint *second);
static void warn_pair(struct problems *problems, const char *prefix, size_t index,
		      const struct policy *earlier, const struct policy *later);

int lint_order(const struct policy_list *list, const char *prefix, struct problems *problems)
{
	CLEANUP(footprints_clear) struct footprints all = { 0 };
	size_t i, j, count = list->count, pairs = 0;
	int result;

	if (count > LINT_ORDER_POLICIES)
		count = LINT_ORDER_POLICIES;
	result = footprints_make(list, count, &all);
	if (result)
		return result;
	for (j = 1; j < count; j++) {
		for (i = 0; i < j; i++) {
			if (!decide_differently(list->policy[i], list->policy[j]) ||
			    !swapped(&all.footprint[i], &all.footprint[j]))
				continue;
			if (pairs++ < LINT_ORDER_PAIRS)
				warn_pair(problems, prefix, j, list->policy[i], list->policy[j]);
		}
	}
	if (pairs > LINT_ORDER_PAIRS)
		problem_warn(problems, prefix,
			     "%zu more pairs of policies are evaluated in another order than "
			     "that of the file",
			     pairs - LINT_ORDER_PAIRS);
	if (list->count > count)
		problem_warn(problems, prefix,
			     "only the first %zu policies were compared with the order of "
			     "evaluation",
			     count);
	return 0;
}

static const char *why_first(const struct policy *earlier, const struct policy *later)
{
	struct policy alike = *later;

	if (later->priority != earlier->priority)
		return "its priority is a lower number";
	alike.action = earlier->action;
	alike.id = earlier->id;
	for (int family = 0; family < PEP_FAMILIES; family++)
		if (policy_compare(&alike, earlier, family) < 0)
			return "it is more specific";
	if (later->action != earlier->action)
		return "that is the order of actions where nothing else differs";
	return "its id sorts first and nothing else differs";
}

static void warn_pair(struct problems *problems, const char *prefix, size_t index,
		      const struct policy *earlier, const struct policy *later)
{
	char pointer[128];

	snprintf(pointer, sizeof(pointer), "%s/%zu", prefix, index);
	problem_warn(problems, pointer,
		     "\"%s\" (%s) is evaluated before \"%s\" (%s), which comes earlier in the "
		     "file, because %s; packets that match both meet it first",
		     later->id, policy_action_name(later->action), earlier->id,
		     policy_action_name(earlier->action), why_first(earlier, later));
}

static bool decide_differently(const struct policy *a, const struct policy *b)
{
	if (!a->enabled || !b->enabled)
		return false;
	if (a->action == PEP_ACTION_LOG_ONLY || b->action == PEP_ACTION_LOG_ONLY)
		return false;
	if (a->action != b->action)
		return true;
	return a->action == PEP_ACTION_RATE_LIMIT;
}

/* Whether @second is evaluated first although some packet matches both. */
static bool swapped(const struct footprint *first, const struct footprint *second)
{
	for (int family = 0; family < PEP_FAMILIES; family++)
		if (policy_compare(second->policy, first->policy, family) < 0 &&
		    footprints_overlap(first, second, family))
			return true;
	return false;
}

static int footprints_make(const struct policy_list *list, size_t count, struct footprints *ret)
{
	ret->footprint = calloc(count + 1, sizeof(*ret->footprint));
	if (!ret->footprint)
		return -ENOMEM;
	ret->count = count;
	for (size_t i = 0; i < count; i++) {
		int result = footprint_make(list->policy[i], &ret->footprint[i]);

		if (result)
			return result;
	}
	return 0;
}

static void footprints_clear(struct footprints *footprints)
{
	for (size_t i = 0; i < footprints->count; i++)
		footprint_clear(&footprints->footprint[i]);
	free(footprints->footprint);
}

bool lint_overridden(const struct policy *policy, const struct policyset *failsafe)
{
	CLEANUP(footprint_clear) struct footprint own = { 0 };
	bool found = false;

	if (!policy->enabled ||
	    (policy->action != PEP_ACTION_BLOCK && policy->action != PEP_ACTION_RATE_LIMIT))
		return false;
	if (!policy_is_broad(policy, PEP_IPV4) && !policy_is_broad(policy, PEP_IPV6))
		return false;
	if (footprint_make(policy, &own))
		return false;
	for (size_t i = 0; i < failsafe->count && !found; i++) {
		CLEANUP(footprint_clear) struct footprint other = { 0 };

		if (footprint_make(failsafe->policy[i], &other))
			return false;
		for (int family = 0; family < PEP_FAMILIES; family++)
			found |= policy_is_broad(policy, family) &&
				 footprints_overlap(&own, &other, family);
	}
	return found;
}
