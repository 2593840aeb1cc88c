/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "address_sets.h"
#include "attach.h"
#include "audit.h"
#include "cleanup.h"
#include "commits.h"
#include "credentials.h"
#include "daemon.h"
#include "daemon_guess.h"
#include "daemon_sets.h"
#include "daemon_state.h"
#include "event_feed.h"
#include "group.h"
#include "guard.h"
#include "heap.h"
#include "http.h"
#include "http_listener.h"
#include "interfaces_watch.h"
#include "log.h"
#include "notify.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"
#include "settings_key.h"

#define RELOAD_SECONDS 120

/* What a reload is about to put in force. */
struct reload {
	struct commit commit;
	daemon_reloaded done;
	void *context;
	struct daemon_files files;
	struct policyset *set; /* of both origins */
	struct address_sets *sets;
	struct credentials *credentials; /* those before, once these are in force */
	struct settings *before; /* once the new ones are in daemon->settings */

	/* What is told, once it is in force and kept. */
	struct json_object *config; /* as written */
	struct change_result result;
	struct problems problems;
	struct audit_diff diff;
};

static int plan(struct commit *commit, struct group *group);
static int read_all(struct reload *reload, struct group *group);
static bool changes_datapath(const struct reload *reload, const struct group *group);
static int switch_settings(struct commit *commit);
static void blame_listener(const struct http *http, struct problems *problems);
static void switch_back(struct reload *reload);
static void keep_restart_keys(struct settings *in_force, struct settings *wanted);
static void exchange(void *a, void *b, size_t size);
static void finish(struct commit *commit, int error);
static void warn_of_interfaces(const struct daemon *daemon, struct problems *problems);

static void reload_free(struct reload **reload)
{
	daemon_files_clear(&(*reload)->files);
	policyset_put(&(*reload)->set);
	address_sets_put(&(*reload)->sets);
	settings_free(&(*reload)->before);
	credentials_free(&(*reload)->credentials);
	json_object_put((*reload)->config);
	problems_clear(&(*reload)->problems);
	problems_clear(&(*reload)->commit.problems);
	audit_diff_clear(&(*reload)->diff);
	free(*reload);
}

void daemon_reload(struct daemon *daemon, bool forced, daemon_reloaded done, void *context)
{
	static const struct commit_kind kind = {
		.plan = plan,
		.switch_over = switch_settings,
		.finish = finish,
	};
	struct reload *reload = calloc(1, sizeof(*reload));

	if (!reload) {
		const struct problems none = { 0 };
		const struct change_result nothing = { 0 };

		log_error("no reload: out of memory");
		if (done)
			done(context, -ENOMEM, &nothing, &none);
		return;
	}
	notify_reloading();
	notify_extend(RELOAD_SECONDS);
	reload->commit.kind = &kind;
	reload->commit.alone = true;
	reload->commit.guarded = true;
	reload->commit.forced = forced;
	reload->done = done;
	reload->context = context;
	commits_add(daemon->commits, &reload->commit);
}

/* ---- in the thread */

/* What the kernel has as it is to be needs no new generation: settings alone are switched. */
static int plan(struct commit *commit, struct group *group)
{
	struct reload *reload = (struct reload *)commit;
	int r = read_all(reload, group);

	if (r < 0)
		return r;
	daemon_count_changes(group->base, reload->set, &commit->result);
	audit_diff_clear(&reload->diff);
	audit_diff_sets(&reload->diff, group->base, reload->set);
	commit->result.others = reload->set->of_origin[ORIGIN_API];
	commit->result.changed |= daemon_sets_differ(group->sets, reload->sets);
	commit->again = changes_datapath(reload, group);
	group->settings = reload->files.settings;
	group_replace(group, reload->set);
	group_replace_sets(group, reload->sets);
	return 0;
}

/* Who makes it so should know that answers are dropped, too. */
static int refuse_stateless(struct reload *reload, const struct settings *before)
{
	if (before->default_block || !reload->files.settings->default_block ||
	    reload->commit.forced)
		return 0;
	problem_add(&reload->commit.problems, "/policy/default_action",
		    GUARD_STATELESS ": insist with force=true (pepctl reload --force) when "
				    "policies allow all that must go on, answers included");
	return -EHOSTUNREACH;
}

