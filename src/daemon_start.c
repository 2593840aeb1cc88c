/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon_start.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "address_sets.h"
#include "cleanup.h"
#include "daemon.h"
#include "daemon_guess.h"
#include "daemon_sets.h"
#include "daemon_state.h"
#include "log.h"
#include "notify.h"
#include "policy_sets.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"
#include "store.h"

#define READ_SECONDS 60

/* One way out: 0, or -errno when it leads nowhere. */
typedef int (*way_out)(struct daemon *daemon, struct daemon_start *start);

static int read_state(struct daemon *daemon, struct daemon_start *start);
static int read_files(struct daemon *daemon, struct daemon_start *start, struct daemon_files *files,
		      struct problems *problems);
static int merge(const struct settings *settings, const struct daemon_files *files,
		 struct daemon_start *start, struct problems *problems);
static int open_store(struct daemon *daemon, struct daemon_start *start);
static int take_last_good(struct daemon *daemon, struct daemon_start *start);
static int take_open(struct daemon *daemon, struct daemon_start *start);
static int take_block(struct daemon *daemon, struct daemon_start *start);
static int load_last_good(const struct daemon *daemon, struct daemon_files *ret);
static const struct problem *first_error(const struct problems *problems);

/* What is tried in turn, by "policy.on_bad_start". */
static const struct {
	way_out way;
	const char *what;
} ladder[][2] = {
	[BAD_START_LAST_GOOD] = {
		{ take_last_good, "the last good configuration and policies are enforced" },
		{ take_open, "only the policies of the API are enforced, default ALLOW" },
	},
	[BAD_START_OPEN] = {
		{ take_open, "only the policies of the API are enforced, default ALLOW" },
	},
	[BAD_START_BLOCK_BUT_FAILSAFE] = {
		{ take_block, "everything but failsafe traffic is blocked" },
	},
};

int daemon_start_read(struct daemon *daemon, struct daemon_start *ret)
{
	CLEANUP(daemon_start_clear) struct daemon_start start = { 0 };
	int status;

	notify_extend(READ_SECONDS);
	status = read_state(daemon, &start);
	if (status)
		return status;
	*ret = start;
	start = (struct daemon_start){ 0 };
	return 0;
}

int daemon_start_fall_back(struct daemon *daemon, struct daemon_start *start,
			   const struct problems *problems)
{
	const enum bad_start choice = daemon->settings->on_bad_start;
	const struct problem *error = first_error(problems);

	while (start->rung < ARRAY_SIZE(ladder[choice]) && ladder[choice][start->rung].way) {
		const unsigned int rung = start->rung++;

		policyset_put(&start->set);
		address_sets_put(&start->sets);
		if (ladder[choice][rung].way(daemon, start) < 0)
			continue;
		/* A ladder is gone down as it was chosen, whatever the older settings say. */
		daemon->settings->on_bad_start = choice;
		daemon_set_degraded(daemon, "%s, because of %zu error%s at the start: %s%s%s",
				    ladder[choice][rung].what, problems->errors,
				    problems->errors == 1 ? "" : "s", error ? error->pointer : "",
				    error && *error->pointer ? ": " : "",
				    error ? error->detail : "out of memory");
		log_critical("DEGRADED: %s", daemon->degraded ? daemon->degraded : "");
		return 0;
	}
	daemon_give_up(
		"not started: %s%s%s (\"pepctl --config %s --check\" lists all errors); what "
		"was in force stays so",
		error ? error->pointer : "", error && *error->pointer ? ": " : "",
		error ? error->detail : "out of memory", daemon->config_path);
	return EX_CONFIG;
}

void daemon_start_clear(struct daemon_start *start)
{
	policyset_put(&start->api);
	policyset_put(&start->set);
	address_sets_put(&start->api_sets);
	address_sets_put(&start->sets);
}

static int read_state(struct daemon *daemon, struct daemon_start *start)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(daemon_files_clear) struct daemon_files files = { 0 };
	int status, r;

	r = read_files(daemon, start, &files, &problems);
	if (r == -ENOMEM)
		return EX_OSERR;
	status = open_store(daemon, start);
	if (status)
		return status;
	if (r >= 0) {
		const size_t first = problems.count;

		r = merge(daemon->settings, &files, start, &problems);
		for (size_t i = first; i < problems.count; i++)
			log_error("%s", problems.list[i].detail);
	}
	if (r == -ENOMEM)
		return EX_OSERR;
	return r < 0 ? daemon_start_fall_back(daemon, start, &problems) : 0;
}

/* What the files say and what came by API. */
static int merge(const struct settings *settings, const struct daemon_files *files,
		 struct daemon_start *start, struct problems *problems)
{
	int r = daemon_merge(settings, files->policies, start->api, &start->set, problems);

	if (r >= 0)
		r = daemon_merge_sets(files->sets, start->api_sets, start->set, &start->sets,
				      problems);
	if (r < 0)
		policyset_put(&start->set);
	return r;
}

