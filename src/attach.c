/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of attachments.  How one interface is attached is in attach_order.c.
 */
#include "attach.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach_entry.h"
#include "attach_foreign.h"
#include "attach_gate.h"
#include "attach_kept.h"
#include "cleanup.h"
#include "datapath_interfaces.h"
#include "keep.h"
#include "links.h"

struct attachments {
	struct datapath *datapath;
	struct keep *keep;
	struct attach_gates gates;
	struct attachment **list; /* each the first member of a struct attach_entry */
	size_t count;
	bool without_tcx;
};

static struct attach_entry *entry_at(const struct attachments *attachments, size_t i)
{
	return (struct attach_entry *)attachments->list[i];
}

static struct attach_entry *entry_find(const struct attachments *attachments, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < attachments->count && ifindex; i++)
		if (attachments->list[i]->ifindex == ifindex)
			return entry_at(attachments, i);
	return NULL;
}

static int compare_names(const void *a, const void *b)
{
	const struct attachment *const *first = a;
	const struct attachment *const *second = b;

	return strcmp((*first)->name, (*second)->name);
}

static void sort(struct attachments *attachments)
{
	if (attachments->count)
		qsort(attachments->list, attachments->count, sizeof(*attachments->list),
		      compare_names);
}

static void set_name(struct attach_entry *entry, const char *name)
{
	snprintf(entry->shown.name, sizeof(entry->shown.name), "%s", name);
}

static struct attach_entry *entry_add(struct attachments *attachments, uint32_t ifindex,
				      const char *name)
{
	CLEANUP(cleanup_free) struct attach_entry *entry = calloc(1, sizeof(*entry));
	struct attachment **grown;

	grown = reallocarray(attachments->list, attachments->count + 1, sizeof(*grown));
	if (grown)
		attachments->list = grown;
	if (!entry || !grown)
		return NULL;
	entry->shown.ifindex = ifindex;
	entry->shown.driver = entry->driver;
	entry->datapath = attachments->datapath;
	entry->keep = attachments->keep;
	entry->gates = keep_place(attachments->keep) ? &attachments->gates : NULL;
	entry->ingress.link_fd = -1;
	entry->egress.link_fd = -1;
	set_name(entry, name);
	grown[attachments->count++] = &entry->shown;
	sort(attachments);
	return TAKE_PTR(entry);
}

static void entry_free(struct attach_entry *entry)
{
	cleanup_fd(&entry->ingress.link_fd);
	cleanup_fd(&entry->egress.link_fd);
	attach_entry_clear_attempts(entry, NULL);
	free(entry->shown.attempts);
	free(entry->shown.foreign);
	free(entry->shown.refused);
	free(entry);
}

static void entry_remove(struct attachments *attachments, struct attach_entry *entry)
{
	size_t i = 0;

	while (entry_at(attachments, i) != entry)
		i++;
	attachments->count--;
	memmove(&attachments->list[i], &attachments->list[i + 1],
		(attachments->count - i) * sizeof(*attachments->list));
	entry_free(entry);
}

/* Takes everything of ours off the interface. */
static void entry_release(struct attach_entry *entry)
{
	attach_entry_detach(entry);
	if (entry->known)
		datapath_interface_remove(entry->datapath, entry->shown.ifindex);
	entry->known = false;
	attach_entry_clear_attempts(entry, NULL);
	entry->shown.foreign_count = 0;
	attach_entry_show(entry);
}

/* The entry that stands for an interface that was not there; NULL: none. */
static struct attach_entry *find_absent(const struct attachments *attachments, const char *name)
{
	size_t i;

	for (i = 0; i < attachments->count; i++)
		if (!attachments->list[i]->ifindex && !strcmp(attachments->list[i]->name, name))
			return entry_at(attachments, i);
	return NULL;
}

static void remove_absent(struct attachments *attachments, const char *name)
{
	struct attach_entry *entry = find_absent(attachments, name);

	if (entry)
		entry_remove(attachments, entry);
}

