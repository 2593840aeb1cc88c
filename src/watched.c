/* SPDX-License-Identifier: Apache-2.0 */
#include "watched.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interfaces_choice.h"
#include "log.h"
#include "settings.h"

/* Where our programs are on an interface. */
struct place {
	const char *mode, *mechanism; /* literals; NULL: nowhere */
	bool egress;
};

static struct place place_of(const struct watched_list *list, const struct watched *watched);
static bool same_place(const struct place *a, const struct place *b);
static bool same_text(const char *a, const char *b);
static bool same_link(const struct link *a, const struct link *b);
static bool same_wanted(const struct attach_wanted *a, const struct attach_wanted *b);
static void tell(const struct watched_list *list, const struct watched *watched);
static void tell_attached(const struct attachment *attachment);
static bool is_present(const struct watched_list *list, const char *name);
static bool is_absent(const struct watched_list *list, const char *name);
static void wait_for(struct watched_list *list, const char *name);

struct watched *watched_get(struct watched_list *list, const struct link *link)
{
	struct watched *grown;

	for (size_t i = 0; i < list->count; i++) {
		if (list->watched[i].link.ifindex == link->ifindex)
			return &list->watched[i];
	}
	grown = reallocarray(list->watched, list->count + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	list->watched = grown;
	grown[list->count] = (struct watched){ .link = *link };
	return &grown[list->count++];
}

void watched_forget(struct watched_list *list, uint32_t ifindex, const char *why)
{
	for (size_t i = 0; i < list->count; i++) {
		struct watched *watched = &list->watched[i];
		const struct log_field field = { "IFACE", watched->link.name };

		if (watched->link.ifindex != ifindex)
			continue;
		log_write(LOG_LEVEL_INFO, &field, 1, "%s is not attached to any more: %s",
			  watched->link.name, why);
		attach_forget(list->attachments, ifindex);
		memmove(watched, watched + 1, (--list->count - i) * sizeof(*watched));
		return;
	}
}

bool watched_follow_name(struct watched_list *list, struct watched *watched, const char *name)
{
	if (!strcmp(watched->link.name, name))
		return false;
	log_info("%s is called %s now", watched->link.name, name);
	attach_rename(list->attachments, watched->link.ifindex, name);
	snprintf(watched->link.name, sizeof(watched->link.name), "%s", name);
	return true;
}

int watched_attach(struct watched_list *list, struct watched *watched, const struct link *link,
		   const struct attach_wanted *wanted)
{
	const struct place before_place = place_of(list, watched);
	const struct watched before = *watched;
	struct place place;

	if (watched->tried && !watched->refused_for && same_link(&watched->link, link) &&
	    same_wanted(&watched->wanted, wanted))
		return watched->error;

	watched->link = *link;
	watched->wanted = *wanted;
	watched->tried = true;
	watched->refused_for = 0;
	watched->error = attach_interface(list->attachments, link, wanted);
	place = place_of(list, watched);
	if (!same_place(&before_place, &place) || before.error != watched->error)
		tell(list, watched);
	return watched->error;
}

void watched_refuse(struct watched_list *list, struct watched *watched, const struct choice *choice)
{
	const struct link *other = &choice->refused_for->link;
	char reason[256];

	watched->link = choice->link;
	if (watched->refused_for == other->ifindex)
		return;
	watched->refused_for = other->ifindex;
	watched->tried = false;
	snprintf(reason, sizeof(reason),
		 "its packets are seen on %s already: name both exactly in "
		 "\"network.interfaces\" if they are to be seen twice",
		 other->name);
	log_warn("%s is not attached to: %s", choice->link.name, reason);
	if (attach_refuse(list->attachments, choice->link.ifindex, choice->link.name, reason) < 0)
		log_error("out of memory: %s is missing in the list of interfaces",
			  choice->link.name);
}

bool watched_is_attached(const struct watched_list *list, const struct watched *watched)
{
	const struct attachment *attachment =
		attachments_find(list->attachments, watched->link.ifindex);

	return attachment && attachment->mode;
}

const char *watched_why(const struct watched_list *list, const struct watched *watched)
{
	const struct attachment *attachment =
		attachments_find(list->attachments, watched->link.ifindex);

	for (size_t i = attachment ? attachment->attempt_count : 0; i-- > 0;) {
		const struct attach_attempt *attempt = &attachment->attempts[i];

		if (attempt->error)
			return attempt->detail ? attempt->detail : strerror(attempt->error);
	}
	return strerror(-watched->error);
}

void watched_follow_absent(struct watched_list *list, const struct settings *settings)
{
	for (size_t i = list->absent_count; i-- > 0;) {
		bool exact;

		if (!is_present(list, list->absent[i]) &&
		    settings_wants_interface(settings, list->absent[i], &exact))
			continue;
		attach_refuse(list->attachments, 0, list->absent[i], NULL);
		free(list->absent[i]);
		list->absent[i] = list->absent[--list->absent_count];
	}
	for (size_t i = 0; i < settings->interfaces.count; i++) {
		const char *name = settings->interfaces.string[i];

		if (!interfaces_is_glob(name) && !is_present(list, name) && !is_absent(list, name))
			wait_for(list, name);
	}
}

void watched_clear(struct watched_list *list)
{
	for (size_t i = 0; i < list->absent_count; i++)
		free(list->absent[i]);
	free(list->absent);
	free(list->watched);
	*list = (struct watched_list){ .attachments = list->attachments };
}

static struct place place_of(const struct watched_list *list, const struct watched *watched)
{
	const struct attachment *attachment =
		attachments_find(list->attachments, watched->link.ifindex);

