/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "address_sets.h"
#include "attach.h"
#include "cleanup.h"
#include "daemon.h"
#include "daemon_guess.h"
#include "daemon_sets.h"
#include "daemon_state.h"
#include "datapath.h"
#include "event_feed.h"
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
	struct daemon *daemon;
	struct daemon_files files;
	struct policyset *set; /* of both origins */
	struct address_sets *sets;
	struct settings *before; /* while the new ones are in daemon->settings */
};

static int reload(struct daemon *daemon, struct change_result *ret, struct problems *problems);
static int read_all(struct reload *reload, struct problems *problems);
static bool changes_datapath(const struct reload *reload, const struct change_result *result);
static int switch_settings(void *context, struct problems *problems);
static void blame_listener(const struct http *http, struct problems *problems);
static void switch_back(struct reload *reload);
static void keep_restart_keys(struct settings *in_force, struct settings *wanted);
static void exchange(void *a, void *b, size_t size);
static void finish(struct reload *reload);
static void warn_of_interfaces(const struct daemon *daemon, struct problems *problems);
static void reload_clear(struct reload *reload);

int daemon_reload(struct daemon *daemon, struct change_result *ret, struct problems *problems)
{
	struct timespec now;
	char status[512];
	int r;

	notify_reloading();
	notify_extend(RELOAD_SECONDS);
	r = reload(daemon, ret, problems);
	daemon_log_problems(problems, "reload");
	if (r < 0)
		log_error("reload failed, everything stays as it was");
	else
		log_info(
			"reloaded: %zu policies, %zu new, %zu changed, %zu removed, generation %llu",
			ret->policy_count, ret->created, ret->updated, ret->deleted,
			(unsigned long long)ret->generation);
	if (r >= 0) {
		clock_gettime(CLOCK_REALTIME, &now);
		daemon->last_reload_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	}
	daemon->last_reload_ok = r >= 0;
	heap_trim();
	daemon_status(daemon, status, sizeof(status));
	notify_ready(status);
	return r;
}

static int reload(struct daemon *daemon, struct change_result *ret, struct problems *problems)
{
	CLEANUP(reload_clear) struct reload reload = { .daemon = daemon };
	struct daemon_next next = { .last_step = switch_settings, .context = &reload };
	struct change_result result = { 0 };
	struct datapath_figures figures;
	int r;

	r = read_all(&reload, problems);
	if (r < 0)
		return r;
	daemon_count_changes(daemon->set, reload.set, &result);
	result.others = reload.set->of_origin[ORIGIN_API];

	next.settings = reload.files.settings;
	next.set = reload.set;
	next.sets = reload.sets;
	result.changed |= daemon_sets_differ(daemon->sets, reload.sets);
	if (changes_datapath(&reload, &result))
		r = daemon_enforce(daemon, &next, problems);
	else
		r = switch_settings(&reload, problems);
	if (r < 0)
		return r;
	finish(&reload);
	warn_of_interfaces(daemon, problems);

	datapath_figures(daemon->datapath, &figures);
	result.generation = figures.generation;
	*ret = result;
	return 0;
}

static int read_all(struct reload *reload, struct problems *problems)
{
	CLEANUP(policyset_put) struct policyset *api = NULL;
	CLEANUP(address_sets_put) struct address_sets *api_sets = NULL;
	struct daemon *daemon = reload->daemon;
	int r;

	r = daemon_files_read(daemon, &reload->files, problems);
	if (r < 0)
		return r == -ENOMEM ? r : -EINVAL;
	r = settings_note_restarts(daemon->settings, reload->files.settings, problems);
	if (r >= 0)
		r = policyset_without(daemon->set, ORIGIN_FILE, &api);
	if (r >= 0)
		r = daemon_merge(reload->files.settings, reload->files.policies, api, &reload->set,
				 problems);
	if (r >= 0 && daemon->sets)
		r = address_sets_of(daemon->sets, ORIGIN_API, &api_sets);
	if (r >= 0)
		r = daemon_merge_sets(reload->files.sets, api_sets, reload->set, &reload->sets,
				      problems);
	return r;
}

/* Whether anything of it is in what the kernel has; else the generation stays. */
static bool changes_datapath(const struct reload *reload, const struct change_result *result)
{
	const struct daemon *daemon = reload->daemon;
	const struct settings *before = daemon->settings, *after = reload->files.settings;
	struct change_result failsafe = { 0 };

	daemon_count_changes(before->failsafe, after->failsafe, &failsafe);
	return result->changed || failsafe.changed || before->max_rules != after->max_rules ||
	       before->block_all != after->block_all ||
	       daemon_image_flags(before) != daemon_image_flags(after);
}

/* The last step: log and listeners. Afterwards daemon->settings are the new ones. */
static int switch_settings(void *context, struct problems *problems)
{
	struct reload *reload = context;
	struct daemon *daemon = reload->daemon;
	int r;

	r = log_configure(reload->files.settings);
	if (r < 0) {
		problem_add(problems, "/log/file", "the log cannot be opened: %s", strerror(-r));
		return r;
	}
	reload->before = daemon->settings;
	daemon->settings = TAKE_PTR(reload->files.settings);
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
	struct daemon *daemon = reload->daemon;

	reload->files.settings = daemon->settings;
	daemon->settings = TAKE_PTR(reload->before);
	http_reconfigure(daemon->http);
	if (log_configure(daemon->settings) < 0)
		log_warn("the log as configured before cannot be opened any more");
}

/* Everything is in force. What was refused by interfaces gets another chance. */
static void finish(struct reload *reload)
{
	struct daemon *daemon = reload->daemon;

	daemon_set_degraded(daemon, NULL);
	daemon_keep_last_good(daemon, daemon->settings);
	keep_restart_keys(reload->before, daemon->settings);
	interfaces_watch_retry(daemon->watch);
	interfaces_watch_follow(daemon->watch);
	if (daemon->events)
		event_feed_follow_settings(daemon->events);
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

static void reload_clear(struct reload *reload)
{
	daemon_files_clear(&reload->files);
	policyset_put(&reload->set);
	address_sets_put(&reload->sets);
	settings_free(&reload->before);
}