struct attachments *attachments_new(struct datapath *datapath)
{
	struct attachments *attachments = calloc(1, sizeof(*attachments));

	if (!attachments)
		return NULL;
	attachments->datapath = datapath;
	attachments->gates = (struct attach_gates)ATTACH_GATES_NONE;
	return attachments;
}

int attachments_keep(struct attachments *attachments, struct keep *keep, char **ret_detail)
{
	attachments->keep = keep;
	attachments->gates.keep = keep;
	return attach_kept_load(keep, attachments->datapath, ret_detail);
}

static const struct attach_entry *find_const(const void *attachments, uint32_t ifindex)
{
	return entry_find(attachments, ifindex);
}

void attachments_sweep(struct attachments *attachments)
{
	attach_kept_sweep(attachments->keep, find_const, attachments);
}

/* Tells the datapath what the interface is now. Returns 0 or -errno. */
static int introduce(struct attach_entry *entry, const char *name, bool l3)
{
	int err;

	if (entry->known && entry->shown.l3 == l3 && !strcmp(entry->shown.name, name))
		return 0;
	err = datapath_interface_add(entry->datapath, entry->shown.ifindex, name, l3);
	entry->known |= !err;
	return err;
}

static int refuse(struct attach_entry *entry, int err, const char *reason)
{
	entry_release(entry);
	free(entry->shown.refused);
	entry->shown.refused = strdup(reason);
	return entry->shown.refused ? err : -ENOMEM;
}

static int follow_link(struct attachments *attachments, struct attach_entry *entry,
		       const struct link *link)
{
	int err;

	if (link->alien)
		return refuse(entry, -EMEDIUMTYPE,
			      "its packets are neither Ethernet frames nor IP");
	err = introduce(entry, link->name, link->l3);
	if (err)
		return refuse(entry, err, strerror(-err));
	entry->shown.l3 = link->l3;
	entry->shown.mtu = link->mtu;
	set_name(entry, link->name);
	device_driver(link->name, entry->driver);
	sort(attachments);
	return 0;
}

int attach_interface(struct attachments *attachments, const struct link *link,
		     const struct attach_wanted *wanted)
{
	struct attach_entry *entry = entry_find(attachments, link->ifindex);
	int err;

	remove_absent(attachments, link->name);
	if (!entry)
		entry = entry_add(attachments, link->ifindex, link->name);
	if (!entry)
		return -ENOMEM;
	entry->without_tcx = attachments->without_tcx;
	err = follow_link(attachments, entry, link);
	if (err)
		return err;
	attach_kept_take(entry);
	err = attach_entry_apply(entry, wanted);
	/* A list for people: that it cannot be had does not make an attachment fail. */
	(void)attach_refresh_foreign(attachments, link->ifindex);
	return err;
}

int attach_verify(const struct attachments *attachments, uint32_t ifindex, char **ret_words)
{
	const struct attach_entry *entry = entry_find(attachments, ifindex);
	const struct anchor *anchor = entry ? &entry->ingress : NULL;
	int err = 0;

	*ret_words = NULL;
	if (anchor && anchor->mechanism)
		err = anchor->mechanism->verify(anchor, ret_words);
	anchor = entry ? &entry->egress : NULL;
	if (!err && anchor && anchor->mechanism)
		err = anchor->mechanism->verify(anchor, ret_words);
	return err;
}

int attach_refuse(struct attachments *attachments, uint32_t ifindex, const char *name,
		  const char *reason)
{
	struct attach_entry *entry;

	if (ifindex)
		remove_absent(attachments, name);
	entry = ifindex ? entry_find(attachments, ifindex) : find_absent(attachments, name);
	if (!reason) {
		if (entry) {
			entry_release(entry);
			entry_remove(attachments, entry);
		}
		return 0;
	}
	if (!entry)
		entry = entry_add(attachments, ifindex, name);
	return entry ? refuse(entry, 0, reason) : -ENOMEM;
}