/* Afterwards there are settings and a log, whatever the files are like. */
static int read_files(struct daemon *daemon, struct daemon_start *start, struct daemon_files *files,
		      struct problems *problems)
{
	int error, r;
	bool sure;

	r = daemon_files_read(daemon, files, problems);
	daemon->settings = TAKE_PTR(files->settings);
	if (!daemon->settings) {
		start->no_config = true;
		if (daemon_guess_settings(daemon, &daemon->settings, &sure) < 0)
			return -ENOMEM;
		start->no_state = !sure || access(daemon->settings->state_dir, F_OK) < 0;
	}
	error = log_configure(daemon->settings);
	if (error < 0)
		log_warn("the log cannot be written to %s: %s", daemon->settings->log_file,
			 strerror(-error));
	daemon_log_problems(problems, "start");
	return r;
}

static int open_store(struct daemon *daemon, struct daemon_start *start)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	const char *directory = daemon->settings->state_dir;
	int r;

	/* Nothing to fall back to; and a guess must not leave directories behind. */
	if (start->no_state) {
		daemon_give_up("not started: correct the configuration first (\"pepctl --config %s "
			       "--check\" lists all errors); what was in force stays so",
			       daemon->config_path);
		return EX_CONFIG;
	}
	r = store_open(directory, &daemon->store, &start->api, &problems);
	if (r >= 0)
		r = store_load_sets(daemon->store, &start->api_sets, &problems);
	daemon_log_problems(&problems, "state directory");
	if (r == -EBUSY) {
		daemon_give_up("not started: another pepctl uses %s", directory);
		return EX_TEMPFAIL;
	}
	if (r == -EPROTO) {
		daemon_give_up("not started: %s is of a newer pepctl, and stays as it is: install "
			       "that version again or move the directory away",
			       directory);
		return EX_CONFIG;
	}
	if (r < 0) {
		daemon_give_up("not started: the state directory %s cannot be used: %s", directory,
			       strerror(-r));
		return EX_OSERR;
	}
	/* That it cannot be written to is told as long as it is so. */
	if (problems.errors > (store_error(daemon->store) != 0))
		daemon_set_degraded(daemon, "policies that came by API may be missing: %s",
				    first_error(&problems)->detail);
	return 0;
}

static int take_last_good(struct daemon *daemon, struct daemon_start *start)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(daemon_files_clear) struct daemon_files files = { 0 };
	int r;

	r = load_last_good(daemon, &files);
	if (r < 0)
		return r;
	r = merge(files.settings, &files, start, &problems);
	daemon_log_problems(&problems, "last good configuration");
	if (r < 0)
		return r;
	settings_free(&daemon->settings);
	daemon->settings = TAKE_PTR(files.settings);
	start->no_config = false;
	return 0;
}

/* Without a configuration there is neither an interface nor a listener to start with. */
static int take_open(struct daemon *daemon, struct daemon_start *start)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(policyset_put) struct policyset *none = policyset_new();
	int r;

	if (start->no_config)
		return -ENOENT;
	if (!none)
		return -ENOMEM;
	daemon->settings->default_block = false;
	r = daemon_merge(daemon->settings, none, start->api, &start->set, &problems);
	/* That a set of a file is missing must not keep the others from being enforced. */
	if (r >= 0)
		r = policies_make_unknown_sets(start->set, start->api_sets, &start->sets);
	daemon_log_problems(&problems, "policies of the API");
	return r;
}

static int take_block(struct daemon *daemon, struct daemon_start *start)
{
	CLEANUP(daemon_files_clear) struct daemon_files files = { 0 };
	int r;

	if (start->no_config) {
		r = load_last_good(daemon, &files);
		if (r < 0)
			return r;
		settings_free(&daemon->settings);
		daemon->settings = TAKE_PTR(files.settings);
		start->no_config = false;
	}
	daemon->settings->default_block = true;
	daemon->settings->block_all = true;
	/* The API's policies stay what they are; they are not enforced meanwhile. */
	start->set = start->api ? policyset_get(start->api) : policyset_new();
	start->sets = start->api_sets ? address_sets_get(start->api_sets) : address_sets_new();
	return start->set && start->sets ? 0 : -ENOMEM;
}

static int load_last_good(const struct daemon *daemon, struct daemon_files *ret)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	int r;

	r = daemon_last_good(daemon, ret, &problems);
	if (r == -ENOENT)
		log_error("%s holds no last good configuration", daemon->settings->state_dir);
	else if (r < 0)
		log_error("the last good configuration in %s cannot be used: %s",
			  daemon->settings->state_dir, strerror(-r));
	daemon_log_problems(&problems, "last good configuration");
	return r;
}

static const struct problem *first_error(const struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		if (!problems->list[i].warning)
			return &problems->list[i];
	}
	return NULL;
}
