/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links that outlive the process (keep.h).  One that an earlier process left is
 * an anchor with an old program until the present one takes its place.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "attach_gate.h"
#include "attach_kept.h"
#include "cleanup.h"
#include "keep.h"
#include "log.h"

/* What a link's name says beside its interface. */
static const struct kind {
	const char *label;
	const struct attach_mechanism *mechanism;
	enum datapath_program program;
	uint32_t xdp_flags;
} kinds[] = {
	{ "native", &attach_xdp, PROGRAM_XDP_FRAGS, XDP_FLAGS_DRV_MODE },
	{ "generic", &attach_xdp, PROGRAM_XDP_FRAGS, XDP_FLAGS_SKB_MODE },
	{ "tcx_ingress", &attach_tcx, PROGRAM_TC_INGRESS, 0 },
	{ "tcx_egress", &attach_tcx, PROGRAM_TC_EGRESS, 0 },
};

static bool is_of_kind(const struct anchor *anchor, const struct kind *kind)
{
	return anchor->mechanism == kind->mechanism && anchor->xdp_flags == kind->xdp_flags &&
	       (anchor->program == PROGRAM_TC_EGRESS) == (kind->program == PROGRAM_TC_EGRESS);
}

static void name_of(const struct kind *kind, uint32_t ifindex, char ret[KEEP_NAME_BYTES])
{
	snprintf(ret, KEEP_NAME_BYTES, "link-%s-%u", kind->label, ifindex);
}

/* Returns false for a filter, which needs nobody to hold it. */
static bool name_of_anchor(const struct anchor *anchor, char ret[KEEP_NAME_BYTES])
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!is_of_kind(anchor, &kinds[i]))
			continue;
		name_of(&kinds[i], anchor->ifindex, ret);
		return true;
	}
	return false;
}

void attach_kept_put(const struct attach_entry *entry, const struct anchor *anchor)
{
	char name[KEEP_NAME_BYTES];
	int error;

	if (!name_of_anchor(anchor, name))
		return;
	error = keep_put(entry->keep, name, anchor->link_fd);
	if (error)
		log_warn("%s: a restart will detach and attach: %s cannot be kept: %s",
			 entry->shown.name, name, strerror(-error));
}

void attach_kept_drop(const struct attach_entry *entry, const struct anchor *anchor)
{
	char name[KEEP_NAME_BYTES];

	if (name_of_anchor(anchor, name))
		keep_drop(entry->keep, name);
}

/* Whether it still is on that interface; then what program it holds. */
static bool is_attached(int fd, uint32_t ifindex, uint32_t *ret_program_id)
{
	struct bpf_link_info info = { 0 };
	uint32_t bytes = sizeof(info);

	/* The interface is the first member of both kinds; the kernel zeroes it on detaching. */
	if (bpf_obj_get_info_by_fd(fd, &info, &bytes) || info.xdp.ifindex != ifindex)
		return false;
	*ret_program_id = info.prog_id;
	return true;
}

static void take_kind(struct attach_entry *entry, const struct kind *kind)
{
	const bool egress = kind->program == PROGRAM_TC_EGRESS;
	struct anchor *anchor = egress ? &entry->egress : &entry->ingress;
	const uint32_t ifindex = entry->shown.ifindex;
	char name[KEEP_NAME_BYTES];
	uint32_t program_id;
	int fd;

	name_of(kind, ifindex, name);
	fd = keep_find(entry->keep, name);
	if (fd < 0 || is_of_kind(anchor, kind))
		return;
	/* One that is lost, or left beside another: under its name a later one is to be kept. */
	if (anchor->mechanism || !is_attached(fd, ifindex, &program_id)) {
		(void)bpf_link_detach(fd);
		keep_drop(entry->keep, name);
		return;
	}
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return;
	*anchor = (struct anchor){
		.mechanism = kind->mechanism,
		.program = kind->program,
		.ifindex = ifindex,
		.xdp_flags = kind->xdp_flags,
		.program_id = program_id,
		.link_fd = fd,
		.old = true,
	};
}

void attach_kept_take(struct attach_entry *entry)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		take_kind(entry, &kinds[i]);
}