	if (!attachment)
		return (struct place){ 0 };
	return (struct place){
		.mode = attachment->mode,
		.mechanism = attachment->mechanism,
		.egress = attachment->egress,
	};
}

static bool same_place(const struct place *a, const struct place *b)
{
	return same_text(a->mode, b->mode) && same_text(a->mechanism, b->mechanism) &&
	       a->egress == b->egress;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_link(const struct link *a, const struct link *b)
{
	return !strcmp(a->name, b->name) && !strcmp(a->kind, b->kind) && a->mtu == b->mtu &&
	       a->master == b->master && a->parent == b->parent && a->l3 == b->l3 &&
	       a->alien == b->alien && a->up == b->up;
}

static bool same_wanted(const struct attach_wanted *a, const struct attach_wanted *b)
{
	return a->mode == b->mode && a->egress == b->egress && a->vlan == b->vlan;
}

static void tell(const struct watched_list *list, const struct watched *watched)
{
	const struct log_field field = { "IFACE", watched->link.name };
	const struct attachment *attachment =
		attachments_find(list->attachments, watched->link.ifindex);

	if (attachment && attachment->mode)
		tell_attached(attachment);
	if (watched->error < 0)
		log_write(LOG_LEVEL_ERROR, &field, 1, "%s %s: %s", watched->link.name,
			  attachment && attachment->mode ? "is not attached to as it should be"
							 : "is NOT attached to",
			  watched_why(list, watched));
}

static void tell_attached(const struct attachment *attachment)
{
	char program[16];
	const struct log_field fields[] = {
		{ "IFACE", attachment->name },
		{ "MODE", attachment->mode },
		{ "PROGRAM", program },
	};

	snprintf(program, sizeof(program), "%u", attachment->program_id);
	log_write(LOG_LEVEL_INFO, fields, 3, "%s %s: mode %s by %s%s",
		  attachment->taken_over ? "taken over:" : "attached to", attachment->name,
		  attachment->mode, attachment->mechanism ? attachment->mechanism : "?",
		  attachment->egress ? ", and to its egress" : "");
	for (size_t i = 0; i < attachment->attempt_count; i++) {
		const struct attach_attempt *attempt = &attachment->attempts[i];

		if (attempt->error)
			log_write(LOG_LEVEL_INFO, fields, 1, "%s is not attached to by %s: %s",
				  attachment->name, attempt->mode,
				  attempt->detail ? attempt->detail : strerror(attempt->error));
	}
}

static bool is_present(const struct watched_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!strcmp(list->watched[i].link.name, name))
			return true;
	}
	return false;
}

static bool is_absent(const struct watched_list *list, const char *name)
{
	for (size_t i = 0; i < list->absent_count; i++) {
		if (!strcmp(list->absent[i], name))
			return true;
	}
	return false;
}

static void wait_for(struct watched_list *list, const char *name)
{
	char **grown = reallocarray(list->absent, list->absent_count + 1, sizeof(*grown));

	if (!grown)
		return;
	list->absent = grown;
	grown[list->absent_count] = strdup(name);
	if (!grown[list->absent_count])
		return;
	list->absent_count++;
	log_warn("there is no interface %s: it is attached to as soon as it appears", name);
	attach_refuse(list->attachments, 0, name,
		      "waiting: there is no interface of this name, it is attached to as soon as "
		      "it appears");
}
