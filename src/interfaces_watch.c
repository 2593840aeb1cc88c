/* SPDX-License-Identifier: Apache-2.0 */
#include "interfaces_watch.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "attach.h"
#include "cleanup.h"
#include "daemon.h"
#include "daemon_state.h"
#include "datapath.h"
#include "http.h"
#include "interfaces_choice.h"
#include "log.h"
#include "pending.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"
#include "vlan_policies.h"
#include "watched.h"

#define VERIFY_SECONDS 2

struct interfaces_watch {
	struct daemon *daemon;
	struct event *readable;
	struct event *verify;
	uint64_t read_ns; /* CLOCK_MONOTONIC, when messages began to be read; 0: none are */
	struct attach_wanted in_force; /* of settings and set in force, but for VLANs */
	struct watched_list list;
};

/* What is wanted of all interfaces, but that of VLANs is asked for one by one: by the
 * policies that hold on it. */
struct step {
	struct attach_wanted wanted;
	const struct policyset *set, *next; /* NULL: one alone */
};

/* The picture of one moment. */
struct picture {
	struct choice *choice;
	size_t count, room;
	bool incomplete; /* out of memory */
};

static void on_readable(evutil_socket_t fd, short what, void *context);
static void on_verify(evutil_socket_t fd, short what, void *context);
static void clear_stale(void *context, enum link_event event, const struct link *link);
static void on_link(void *context, enum link_event event, const struct link *link);
static int check_one(const struct interfaces_watch *watch, const struct link *link,
		     const struct daemon_next *next, struct problems *problems);
static void take_picture(const struct interfaces_watch *watch, struct picture *ret);
static void forget_unwanted(struct interfaces_watch *watch, const struct picture *picture);
static void follow_one(struct interfaces_watch *watch, const struct choice *choice);
static struct attach_wanted wanted_of(const struct settings *settings, const struct policyset *set);
static struct attach_wanted wanted_on(const struct step *step, const char *interface);
static int apply(struct interfaces_watch *watch, const struct step *step,
		 struct problems *problems);

