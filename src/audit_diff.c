// SPDX-License-Identifier: Apache-2.0
/* What a change does to policies, for the audit log. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "cleanup.h"
#include "http_json.h"
#include "json_cleanup.h"
#include "policy.h"
#include "policy_json.h"
#include "policyset.h"

void audit_diff_note(struct audit_diff *diff, struct policy *before, struct policy *after)
{
	struct audit_change *change;

	diff->count++;
	if (diff->kept == AUDIT_CHANGES_MAX)
		return;
	change = reallocarray(diff->change, diff->kept + 1, sizeof(*change));
	if (!change)
		return;
	diff->change = change;
	change[diff->kept++] = (struct audit_change){
		.before = before ? policy_get(before) : NULL,
		.after = after ? policy_get(after) : NULL,
	};
}

/* Both are in the order of the ids. */
void audit_diff_sets(struct audit_diff *diff, const struct policyset *before,
		     const struct policyset *after)
{
	size_t i = 0, j = 0;

	while (i < before->count || j < after->count) {
		struct policy *old = i < before->count ? before->policy[i] : NULL;
		struct policy *new = j < after->count ? after->policy[j] : NULL;
		int order = !old ? 1 : !new ? -1 : strcmp(old->id, new->id);

		if (order < 0)
			audit_diff_note(diff, old, NULL);
		else if (order > 0)
			audit_diff_note(diff, NULL, new);
		else if (old != new && !policy_equal(old, new))
			audit_diff_note(diff, old, new);
		i += order <= 0;
		j += order >= 0;
	}
}

void audit_diff_clear(struct audit_diff *diff)
{
	for (size_t i = 0; i < diff->kept; i++) {
		policy_put(&diff->change[i].before);
		policy_put(&diff->change[i].after);
	}
	free(diff->change);
	*diff = (struct audit_diff){ 0 };
}

static int add_policy(struct json_object *json, const char *key, const struct policy *policy)
{
	return policy ? json_add(json, key, policy_to_json(policy))
		      : json_add_text(json, key, NULL);
}

static struct json_object *print_change(const struct audit_change *change)
{
	const struct policy *policy = change->after ? change->after : change->before;
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();

	if (!json || json_add_text(json, "id", policy->id) ||
	    add_policy(json, "before", change->before) || add_policy(json, "after", change->after))
		return NULL;
	return TAKE_PTR(json);
}

int audit_diff_print(const struct audit_diff *diff, struct json_object *record)
{
	struct json_object *list = json_object_new_array();

	if (json_add(record, "changes", list))
		return -ENOMEM;
	for (size_t i = 0; i < diff->kept; i++)
		if (json_append(list, print_change(&diff->change[i])))
			return -ENOMEM;
	return diff->count > diff->kept
		       ? json_add_number(record, "changes_left_out", diff->count - diff->kept)
		       : 0;
}
