/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "address_sets.h"
#include "cleanup.h"
#include "daemon.h"
#include "daemon_sets.h"
#include "daemon_state.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"

static int read_contents(const struct daemon *daemon, struct daemon_files *files,
			 struct problems *problems);
static int keep_known(const struct policyset *in_force, struct policyset **files);
static int refuse_shared_ids(const struct settings *settings, const struct policyset *files,
			     const struct policyset *api, struct problems *problems);
static size_t count_shared(const struct policyset *before, const struct policyset *after,
			   size_t *ret_equal);

int daemon_files_read(const struct daemon *daemon, struct daemon_files *ret,
		      struct problems *problems)
{
	CLEANUP(daemon_files_clear) struct daemon_files files = { 0 };
	const size_t first = problems->count;
	int r;

	r = settings_load(daemon->config_path, &files.settings, problems);
	problems_prefix(problems, first, daemon->config_path);
	if (r < 0)
		return r;
	if (daemon->log_level)
		log_level_parse(daemon->log_level, &files.settings->log_level);
	r = read_contents(daemon, &files, problems);
	ret->settings = TAKE_PTR(files.settings);
	if (r < 0)
		return r;
	ret->policies = TAKE_PTR(files.policies);
	ret->sets = TAKE_PTR(files.sets);
	return 0;
}

/* Policies and sets; the errors of both. */
static int read_contents(const struct daemon *daemon, struct daemon_files *files,
			 struct problems *problems)
{
	int r = settings_load_policies(files->settings, &files->policies, problems);
	int sets = settings_load_sets(files->settings, &files->sets, problems);

	if (r >= 0)
		r = sets;
	if (r >= 0)
		r = keep_known(daemon->set, &files->policies);
	if (r >= 0)
		r = daemon_keep_known_sets(daemon->sets, &files->sets);
	return r;
}

void daemon_files_clear(struct daemon_files *files)
{
	settings_free(&files->settings);
	policyset_put(&files->policies);
	address_sets_put(&files->sets);
}

int daemon_merge(const struct settings *settings, const struct policyset *files,
		 const struct policyset *api, struct policyset **ret, struct problems *problems)
{
	CLEANUP(policyset_put) struct policyset *merged = NULL;
	int r;

	r = refuse_shared_ids(settings, files, api, problems);
	if (r < 0)
		return r;
	if (policyset_add(files, api->policy, api->count, &merged) < 0) {
		problem_add(problems, "", "out of memory");
		return -ENOMEM;
	}
	r = daemon_check_capacity(settings, merged->of_origin, problems);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(merged);
	return 0;
}

int daemon_check_capacity(const struct settings *settings, const size_t of_origin[ORIGINS],
			  struct problems *problems)
{
	size_t count = 0;

	for (int origin = 0; origin < ORIGINS; origin++)
		count += of_origin[origin];
	if (count <= settings->capacity)
		return 0;
	problem_add(problems, "",
		    "%zu policies (%zu from files, %zu by API) are more than the %u that "
		    "\"policy.capacity\" allows: raise it in the configuration or remove some",
		    count, of_origin[ORIGIN_FILE], of_origin[ORIGIN_API], settings->capacity);
	return -ENOSPC;
}

void daemon_count_changes(const struct policyset *before, const struct policyset *after,
			  struct change_result *ret)
{
	size_t equal = 0;
	size_t shared = count_shared(before, after, &equal);

	ret->unchanged = equal;
	ret->updated = shared - equal;
	ret->created = after->count - shared;
	ret->deleted = before->count - shared;
	ret->changed = ret->created || ret->updated || ret->deleted;
	ret->policy_count = after->count;
}

/* What says the same as before is the same policy, the others get their times. */
static int keep_known(const struct policyset *in_force, struct policyset **files)
{
	CLEANUP(cleanup_free) struct policy **known = calloc((*files)->count + 1, sizeof(*known));
	struct policyset *kept;
	struct timespec now;
	size_t count = 0;

	if (!known)
		return -ENOMEM;
	clock_gettime(CLOCK_REALTIME, &now);
	for (size_t i = 0; i < (*files)->count; i++) {
		struct policy *policy = (*files)->policy[i];
		struct policy *before = policyset_find(in_force, policy->id);

		if (before && before->origin != ORIGIN_FILE)
			before = NULL;
		policy->updated_at = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
		policy->created_at = before ? before->created_at : policy->updated_at;
		if (before && policy_equal(before, policy))
			known[count++] = before;
	}
	if (policyset_add(*files, known, count, &kept) < 0)
		return -ENOMEM;
	policyset_put(files);
	*files = kept;
	return 0;
}

static int refuse_shared_ids(const struct settings *settings, const struct policyset *files,
			     const struct policyset *api, struct problems *problems)
{
	const size_t errors = problems->errors;

	for (size_t i = 0; i < files->count; i++) {
		const char *id = files->policy[i]->id;

		if (policyset_find(api, id))
			problem_add(
				problems, "",
				"policy \"%s\" of the files exists already with the origin api: "
				"choose another id in the file, or \"pepctl delete %s\"",
				id, id);
		if (settings->failsafe && policyset_find(settings->failsafe, id))
			problem_add(problems, "",
				    "policy \"%s\" of the files has the id of a failsafe policy "
				    "(\"policy.failsafe\"): choose another id",
				    id);
	}
	for (size_t i = 0; settings->failsafe && i < api->count; i++) {
		const char *id = api->policy[i]->id;

		if (policyset_find(settings->failsafe, id))
			problem_add(problems, "",
				    "failsafe policy \"%s\" has the id of a policy with the origin "
				    "api: choose another id, or \"pepctl delete %s\"",
				    id, id);
	}
	return problems->errors > errors ? -EINVAL : 0;
}

/* How many ids are in both; both are sorted by id. */
static size_t count_shared(const struct policyset *before, const struct policyset *after,
			   size_t *ret_equal)
{
	size_t shared = 0, equal = 0;

	for (size_t i = 0, j = 0; i < before->count && j < after->count;) {
		const struct policy *a = before->policy[i], *b = after->policy[j];
		int order = strcmp(a->id, b->id);

		i += order <= 0;
		j += order >= 0;
		shared += order == 0;
		equal += order == 0 && (a == b || policy_equal(a, b));
	}
	*ret_equal = equal;
	return shared;
}