int interfaces_watch_open(struct daemon *daemon, struct interfaces_watch **ret)
{
	CLEANUP(interfaces_watch_close) struct interfaces_watch *watch = calloc(1, sizeof(*watch));
	const struct timeval interval = { .tv_sec = VERIFY_SECONDS };
	int r;

	if (!watch)
		return -ENOMEM;
	watch->daemon = daemon;
	watch->list.attachments = daemon->attachments;
	watch->in_force = wanted_of(daemon->settings, daemon->set);

	r = links_open(on_link, watch, &daemon->links);
	if (r < 0)
		return r;
	watch->readable = event_new(daemon->base, links_fd(daemon->links), EV_READ | EV_PERSIST,
				    on_readable, watch);
	watch->verify = event_new(daemon->base, -1, EV_PERSIST, on_verify, watch);
	if (!watch->readable || event_add(watch->readable, NULL) < 0 || !watch->verify ||
	    event_add(watch->verify, &interval) < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(watch);
	return 0;
}

void interfaces_watch_sweep(const struct interfaces_watch *watch)
{
	links_each(watch->daemon->links, clear_stale, (void *)watch);
}

/* Filters that a killed process left, where nothing will be attached in their place. */
static void clear_stale(void *context, enum link_event event, const struct link *link)
{
	const struct interfaces_watch *watch = context;
	bool exact;

	if (event == LINK_NEW &&
	    !settings_wants_interface(watch->daemon->settings, link->name, &exact))
		attach_remove_stale(link->ifindex);
}

void interfaces_watch_follow(struct interfaces_watch *watch)
{
	CLEANUP(cleanup_free) struct choice *choices = NULL;
	struct picture picture = { 0 };
	struct daemon *daemon;

	if (!watch)
		return;
	daemon = watch->daemon;
	watch->in_force = wanted_of(daemon->settings, daemon->set);
	if (pending_before(daemon))
		watch->in_force.egress |= pending_before(daemon)->egress;
	take_picture(watch, &picture);
	choices = picture.choice;
	if (picture.incomplete) {
		log_error("out of memory: the interfaces are looked at with their next change");
		return;
	}
	interfaces_choose(daemon->settings, choices, picture.count);
	forget_unwanted(watch, &picture);
	for (size_t i = 0; i < picture.count; i++) {
		if (choices[i].wanted)
			follow_one(watch, &choices[i]);
	}
	watched_follow_absent(&watch->list, daemon->settings);
	if (daemon->http && http_note_interfaces(daemon->http) < 0)
		log_error("out of memory: the totals may lack an interface when it is gone");
	daemon_tell_status(daemon);
}

void interfaces_watch_retry(struct interfaces_watch *watch)
{
	for (size_t i = 0; watch && i < watch->list.count; i++)
		watch->list.watched[i].tried = false;
}

void interfaces_watch_verify(struct interfaces_watch *watch)
{
	bool lost = false;

	for (size_t i = 0; watch && i < watch->list.count; i++) {
		CLEANUP(cleanup_free) char *words = NULL;
		struct watched *watched = &watch->list.watched[i];
		int r = attach_verify(watch->daemon->attachments, watched->link.ifindex, &words);

		if (r == 0 || r == -ENODEV) /* going: the kernel is about to say so */
			continue;
		log_warn("%s: our program is gone (%s): putting it back", watched->link.name,
			 words ? words : strerror(-r));
		watched->tried = false;
		lost = true;
	}
	if (lost)
		interfaces_watch_follow(watch);
}

int interfaces_watch_check(const struct interfaces_watch *watch, const struct daemon_next *next,
			   struct problems *problems)
{
	int r = 0;

	for (size_t i = 0; watch && i < watch->list.count && !r; i++)
		r = check_one(watch, &watch->list.watched[i].link, next, problems);
	return r;
}

static int check_one(const struct interfaces_watch *watch, const struct link *link,
		     const struct daemon_next *next, struct problems *problems)
{
	const struct step goal = { wanted_of(next->settings, next->set), next->set, NULL };
	const struct attach_wanted wanted = wanted_on(&goal, link->name);
	CLEANUP(cleanup_free) char *detail = NULL;
	CLEANUP(cleanup_free) char *ids = NULL;
	int r;

	r = attach_check(watch->daemon->attachments, link->ifindex, &wanted, &detail);
	if (r >= 0)
		return 0;
	ids = wanted.vlan ? vlan_policies_ids(next->set, link->name) : NULL;
	problem_add(problems, "", "%s%s%s", detail ? detail : strerror(-r),
		    ids ? "; on a VLAN match: " : "", ids ? ids : "");
	return r == -ENOMEM ? r : -EINVAL;
}

int interfaces_watch_prepare(struct interfaces_watch *watch, const struct daemon_next *next,
			     struct problems *problems)
{
	struct step step;

	if (!watch)
		return 0;
	step = (struct step){ watch->in_force, watch->daemon->set, next->set };
	if (!watch->daemon->settings->default_block)
		step.wanted.egress = step.wanted.egress ||
				     wanted_of(next->settings, next->set).egress;
	return apply(watch, &step, problems);
}

void interfaces_watch_revert(struct interfaces_watch *watch)
{
	struct step step;

	if (!watch)
		return;
	step = (struct step){ watch->in_force, watch->daemon->set, NULL };
	apply(watch, &step, NULL);
}

void interfaces_watch_publishing(struct interfaces_watch *watch, const struct daemon_next *next)
{
	struct step step;

	if (!watch || !watch->in_force.egress || !next->settings->default_block)
		return;
	if (wanted_of(next->settings, next->set).egress)
		return;
	step = (struct step){ watch->in_force, watch->daemon->set, next->set };
	step.wanted.egress = false;
	apply(watch, &step, NULL);
}

void interfaces_watch_close(struct interfaces_watch **watch)
{
	if (!*watch)
		return;
	if ((*watch)->readable)
		event_free((*watch)->readable);
	if ((*watch)->verify)
		event_free((*watch)->verify);
	links_close(&(*watch)->daemon->links);
	watched_clear(&(*watch)->list);
	free(*watch);
	*watch = NULL;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct interfaces_watch *watch = context;
	int r;

	(void)fd;
	(void)what;
	watch->read_ns = now_ns();
	r = links_read(watch->daemon->links);
	if (r < 0)
		log_warn("messages about interfaces could not be read: %s", strerror(-r));
	interfaces_watch_follow(watch);
	watch->read_ns = 0;
}

static void on_verify(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	interfaces_watch_verify(context);
}

/* All but a departure can wait until everything is read; its ifindex may come again. */
static void on_link(void *context, enum link_event event, const struct link *link)
{
	struct interfaces_watch *watch = context;

	if (event == LINK_GONE)
		watched_forget(&watch->list, link->ifindex, "it is gone");
}

static void add_to_picture(void *context, enum link_event event, const struct link *link)
{
	struct picture *picture = context;

	(void)event;
	if (picture->count == picture->room) {
		size_t room = picture->room ? 2 * picture->room : 16;
		struct choice *grown = reallocarray(picture->choice, room, sizeof(*grown));

		if (!grown) {
			picture->incomplete = true;
			return;
		}
		picture->choice = grown;
		picture->room = room;
	}
	picture->choice[picture->count++] = (struct choice){ .link = *link };
}

static void take_picture(const struct interfaces_watch *watch, struct picture *ret)
{
	links_each(watch->daemon->links, add_to_picture, ret);
}

static const struct choice *find_choice(const struct picture *picture, uint32_t ifindex)
{
	for (size_t i = 0; i < picture->count; i++) {
		if (picture->choice[i].link.ifindex == ifindex)
			return &picture->choice[i];
	}
	return NULL;
}

static void forget_one(struct interfaces_watch *watch, const struct watched *watched,
		       const struct choice *choice)
{
	char why[80] = "it is not configured any more";

	if (strcmp(choice->link.name, watched->link.name) != 0)
		snprintf(why, sizeof(why), "it is called %s now, which is not configured",
			 choice->link.name);
	watched_forget(&watch->list, watched->link.ifindex, why);
}

static void forget_unwanted(struct interfaces_watch *watch, const struct picture *picture)
{
	for (size_t i = watch->list.count; i-- > 0;) {
		const uint32_t ifindex = watch->list.watched[i].link.ifindex;
		const struct choice *choice = find_choice(picture, ifindex);

		if (!choice)
			watched_forget(&watch->list, ifindex, "it is gone");
		else if (!choice->wanted)
			forget_one(watch, &watch->list.watched[i], choice);
	}
}

static void attach_one(struct interfaces_watch *watch, struct watched *watched,
		       const struct link *link, const struct attach_wanted *wanted)
{
	const bool is_new = watch->read_ns && !watched->tried;
	int r = watched_attach(&watch->list, watched, link, wanted);

	if (!r && is_new && watch->daemon->http)
		http_note_hotplug(watch->daemon->http, now_ns() - watch->read_ns);
}

static void follow_one(struct interfaces_watch *watch, const struct choice *choice)
{
	const struct policyset *before = pending_before(watch->daemon); /* it may come back */
	const struct step step = { watch->in_force, watch->daemon->set, before };
	const struct attach_wanted wanted = wanted_on(&step, choice->link.name);
	struct watched *watched = watched_get(&watch->list, &choice->link);

	if (!watched) {
		log_error("out of memory: %s is not attached to", choice->link.name);
		return;
	}
	if (watched_follow_name(&watch->list, watched, choice->link.name))
		datapath_refresh(watch->daemon->datapath);
	if (choice->refused_for)
		watched_refuse(&watch->list, watched, choice);
	else
		attach_one(watch, watched, &choice->link, &wanted);
}

static struct attach_wanted wanted_of(const struct settings *settings, const struct policyset *set)
{
	return (struct attach_wanted){
		.mode = settings->mode,
		.egress = settings->egress || set->egress,
	};
}

static struct attach_wanted wanted_on(const struct step *step, const char *interface)
{
	struct attach_wanted wanted = step->wanted;

	wanted.vlan = vlan_policies_on(step->set, interface) ||
		      (step->next && vlan_policies_on(step->next, interface));
	return wanted;
}

/* Makes it so where something is attached already; stops at an error if there are @problems. */
static int apply(struct interfaces_watch *watch, const struct step *step, struct problems *problems)
{
	for (size_t i = 0; i < watch->list.count; i++) {
		struct watched *watched = &watch->list.watched[i];
		const struct attach_wanted wanted = wanted_on(step, watched->link.name);
		int r = 0;

		if (watched_is_attached(&watch->list, watched))
			r = watched_attach(&watch->list, watched, &watched->link, &wanted);
		if (r < 0 && problems) {
			problem_add(problems, "",
				    "what the policies need cannot be attached to %s: %s",
				    watched->link.name, watched_why(&watch->list, watched));
			return r;
		}
	}
	return 0;
}
