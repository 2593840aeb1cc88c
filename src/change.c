/* SPDX-License-Identifier: Apache-2.0 */
#include "change.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "daemon.h"
#include "daemon_state.h"
#include "group.h"
#include "lint.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"

/* What a change comes to, given what the changes before it come to. */
struct plan {
	struct group *group;
	struct policyset *wanted; /* change->put, sorted */
	struct policy **put; /* of them, those that make a difference; borrowed from wanted */
	size_t put_count;
	const char **remove; /* ids of policies that the group has */
	size_t remove_count;
	struct change_result result;
};

static int plan_puts(struct plan *plan, struct problems *problems);
static int plan_removes(struct plan *plan, const struct change *change, struct problems *problems);
static int check_capacity(const struct plan *plan, struct problems *problems);
static int refuse_foreign(const struct plan *plan, const char *id, const struct policy *existing,
			  struct problems *problems);
static void fill_in(struct policy *policy, const struct policy *existing);
static void warn_overridden(const struct plan *plan, const struct policy *policy,
			    struct problems *problems);
static int say_no_memory(struct problems *problems);

static void plan_clear(struct plan *plan)
{
	free(plan->remove);
	free(plan->put);
	policyset_put(&plan->wanted);
}

int change_refuse_blocked(const struct settings *settings, struct problems *problems)
{
	if (!settings->block_all)
		return 0;
	problem_add(problems, "",
		    "nothing can be changed while everything but failsafe traffic is blocked: "
		    "mend the files and run \"pepctl reload\"");
	return -EAGAIN;
}

int change_plan(struct group *group, const struct change *change, struct change_result *ret,
		struct problems *problems)
{
	CLEANUP(policyset_put) struct policyset *none = policyset_new();
	CLEANUP(plan_clear) struct plan plan = { .group = group };
	struct change_result *result = &plan.result;
	int r;

	r = change_refuse_blocked(group->settings, problems);
	if (r < 0)
		return r;
	if (!none || policyset_add(none, change->put, change->put_count, &plan.wanted) < 0)
		return say_no_memory(problems);
	r = plan_puts(&plan, problems);
	if (r >= 0)
		r = plan_removes(&plan, change, problems);
	if (r >= 0)
		r = check_capacity(&plan, problems);
	if (r >= 0 && group_edit(group, plan.remove, plan.remove_count, plan.put, plan.put_count))
		r = say_no_memory(problems);
	if (r < 0)
		return r;
	result->changed = result->created || result->updated || result->deleted;
	result->policy_count = group_count(group);
	result->others = result->policy_count - group->of_origin[ORIGIN_API];
	*ret = *result;
	return 0;
}

static int plan_puts(struct plan *plan, struct problems *problems)
{
	const struct policyset *wanted = plan->wanted;
	bool refused = false;

	plan->put = calloc(wanted->count + 1, sizeof(*plan->put));
	if (!plan->put)
		return say_no_memory(problems);

	for (size_t i = 0; i < wanted->count; i++) {
		struct policy *policy = wanted->policy[i];
		const struct policy *existing = group_find(plan->group, policy->id);

		if (refuse_foreign(plan, policy->id, existing, problems) < 0) {
			refused = true;
		} else if (existing && policy_equal(existing, policy)) {
			plan->result.unchanged++;
		} else {
			plan->result.created += !existing;
			plan->result.updated += !!existing;
			fill_in(policy, existing);
			warn_overridden(plan, policy, problems);
			plan->put[plan->put_count++] = policy;
		}
	}
	return refused ? -EPERM : 0;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In order, each once: an id that was named twice counts once. */
static size_t without_twins(const char **ids, size_t count)
{
	size_t kept = 0;

	qsort(ids, count, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < count; i++) {
		if (!kept || strcmp(ids[kept - 1], ids[i]) != 0)
			ids[kept++] = ids[i];
	}
	return kept;
}

static int plan_removes(struct plan *plan, const struct change *change, struct problems *problems)
{
	const struct policyset *base = plan->group->base;
	size_t most = change->remove_count + (change->replace_all ? base->count : 0);
	bool refused = false;

	plan->remove = calloc(most + 1, sizeof(*plan->remove));
	if (!plan->remove)
		return say_no_memory(problems);

	for (size_t i = 0; change->replace_all && i < base->count; i++) {
		const struct policy *policy = base->policy[i];

		if (policy->origin == ORIGIN_API && !policyset_find(plan->wanted, policy->id))
			plan->remove[plan->remove_count++] = policy->id;
	}
	for (size_t i = 0; i < change->remove_count && !change->replace_all; i++) {
		const char *id = change->remove[i];
		const struct policy *existing = group_find(plan->group, id);

		if (refuse_foreign(plan, id, existing, problems) < 0)
			refused = true;
		else if (existing && !policyset_find(plan->wanted, id))
			plan->remove[plan->remove_count++] = existing->id;
	}
	plan->remove_count = without_twins(plan->remove, plan->remove_count);
	plan->result.deleted = plan->remove_count;
	return refused ? -EPERM : 0;
}

static int check_capacity(const struct plan *plan, struct problems *problems)
{
	size_t of_origin[ORIGINS];

	memcpy(of_origin, plan->group->of_origin, sizeof(of_origin));
	of_origin[ORIGIN_API] += plan->result.created - plan->result.deleted;
	return daemon_check_capacity(plan->group->settings, of_origin, problems);
}

/* An id exists once, and only who made a policy changes it. */
static int refuse_foreign(const struct plan *plan, const char *id, const struct policy *existing,
			  struct problems *problems)
{
	const struct settings *settings = plan->group->settings;

	if (settings->failsafe && policyset_find(settings->failsafe, id)) {
		problem_add(problems, "",
			    "\"%s\" is a failsafe policy: change \"policy.failsafe\" in the "
			    "configuration and run \"pepctl reload\", or choose another id",
			    id);
		return -EPERM;
	}
	if (existing && existing->origin != ORIGIN_API) {
		problem_add(problems, "",
			    "\"%s\" has the origin %s: change it in %s or %s/*.json and run "
			    "\"pepctl reload\", or choose another id",
			    id, policy_origin_name(existing->origin), settings->policies_file,
			    settings->policies_directory);
		return -EPERM;
	}
	return 0;
}

/* What it forbids is not all that will be dropped. */
static void warn_overridden(const struct plan *plan, const struct policy *policy,
			    struct problems *problems)
{
	const struct policyset *failsafe = plan->group->settings->failsafe;

	if (failsafe && lint_overridden(policy, failsafe))
		problem_warn(problems, "",
			     LINT_OVERRIDDEN
			     ": \"%s\" drops packets that a failsafe policy lets "
			     "pass; give it a narrower source, or change \"policy.failsafe\"",
			     policy->id);
}

static void fill_in(struct policy *policy, const struct policy *existing)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	policy->origin = ORIGIN_API;
	policy->updated_at = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	policy->created_at = existing ? existing->created_at : policy->updated_at;
}

static int say_no_memory(struct problems *problems)
{
	problem_add(problems, "", "out of memory");
	return -ENOMEM;
}
