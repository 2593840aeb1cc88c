/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "daemon.h"
#include "daemon_state.h"
#include "datapath.h"
#include "lint.h"
#include "policy.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"
#include "store.h"

/* What a change comes to, given the set in force. */
struct plan {
	struct daemon *daemon;
	struct policyset *wanted; /* change->put, sorted */
	struct policy **put; /* of them, those that make a difference; borrowed from wanted */
	size_t put_count;
	const char **remove; /* ids in daemon->set, which outlives them */
	size_t remove_count;
	struct policyset *next;
	struct change_result result;
};

static int plan_make(struct plan *plan, const struct change *change, struct problems *problems);
static int plan_puts(struct plan *plan, struct problems *problems);
static int plan_removes(struct plan *plan, const struct change *change, struct problems *problems);
static int plan_next(struct plan *plan, struct problems *problems);
static int refuse_foreign(const struct plan *plan, const char *id, const struct policy *existing,
			  struct problems *problems);
static void fill_in(struct policy *policy, const struct policy *existing);
static void warn_overridden(const struct plan *plan, const struct policy *policy,
			    struct problems *problems);
static void plan_clear(struct plan *plan);
static int try_out(struct plan *plan, struct problems *problems);
static int carry_out(struct plan *plan, struct problems *problems);
static int make_durable(void *context, struct problems *problems);
static int say_no_memory(struct problems *problems);

int daemon_change(struct daemon *daemon, const struct change *change, struct change_result *ret,
		  struct problems *problems)
{
	CLEANUP(plan_clear) struct plan plan = { .daemon = daemon };
	struct datapath_figures figures;
	int r;

	if (daemon->settings->block_all) {
		problem_add(problems, "",
			    "nothing can be changed while everything but failsafe traffic is "
			    "blocked: mend the files and run \"pepctl reload\"");
		return -EAGAIN;
	}
	r = plan_make(&plan, change, problems);
	if (r >= 0 && plan.result.changed)
		r = change->dry_run ? try_out(&plan, problems) : carry_out(&plan, problems);
	if (r < 0)
		return r;

	datapath_figures(daemon->datapath, &figures);
	plan.result.generation = figures.generation;
	*ret = plan.result;
	return 0;
}

static int plan_make(struct plan *plan, const struct change *change, struct problems *problems)
{
	CLEANUP(policyset_put) struct policyset *none = policyset_new();
	struct change_result *result = &plan->result;
	int r;

	if (!none || policyset_add(none, change->put, change->put_count, &plan->wanted) < 0)
		return say_no_memory(problems);

	r = plan_puts(plan, problems);
	if (r >= 0)
		r = plan_removes(plan, change, problems);
	if (r >= 0)
		r = plan_next(plan, problems);
	if (r < 0)
		return r;

	result->changed = result->created || result->updated || result->deleted;
	result->policy_count = plan->next->count;
	result->others = plan->next->count - plan->next->of_origin[ORIGIN_API];
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
		const struct policy *existing = policyset_find(plan->daemon->set, policy->id);

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

static int plan_removes(struct plan *plan, const struct change *change, struct problems *problems)
{
	const struct policyset *set = plan->daemon->set;
	bool refused = false;

	plan->remove = calloc(set->count + change->remove_count + 1, sizeof(*plan->remove));
	if (!plan->remove)
		return say_no_memory(problems);

	for (size_t i = 0; change->replace_all && i < set->count; i++) {
		const struct policy *policy = set->policy[i];

		if (policy->origin == ORIGIN_API && !policyset_find(plan->wanted, policy->id))
			plan->remove[plan->remove_count++] = policy->id;
	}
	for (size_t i = 0; i < change->remove_count; i++) {
		const char *id = change->remove[i];
		const struct policy *existing = policyset_find(set, id);

		if (refuse_foreign(plan, id, existing, problems) < 0)
			refused = true;
		else if (existing && !change->replace_all && !policyset_find(plan->wanted, id))
			plan->remove[plan->remove_count++] = existing->id;
	}
	return refused ? -EPERM : 0;
}

static int plan_next(struct plan *plan, struct problems *problems)
{
	const struct daemon *daemon = plan->daemon;
	const struct policyset_edit edit = { .remove = plan->remove,
					     .remove_count = plan->remove_count,
					     .add = plan->put,
					     .add_count = plan->put_count };

	if (policyset_edit(daemon->set, &edit, &plan->next) < 0)
		return say_no_memory(problems);
	/* Counted like this an id that was named twice counts once. */
	plan->result.deleted = daemon->set->count + plan->result.created - plan->next->count;
	return daemon_check_capacity(daemon->settings, plan->next, problems);
}

/* An id exists once, and only who made a policy changes it. */
static int refuse_foreign(const struct plan *plan, const char *id, const struct policy *existing,
			  struct problems *problems)
{
	const struct settings *settings = plan->daemon->settings;

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
	const struct policyset *failsafe = plan->daemon->settings->failsafe;

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

static void plan_clear(struct plan *plan)
{
	free(plan->remove);
	free(plan->put);
	policyset_put(&plan->next);
	policyset_put(&plan->wanted);
}

/* A dry run finds what only compiling can find. */
static int try_out(struct plan *plan, struct problems *problems)
{
	const struct daemon_next next = { .settings = plan->daemon->settings, .set = plan->next };

	return daemon_try(plan->daemon, &next, problems);
}

static int carry_out(struct plan *plan, struct problems *problems)
{
	const struct daemon_next next = {
		.settings = plan->daemon->settings,
		.set = plan->next,
		.last_step = make_durable,
		.context = plan,
	};
	const struct change_result *result = &plan->result;
	int r;

	r = daemon_enforce(plan->daemon, &next, problems);
	if (r >= 0)
		daemon_settle_later(plan->daemon,
				    result->created + result->updated + result->deleted);
	return r;
}

static int make_durable(void *context, struct problems *problems)
{
	struct plan *plan = context;
	struct store *store = plan->daemon->store;
	int r = 0;

	if (store_error(store)) /* a snapshot may heal what an earlier failure left */
		r = store_compact(store, plan->daemon->set);
	if (r >= 0)
		r = store_append(store, plan->remove, plan->remove_count, plan->put,
				 plan->put_count);
	if (r >= 0)
		return 0;
	problem_add(problems, "", "the change cannot be stored in %s and is not in force: %s",
		    plan->daemon->settings->state_dir, strerror(-r));
	return -EIO;
}

static int say_no_memory(struct problems *problems)
{
	problem_add(problems, "", "out of memory");
	return -ENOMEM;
}