int attach_check(const struct attachments *attachments, uint32_t ifindex,
		 const struct attach_wanted *wanted, char **ret_detail)
{
	const struct attach_entry *entry = entry_find(attachments, ifindex);
	int err;

	*ret_detail = NULL;
	if (wanted->mode != ATTACH_NATIVE && wanted->mode != ATTACH_GENERIC)
		return 0;
	if (!entry || !entry->ingress.mechanism)
		return 0;
	err = attach_entry_blind(entry, wanted, ret_detail);
	if (err == -ENODEV)
		return 0; /* going, or renamed this moment */
	return !err && *ret_detail ? -EOPNOTSUPP : err;
}

void attach_forget(struct attachments *attachments, uint32_t ifindex)
{
	struct attach_entry *entry = entry_find(attachments, ifindex);

	if (!entry)
		return;
	entry_release(entry);
	entry_remove(attachments, entry);
}

void attach_rename(struct attachments *attachments, uint32_t ifindex, const char *name)
{
	struct attach_entry *entry = entry_find(attachments, ifindex);

	if (!entry)
		return;
	remove_absent(attachments, name);
	/* Should it fail, the interface keeps the old name's policies; attaching anew tells. */
	if (entry->known && introduce(entry, name, entry->shown.l3))
		return;
	set_name(entry, name);
	sort(attachments);
}

static int replace_anchor(struct attachments *attachments, struct anchor *anchor)
{
	CLEANUP(cleanup_free) char *detail = NULL;
	int fd;

	if (!anchor->mechanism)
		return 0;
	fd = datapath_program(attachments->datapath, anchor->program, &detail);
	return fd < 0 ? fd : anchor->mechanism->replace(anchor, fd);
}

int attach_replace_programs(struct attachments *attachments)
{
	struct attach_entry *entry;
	int result = 0;
	size_t i;
	int err;

	for (i = 0; i < attachments->count; i++) {
		entry = entry_at(attachments, i);
		err = replace_anchor(attachments, &entry->ingress);
		if (err && !result)
			result = err;
		err = replace_anchor(attachments, &entry->egress);
		if (err && !result)
			result = err;
		entry->shown.program_id = entry->ingress.program_id;
		entry->shown.egress_program_id = entry->egress.program_id;
	}
	return result;
}

void attach_detach_all(struct attachments *attachments)
{
	size_t i;

	for (i = 0; i < attachments->count; i++)
		entry_release(entry_at(attachments, i));
	attach_gates_drop(&attachments->gates);
}

int attach_refresh_foreign(struct attachments *attachments, uint32_t ifindex)
{
	struct attach_entry *entry = entry_find(attachments, ifindex);
	struct attach_foreign *foreign;
	struct foreign_view view;
	size_t count;
	int err;

	if (!entry)
		return -ENODEV;
	view = (struct foreign_view){ ifindex, &entry->ingress, &entry->egress };
	err = attach_foreign_list(&view, &foreign, &count);
	if (err)
		return err;
	free(entry->shown.foreign);
	entry->shown.foreign = foreign;
	entry->shown.foreign_count = count;
	return 0;
}

const struct attachment *const *attachments_list(const struct attachments *attachments,
						 size_t *ret_count)
{
	*ret_count = attachments->count;
	return (const struct attachment *const *)attachments->list;
}

const struct attachment *attachments_find(const struct attachments *attachments, uint32_t ifindex)
{
	struct attach_entry *entry = entry_find(attachments, ifindex);

	return entry ? &entry->shown : NULL;
}

void attach_without_tcx(struct attachments *attachments)
{
	attachments->without_tcx = true;
}

void attachments_free(struct attachments **attachments)
{
	size_t i;

	if (!*attachments)
		return;
	for (i = 0; i < (*attachments)->count; i++)
		entry_free(entry_at(*attachments, i));
	attach_gates_close(&(*attachments)->gates);
	free((*attachments)->list);
	free(*attachments);
	*attachments = NULL;
}
