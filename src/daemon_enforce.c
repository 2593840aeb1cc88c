/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon_state.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "address_sets.h"
#include "cleanup.h"
#include "commits.h"
#include "daemon.h"
#include "daemon_fold.h"
#include "datapath.h"
#include "datapath_pending.h"
#include "event_feed.h"
#include "expiry.h"
#include "group.h"
#include "http.h"
#include "interfaces_watch.h"
#include "log.h"
#include "notify.h"
#include "pending.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"
#include "store.h"

/* Of a start: more than this, and the service manager may give up on us. */
#define PREPARE_SECONDS 120
#define SETTLE_AFTER_MS 500

int daemon_enforce(struct daemon *daemon, const struct daemon_next *next, struct problems *problems)
{
	struct datapath_change *change;
	int r;

	r = interfaces_watch_check(daemon->watch, next, problems);
	if (r < 0)
		return r;
	r = daemon_prepare(daemon, next, &change, problems);
	if (r < 0)
		return r;
	r = datapath_promote(daemon->datapath, change);
	if (r >= 0)
		r = interfaces_watch_prepare(daemon->watch, next, problems);
	if (r < 0) {
		interfaces_watch_revert(daemon->watch);
		datapath_abandon(daemon->datapath, &change);
		return r;
	}
	daemon_publish(daemon, next, &change);
	return 0;
}

/* ---- once more */

static int plan_again(struct commit *commit, struct group *group)
{
	(void)commit;
	(void)group;
	return 0;
}

static void finish_again(struct commit *commit, int error)
{
	if (error)
		daemon_log_problems(&commit->problems,
				    "the state in force cannot be computed anew");
	problems_clear(&commit->problems);
	free(commit);
}

void daemon_enforce_again(struct daemon *daemon)
{
	static const struct commit_kind kind = {
		.plan = plan_again,
		.finish = finish_again,
		.while_pending = COMMIT_WAITS,
	};
	struct commit *commit = calloc(1, sizeof(*commit));

	if (!commit) {
		log_error("the state in force cannot be computed anew: out of memory");
		return;
	}
	commit->kind = &kind;
	commit->again = true;
	commits_add(daemon->commits, commit);
}

/* ---- the steps */

void daemon_settle_later(struct daemon *daemon, size_t policies)
{
	const struct timeval delay = { .tv_usec = SETTLE_AFTER_MS * 1000 };

	daemon->unsettled += policies;
	if (daemon->settle && !event_pending(daemon->settle, EV_TIMEOUT, NULL) &&
	    event_add(daemon->settle, &delay) < 0)
		log_warn("no timer could be set: the journal is compacted after the next change");
}

uint32_t daemon_image_flags(const struct settings *settings)
{
	uint32_t flags = 0;

	if (settings->default_block)
		flags |= PEP_IMAGE_DEFAULT_BLOCK;
	if (settings->malformed_pass)
		flags |= PEP_IMAGE_MALFORMED_PASS;
	if (settings->untracked_pass)
		flags |= PEP_IMAGE_UNTRACKED_PASS;
	if (settings->non_ip_drop)
		flags |= PEP_IMAGE_NON_IP_DROP;
	return flags;
}

int daemon_prepare(struct daemon *daemon, const struct daemon_next *next,
		   struct datapath_change **ret, struct problems *problems)
{
	CLEANUP(policyset_put) struct policyset *nothing = policyset_new();
	const size_t errors = problems->errors;
	const struct datapath_state state = {
		.set = next->settings->block_all ? nothing : next->set,
		.failsafe = next->settings->failsafe,
		.sets = next->sets ? next->sets : daemon->sets,
		.flags = daemon_image_flags(next->settings),
		.max_rules = next->settings->max_rules,
		.steps = next->steps,
	};
	int r;

	*ret = NULL;
	if (!nothing)
		return -ENOMEM;
	if (!daemon->status)
		notify_extend(PREPARE_SECONDS);
	r = datapath_prepare(daemon->datapath, &state, ret, problems);
	if (r < 0 && problems->errors == errors)
		problem_add(problems, "", "the policies cannot be enforced: %s", strerror(-r));
	return r;
}

int daemon_store(const struct daemon *daemon, const struct group *group, struct problems *problems)
{
	CLEANUP(group_lists_clear) struct group_lists lists = { 0 };
	struct store *store = daemon->store;
	int r = 0;

	if (store_error(store)) /* a snapshot may heal what an earlier failure left */
		r = store_compact(store, group->base);
	if (r >= 0)
		r = group_list(group, &lists);
	if (r >= 0)
		r = store_append(store, lists.remove, lists.remove_count, lists.put,
				 lists.put_count);
	if (r >= 0)
		return 0;
	problem_add(problems, "", "the change cannot be stored in %s and is not in force: %s",
		    daemon->settings->state_dir, strerror(-r));
	return -EIO;
}

void daemon_unstore(const struct daemon *daemon)
{
	int r = store_take_back(daemon->store);

	if (r < 0)
		log_critical("a change that is not in force cannot be taken back in %s and may be "
			     "in force after a restart: %s",
			     daemon->settings->state_dir, strerror(-r));
}

static void dispose(void *context)
{
	struct datapath_change *change = context;

	datapath_dispose(&change);
}

/* Of what was in force some takes long to be freed. */
static void dispose_later(const struct daemon *daemon, struct datapath_change **change)
{
	commits_free_later(daemon->commits, dispose, TAKE_PTR(*change));
}

/* Slots are about to mean other policies: events that name them must be read first. */
static void read_events(struct daemon *daemon)
{
	if (daemon->events)
		event_feed_drain(daemon->events);
}

static void follow_sets(struct daemon *daemon, struct address_sets *sets)
{
	struct address_sets *before = daemon->sets;

	daemon->sets = address_sets_get(sets);
	address_sets_put(&before);
}

static void follow(struct daemon *daemon, const struct daemon_next *next)
{
	struct policyset *before = daemon->set;

	daemon->set = policyset_get(next->set);
	policyset_put(&before);
	if (next->sets)
		follow_sets(daemon, next->sets);
	if (daemon->http)
		http_note_publish(daemon->http);
	expiry_follow_set(daemon->expiry);
	interfaces_watch_follow(daemon->watch);
	daemon_fold_follow(daemon->fold);
}

void daemon_publish(struct daemon *daemon, const struct daemon_next *next,
		    struct datapath_change **change)
{
	interfaces_watch_publishing(daemon->watch, next);
	read_events(daemon);
	datapath_publish(daemon->datapath, *change);
	dispose_later(daemon, change);
	follow(daemon, next);
}

void daemon_publish_pending(struct daemon *daemon, const struct daemon_next *next,
			    struct datapath_change *change, uint64_t deadline_ns)
{
	read_events(daemon);
	datapath_publish_pending(daemon->datapath, change, deadline_ns);
	follow(daemon, next);
}

void daemon_return(struct daemon *daemon, const struct daemon_next *next,
		   struct datapath_change *change)
{
	read_events(daemon);
	datapath_return(daemon->datapath, change);
	follow(daemon, next);
}
