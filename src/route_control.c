/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /reset and POST /reload.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "change_answer.h"
#include "cleanup.h"
#include "commits.h"
#include "credentials.h"
#include "daemon.h"
#include "datapath_counters.h"
#include "http.h"
#include "http_json.h"
#include "http_request.h"
#include "json_cleanup.h"
#include "log.h"
#include "problem.h"
#include "settings.h"

/* ---- reset takes its turn among the changes, which give slots away */

struct reset {
	struct commit commit;
	struct http_request *request;
};

static int plan_nothing(struct commit *commit, struct group *group)
{
	(void)commit;
	(void)group;
	return 0;
}

static int reset_counters(struct commit *commit)
{
	return datapath_reset(commit->daemon->datapath);
}

static void answer_reset(struct http_request *request, int error)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();

	if (error)
		http_refuse(request, 503, "the counters are as they were: %s", strerror(-error));
	else
		http_answer(request, 200,
			    json && !json_add_text(json, "status", "success") ? TAKE_PTR(json)
									      : NULL);
}

static void finish_reset(struct commit *commit, int error)
{
	struct reset *reset = (struct reset *)commit;

	if (!error)
		log_info("all counters are zero from here on");
	if (http_resume(reset->request))
		answer_reset(reset->request, error);
	problems_clear(&commit->problems);
	http_release(&reset->request);
	free(reset);
}

void route_reset(struct http_request *request)
{
	static const struct commit_kind kind = {
		.plan = plan_nothing,
		.switch_over = reset_counters,
		.finish = finish_reset,
		.while_pending = COMMIT_GOES,
	};
	CLEANUP(cleanup_free) struct reset *reset = calloc(1, sizeof(*reset));
	struct commits *commits = request->daemon->commits;

	if (!reset) {
		http_refuse(request, 503, "out of memory");
		return;
	}
	reset->request = http_keep(request);
	if (!reset->request)
		return;
	reset->commit.kind = &kind;
	reset->commit.alone = true;
	commits_add(commits, &TAKE_PTR(reset)->commit);
}

/* ---- reload */

static void answer_reload(void *context, int error, const struct change_result *result,
			  const struct problems *problems)
{
	struct http_request *request = context;
	struct change_answer answer = { .result = result, .problems = problems };

	if (!error)
		change_log(request, &answer);
	if (!http_resume(request)) {
		http_release(&request);
		return;
	}
	if (error)
		change_refused(request, error, problems);
	else
		http_answer(request, 200, change_json(&answer));
	http_release(&request);
}

/* A token that is revoked must not wait for policies to be in order. */
static void reload_credentials(struct http_request *request)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	struct daemon *daemon = request->daemon;
	const char *file = daemon->settings->tokens_file;
	int error = credentials_load(daemon->settings, &daemon->credentials, &problems);

	if (error) {
		change_refused(request, error == -ENOMEM ? error : -EINVAL, &problems);
		return;
	}
	(void)http_reconfigure(daemon->http); /* listeners that do not come up are tried again */
	log_info("%zu tokens are known from %s", daemon->credentials->tokens.count, file);
	json = json_object_new_object();
	if (json && !json_add_text(json, "status", "success") &&
	    !json_add_text(json, "tokens_file", file) &&
	    !json_add_number(json, "token_count", daemon->credentials->tokens.count))
		http_answer(request, 200, TAKE_PTR(json));
	else
		http_answer(request, 200, NULL);
}

void route_reload(struct http_request *request)
{
	const char *only = http_parameter(request, "only", 0);
	struct http_request *kept;
	bool forced;

	if (only && strcmp(only, "credentials") != 0) {
		http_refuse(request, 400, "only is credentials, not '%.100s'", only);
		return;
	}
	if (http_flag(request, "force", &forced))
		return;
	if (only) {
		reload_credentials(request);
		return;
	}
	kept = http_keep(request);
	if (kept)
		daemon_reload(kept->daemon, forced, answer_reload, kept);
}