static int read_all(struct reload *reload, struct group *group)
{
	CLEANUP(policyset_put) struct policyset *api = NULL;
	CLEANUP(address_sets_put) struct address_sets *api_sets = NULL;
	struct problems *problems = &reload->commit.problems;
	const struct daemon *daemon = reload->commit.daemon;
	int r;

	r = daemon_files_read(daemon, &reload->files, problems);
	if (r < 0)
		return r == -ENOMEM ? r : -EINVAL;
	r = credentials_load(reload->files.settings, &reload->credentials, problems);
	if (r < 0)
		return r == -ENOMEM ? r : -EINVAL;
	r = refuse_stateless(reload, group->settings);
	if (r < 0)
		return r;
	r = settings_note_restarts(group->settings, reload->files.settings, problems);
	if (r >= 0)
		r = policyset_without(group->base, ORIGIN_FILE, &api);
	if (r >= 0)
		r = daemon_merge(reload->files.settings, reload->files.policies, api, &reload->set,
				 problems);
	if (r >= 0 && group->sets)
		r = address_sets_of(group->sets, ORIGIN_API, &api_sets);
	if (r >= 0)
		r = daemon_merge_sets(reload->files.sets, api_sets, reload->set, &reload->sets,
				      problems);
	return r;
}

/* Whether anything of it is in what the kernel has; else the generation stays. */
static bool changes_datapath(const struct reload *reload, const struct group *group)
{
	const struct settings *before = group->settings, *after = reload->files.settings;
	struct change_result failsafe = { 0 };

	daemon_count_changes(before->failsafe, after->failsafe, &failsafe);
	return reload->commit.result.changed || failsafe.changed ||
	       before->max_rules != after->max_rules || before->block_all != after->block_all ||
	       daemon_image_flags(before) != daemon_image_flags(after);
}

/* ---- in the loop */

/* Anew: some may have been revoked since read_all(), which has said all there is to say. */
static int read_credentials(struct reload *reload)
{
	CLEANUP(problems_clear) struct problems again = { 0 };
	int r;

	credentials_free(&reload->credentials);
	r = credentials_load(reload->files.settings, &reload->credentials, &again);
	if (r >= 0)
		return 0;
	problems_clear(&reload->commit.problems);
	problems_move(&again, &reload->commit.problems);
	return r == -ENOMEM ? r : -EINVAL;
}

/* The last step: log and listeners. Afterwards daemon->settings are the new ones. */
static int switch_settings(struct commit *commit)
{
	struct reload *reload = (struct reload *)commit;
	struct problems *problems = &commit->problems;
	struct daemon *daemon = commit->daemon;
	int r;

	r = read_credentials(reload);
	if (r < 0)
		return r;
	r = log_configure(reload->files.settings);
	if (r < 0) {
		problem_add(problems, "/log/file", "the log cannot be opened: %s", strerror(-r));
		return r;
	}
	reload->before = daemon->settings;
	daemon->settings = TAKE_PTR(reload->files.settings);
	exchange(&daemon->credentials, &reload->credentials, sizeof(daemon->credentials));
	r = daemon->http ? http_reconfigure(daemon->http) : 0;
	if (r < 0) {
		blame_listener(daemon->http, problems);
		switch_back(reload);
	}
	return r;
}

/* Only a Unix socket's failure is one. */
static void blame_listener(const struct http *http, struct problems *problems)
{
	const struct http_listener_state *list;
	const char *at = "the listeners";
	int error = ENOMEM;
	size_t count;

	list = http_listeners(http, &count);
	for (size_t i = 0; i < count; i++) {
		if (list[i].up || !http_listener_is_local(list[i].address))
			continue;
		at = list[i].address;
		error = list[i].error;
	}
	problem_add(problems, "/server/listen", "cannot listen on %s: %s", at, strerror(error));
}