/* Puts a program in the place of the old one, and asks the kernel whether it is in force. */
static int renew_with(struct attach_entry *entry, struct anchor *anchor)
{
	CLEANUP(cleanup_free) char *words = NULL;
	int fd = datapath_program(entry->datapath, anchor->program, &words);
	int error = fd < 0 ? fd : anchor->mechanism->replace(anchor, fd);

	return error ? error : anchor->mechanism->verify(anchor, &words);
}

int attach_kept_renew(struct attach_entry *entry, struct anchor *anchor)
{
	int error = renew_with(entry, anchor);

	if (error && anchor->program == PROGRAM_XDP_FRAGS) {
		anchor->program = PROGRAM_XDP;
		error = renew_with(entry, anchor);
	}
	if (error) {
		log_warn("%s: the program of an earlier process cannot be replaced in place: %s",
			 entry->shown.name, strerror(-error));
		return error;
	}
	anchor->old = false;
	entry->shown.taken_over = true;
	attach_kept_put(entry, anchor);
	return 0;
}

static bool parse(const char *name, const struct kind **ret_kind, uint32_t *ret_ifindex)
{
	char label[KEEP_NAME_BYTES];

	if (sscanf(name, "link-%63[a-z_]-%u", label, ret_ifindex) != 2)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		*ret_kind = &kinds[i];
		if (!strcmp(kinds[i].label, label))
			return true;
	}
	return false;
}

static bool is_held(const struct attach_entry *entry, const struct kind *kind)
{
	return entry && (is_of_kind(&entry->ingress, kind) || is_of_kind(&entry->egress, kind));
}

void attach_kept_sweep(struct keep *keep, attach_kept_find find, const void *context)
{
	const struct kind *kind;
	const char *name;
	uint32_t ifindex;
	size_t i = 0;

	while ((name = keep_name(keep, i))) {
		if (!parse(name, &kind, &ifindex) || is_held(find(context, ifindex), kind)) {
			i++;
			continue;
		}
		(void)bpf_link_detach(keep_find(keep, name));
		keep_drop(keep, name);
	}
}

static const struct attach_entry *find_none(const void *context, uint32_t ifindex)
{
	(void)context;
	(void)ifindex;
	return NULL;
}

static size_t count_attached(const struct keep *keep)
{
	const struct kind *kind;
	const char *name;
	uint32_t ifindex;
	size_t count = 0;

	for (size_t i = 0; (name = keep_name(keep, i)); i++)
		count += parse(name, &kind, &ifindex) || attach_gate_is(name);
	return count;
}

/* Others may have pins in the same directory. */
static void drop_all(struct keep *keep)
{
	static const char *const ours[] = { "link-", "gate-", "run-", "fragments-" };
	const char *name;
	size_t i = 0;

	while ((name = keep_name(keep, i))) {
		size_t kind = 0;

		while (kind < ARRAY_SIZE(ours) &&
		       strncmp(name, ours[kind], strlen(ours[kind])) != 0)
			kind++;
		if (kind < ARRAY_SIZE(ours))
			keep_drop(keep, name);
		else
			i++;
	}
}

static void remove_filters(void)
{
	struct if_nameindex *interfaces = if_nameindex();

	for (size_t i = 0; interfaces && interfaces[i].if_index; i++)
		attach_remove_stale(interfaces[i].if_index);
	if_freenameindex(interfaces);
}

int attach_detach_left(const char *directory, size_t *ret_count)
{
	CLEANUP(keep_close) struct keep *keep = NULL;
	int error;

	if (access(directory, R_OK | W_OK | X_OK) < 0)
		return errno == ENOENT ? 0 : -errno;
	error = keep_open(KEEP_NOTHING, directory, &keep);
	if (error)
		return error;
	*ret_count = count_attached(keep);
	attach_kept_sweep(keep, find_none, NULL);
	drop_all(keep);
	remove_filters();
	return 0;
}

int attach_kept_load(const struct keep *keep, struct datapath *datapath, char **ret_detail)
{
	const struct kind *kind;
	const char *name;
	uint32_t ifindex;
	int error = 0;

	for (size_t i = 0; (name = keep_name(keep, i)) && error >= 0; i++) {
		if (parse(name, &kind, &ifindex))
			error = datapath_program(datapath, kind->program, ret_detail);
	}
	return error < 0 ? error : 0;
}
