// SPDX-License-Identifier: Apache-2.0
#include "explain_against.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "change_answer.h"
#include "cleanup.h"
#include "commits.h"
#include "daemon_state.h"
#include "group.h"
#include "http_change.h"
#include "http_json.h"
#include "http_request.h"
#include "json_cleanup.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"

struct against {
	struct commit commit;
	struct http_request *request;
	struct json_object *policies;
	struct explain_questions questions;
	const struct group *group; /* once it is planned */
	struct json_object *answers; /* NULL: not asked yet */
};

static int plan(struct commit *commit, struct group *group);
static int prepare(struct commit *commit, struct datapath_change **ret);
static void finish(struct commit *commit, int error);

static void against_free(struct against **against)
{
	struct against *freed = TAKE_PTR(*against);

	if (!freed)
		return;
	json_object_put(freed->policies);
	json_object_put(freed->answers);
	explain_questions_clear(&freed->questions);
	problems_clear(&freed->commit.problems);
	http_release(&freed->request);
	free(freed);
}

void explain_against(struct http_request *request, struct json_object *policies,
		     struct explain_questions *questions)
{
	static const struct commit_kind kind = {
		.plan = plan,
		.prepare = prepare,
		.finish = finish,
	};
	CLEANUP(against_free) struct against *against = calloc(1, sizeof(*against));
	struct commits *commits = request->daemon->commits;

	if (!against) {
		json_object_put(policies);
		explain_questions_clear(questions);
		http_refuse(request, 503, "out of memory");
		return;
	}
	against->policies = policies;
	against->questions = *questions;
	*questions = (struct explain_questions){ 0 };
	against->request = http_keep(request);
	if (!against->request)
		return;
	against->commit.kind = &kind;
	against->commit.dry_run = true;
	commits_add(commits, &TAKE_PTR(against)->commit);
}

struct json_object *explain_answer(struct json_object *answers)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();

	if (json)
		return json_add(json, "packets", answers) ? NULL : TAKE_PTR(json);
	json_object_put(answers);
	return NULL;
}

/* ---- in the thread */

/* As a file of the administrator or a body of the API may say them: what ends differs. */
static int parse(const struct against *against, const struct group *group, struct policy_list *ret,
		 struct problems *problems)
{
	CLEANUP(problems_clear) struct problems of_file = { 0 };
	struct policy_source source = http_change_source(group);
	size_t first = problems->count;
	int error = policy_parse_list(against->policies, &source, ret, problems);

	problems_prefix(problems, first, "/policies");
	if (error != -EINVAL)
		return error;
	source.file = true;
	if (policy_parse_list(against->policies, &source, ret, &of_file))
		return error;
	problems_clear(problems);
	return 0;
}

static int plan(struct commit *commit, struct group *group)
{
	struct against *against = (struct against *)commit;
	CLEANUP(policy_list_clear) struct policy_list list = { 0 };
	CLEANUP(policyset_put)
	struct policyset *none = policyset_new(), *set = NULL, *merged = NULL;
	int error = none ? parse(against, group, &list, &commit->problems) : -ENOMEM;

	if (!error)
		error = policyset_add(none, list.policy, list.count, &set);
	if (!error)
		error = daemon_merge(group->settings, set, none, &merged, &commit->problems);
	if (error)
		return error;
	against->group = group;
	group_replace(group, merged);
	commit->result.changed = true;
	return 0;
}

static int prepare(struct commit *commit, struct datapath_change **ret)
{
	struct against *against = (struct against *)commit;
	const struct group *group = against->group;
	const struct daemon_next next = {
		.settings = group->settings,
		.set = group->set,
		.sets = group->sets,
	};
	int error = daemon_prepare(commit->daemon, &next, ret, &commit->problems);
	struct explain_state state = {
		.datapath = commit->daemon->datapath,
		.change = *ret,
		.egress = group->settings->egress || group->set->egress,
	};

	return error ? error : explain(&state, &against->questions, &against->answers);
}

/* ---- in the loop */

static void finish(struct commit *commit, int error)
{
	CLEANUP(against_free) struct against *against = (struct against *)commit;

	if (!http_resume(against->request))
		return;
	if (error)
		change_refused(against->request, error, &commit->problems);
	else
		http_answer(against->request, 200, explain_answer(TAKE_PTR(against->answers)));
}