static void switch_back(struct reload *reload)
{
	struct daemon *daemon = reload->commit.daemon;

	reload->files.settings = daemon->settings;
	daemon->settings = TAKE_PTR(reload->before);
	exchange(&daemon->credentials, &reload->credentials, sizeof(daemon->credentials));
	http_reconfigure(daemon->http);
	if (log_configure(daemon->settings) < 0)
		log_warn("the log as configured before cannot be opened any more");
}

/* Everything is in force. What was refused by interfaces gets another chance. */
static void follow_settings(struct reload *reload)
{
	struct daemon *daemon = reload->commit.daemon;

	daemon_set_degraded(daemon, NULL);
	reload->config = settings_to_json(daemon->settings);
	keep_restart_keys(reload->before, daemon->settings);
	interfaces_watch_retry(daemon->watch);
	interfaces_watch_follow(daemon->watch);
	if (daemon->events)
		event_feed_follow_settings(daemon->events);
	warn_of_interfaces(daemon, &reload->commit.problems);
}

static void report(struct reload *reload, int error)
{
	struct daemon *daemon = reload->commit.daemon;
	const struct change_result *result = &reload->result;
	struct timespec now;
	char status[512];

	daemon_log_problems(&reload->problems, "reload");
	if (error) {
		log_error("reload failed, everything stays as it was");
	} else {
		log_info(
			"reloaded: %zu policies, %zu new, %zu changed, %zu removed, generation %llu",
			result->policy_count, result->created, result->updated, result->deleted,
			(unsigned long long)result->generation);
		clock_gettime(CLOCK_REALTIME, &now);
		daemon->last_reload_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	}
	daemon->last_reload_ok = !error;
	heap_trim();
	daemon_status(daemon, status, sizeof(status));
	notify_ready(status);
	if (reload->done)
		reload->done(reload->context, error, result, &reload->problems);
	reload_free(&reload);
}

/* What is in force now is kept as the last good state, by the thread. */
static int keep(struct commit *commit, struct group *group)
{
	const struct reload *reload = (const struct reload *)commit;

	daemon_keep_last_good(commit->daemon, reload->config, group->base, group->sets);
	return 0;
}

static void finish_kept(struct commit *commit, int error)
{
	struct daemon *daemon = commit->daemon;

	if (error) { /* it is in force all the same, and a change that may go back is pending */
		daemon->unkept = true;
		daemon_settle_later(daemon, 0);
	}
	report((struct reload *)commit, 0);
}

static void finish(struct commit *commit, int error)
{
	static const struct commit_kind kind = {
		.plan = keep,
		.finish = finish_kept,
	};
	struct reload *reload = (struct reload *)commit;

	if (!error)
		follow_settings(reload);
	reload->result = commit->result;
	reload->result.diff = &reload->diff;
	problems_move(&commit->problems, &reload->problems);
	if (error) {
		report(reload, error);
		return;
	}
	commit->kind = &kind;
	commit->again = false;
	commits_add(commit->daemon->commits, commit);
}

/* Whoever asked for the reload should not have to look for what it did not bring. */
static void warn_of_interfaces(const struct daemon *daemon, struct problems *problems)
{
	const struct attachment *const *list;
	size_t count = 0;

	list = daemon->attachments ? attachments_list(daemon->attachments, &count) : NULL;
	for (size_t i = 0; i < count; i++) {
		if (!list[i]->mode)
			problem_warn(problems, "/network/interfaces", "%s is not attached to: %s",
				     list[i]->name,
				     list[i]->refused ? list[i]->refused : "every attempt failed");
	}
}

/* What only a restart changes stays what it was, in the settings too. */
static void keep_restart_keys(struct settings *in_force, struct settings *wanted)
{
	for (size_t i = 0; i < setting_key_count; i++) {
		const struct setting_key *key = &setting_keys[i];

		if (key->restart && key->size)
			exchange((char *)in_force + key->offset, (char *)wanted + key->offset,
				 key->size);
	}
}

static void exchange(void *a, void *b, size_t size)
{
	unsigned char *x = a, *y = b;

	for (size_t i = 0; i < size; i++) {
		unsigned char byte = x[i];

		x[i] = y[i];
		y[i] = byte;
	}
}
