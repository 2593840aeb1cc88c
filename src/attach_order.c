/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of tries for one interface.  What is in force stays until its
 * successor is; a try counts only once the kernel, asked again, says that the
 * program is in force.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "attach_entry.h"
#include "attach_kept.h"
#include "cleanup.h"

#define IN(mode) (1U << (mode))

/* A way to attach: a program by a mechanism. */
struct way {
	const char *label; /* of the attempt */
	const char *mode; /* that it means when it is in force */
	const struct attach_mechanism *mechanism;
	enum datapath_program program;
	uint32_t xdp_flags;
	unsigned int modes; /* of the configuration that allow it */
	bool linear; /* without fragments: worth a try when it is these that were refused */
};

static const struct way ingress_ways[] = {
	{ "native", "native", &attach_xdp, PROGRAM_XDP_FRAGS, XDP_FLAGS_DRV_MODE,
	  IN(ATTACH_AUTO) | IN(ATTACH_NATIVE), false },
	{ "native-linear", "native", &attach_xdp, PROGRAM_XDP, XDP_FLAGS_DRV_MODE,
	  IN(ATTACH_AUTO) | IN(ATTACH_NATIVE), true },
	{ "tcx", "tc", &attach_tcx, PROGRAM_TC_INGRESS, 0, IN(ATTACH_AUTO) | IN(ATTACH_TC), false },
	{ "clsact", "tc", &attach_clsact, PROGRAM_TC_INGRESS, 0, IN(ATTACH_AUTO) | IN(ATTACH_TC),
	  false },
	{ "generic", "generic", &attach_xdp, PROGRAM_XDP_FRAGS, XDP_FLAGS_SKB_MODE,
	  IN(ATTACH_AUTO) | IN(ATTACH_GENERIC), false },
	{ "generic-linear", "generic", &attach_xdp, PROGRAM_XDP, XDP_FLAGS_SKB_MODE,
	  IN(ATTACH_AUTO) | IN(ATTACH_GENERIC), true },
};

static const struct way egress_ways[] = {
	{ "tcx", "tc", &attach_tcx, PROGRAM_TC_EGRESS, 0, ~0U, false },
	{ "clsact", "tc", &attach_clsact, PROGRAM_TC_EGRESS, 0, ~0U, false },
};

static bool refused_fragments(int err)
{
	return err == -EINVAL || err == -EOPNOTSUPP || err == -ERANGE;
}

static bool anchor_is(const struct anchor *anchor, const struct way *way)
{
	return anchor->mechanism == way->mechanism && anchor->xdp_flags == way->xdp_flags;
}

static void detach(struct attach_entry *entry, struct anchor *anchor)
{
	if (anchor->mechanism)
		anchor->mechanism->detach(anchor);
	attach_kept_drop(entry, anchor);
	*anchor = (struct anchor){ .link_fd = -1 };
	if (entry->made_qdisc && attach_remove_qdisc(entry->shown.ifindex))
		entry->made_qdisc = false;
}

void attach_entry_detach(struct attach_entry *entry)
{
	detach(entry, &entry->ingress);
	detach(entry, &entry->egress);
}

void attach_entry_clear_attempts(struct attach_entry *entry, const char *hook)
{
	struct attachment *shown = &entry->shown;
	size_t kept = 0;
	size_t i;

	for (i = 0; i < shown->attempt_count; i++) {
		if (hook && strcmp(hook, shown->attempts[i].hook))
			shown->attempts[kept++] = shown->attempts[i];
		else
			free(shown->attempts[i].detail);
	}
	shown->attempt_count = kept;
}

/* Takes over @detail. Without memory the attempt goes unrecorded. */
static void record(struct attach_entry *entry, const struct way *way, int err, char *detail)
{
	struct attachment *shown = &entry->shown;
	struct attach_attempt *grown;

	grown = reallocarray(shown->attempts, shown->attempt_count + 1, sizeof(*grown));
	if (!grown) {
		free(detail);
		return;
	}
	shown->attempts = grown;
	shown->attempts[shown->attempt_count++] = (struct attach_attempt){
		.mode = way->label,
		.hook = attach_hook_name(way->program),
		.error = -err,
		.detail = detail,
	};
}

int attach_entry_blind(const struct attach_entry *entry, const struct attach_wanted *wanted,
		       char **ret_words)
{
	const char *name = entry->shown.name;
	const char *peer = "";
	const char *off = NULL;
	int err;

	*ret_words = NULL;
	if (!wanted->vlan || entry->shown.l3)
		return 0;
	err = device_strips_vlan(name, &off);
	if (err || !off)
		return err;
	/* A veth takes nothing out: the sender never put it in, and its own word is about that. */
	if (!strcmp(entry->driver, "veth"))
		peer = ", and `ethtool -K PEER txvlan off tx-vlan-stag-hw-insert off` at the other "
		       "end of this veth";
	if (asprintf(ret_words,
		     "a policy matches on a VLAN, and the tags of %s are not in the frame that XDP "
		     "sees: `ethtool -K %s %s`%s; or use TC",
		     name, name, off, peer) < 0) {
		*ret_words = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* An interface that goes meanwhile makes for any errno, EINVAL most of all. */
static int or_gone(const struct attach_entry *entry, int err)
{
	char name[IF_NAMESIZE];

	return if_indextoname(entry->shown.ifindex, name) || errno != ENXIO ? err : -ENODEV;
}

/* Attaches and verifies. Returns 0 or -errno, with a sentence for the operator. */
static int try_way(struct attach_entry *entry, const struct way *way, struct anchor *ret,
		   char **ret_detail)
{
	struct anchor anchor = {
		.program = way->program,
		.ifindex = entry->shown.ifindex,
		.xdp_flags = way->xdp_flags,
		.link_fd = -1,
		.gates = entry->gates,
	};
	CLEANUP(cleanup_free) char *words = NULL;
	int fd;
	int err;

	if (entry->without_tcx && way->mechanism == &attach_tcx)
		return -EOPNOTSUPP;
	fd = datapath_program(entry->datapath, way->program, ret_detail);
	if (fd < 0)
		return fd;
	err = way->mechanism->attach(&anchor, fd, &words);
	if (!err) {
		entry->made_qdisc |= anchor.made_qdisc;
		entry->shown.taken_over |= anchor.old;
		anchor.old = false;
		err = way->mechanism->verify(&anchor, &words);
		if (err)
			detach(entry, &anchor);
	}
	if (err)
		err = or_gone(entry, err);
	if (err)
		*ret_detail = attach_explain(err, way->mechanism, entry->shown.name, words);
	else
		*ret = anchor;
	return err;
}

/*
 * Native and generic XDP exclude each other, so one cannot come before the
 * other has left.  TC stands in meanwhile where it can: a packet that both see
 * is only counted twice.
 */
static void stand_in(struct attach_entry *entry)
{
	struct anchor anchor = { .link_fd = -1 };
	size_t i;
	int err = -EOPNOTSUPP;

	for (i = 0; i < ARRAY_SIZE(ingress_ways) && err; i++) {
		CLEANUP(cleanup_free) char *detail = NULL;

		if (ingress_ways[i].mechanism != &attach_xdp)
			err = try_way(entry, &ingress_ways[i], &anchor, &detail);
	}
	attach_kept_put(entry, &anchor);
	detach(entry, &entry->ingress);
	if (!err)
		entry->ingress = anchor;
}

static int follow_way(struct attach_entry *entry, const struct way *way, struct anchor *anchor)
{
	struct anchor fresh = { .link_fd = -1 };
	char *detail = NULL;
	int err;

	if (anchor_is(anchor, way) && !anchor->old) {
		record(entry, way, 0, NULL);
		return 0;
	}
	if (way->mechanism == &attach_xdp && anchor->mechanism == &attach_xdp)
		stand_in(entry);
	err = try_way(entry, way, &fresh, &detail);
	record(entry, way, err, detail);
	if (err)
		return err;
	attach_kept_put(entry, &fresh);
	detach(entry, anchor);
	/* Where the name was that of what was detached. */
	attach_kept_put(entry, &fresh);
	*anchor = fresh;
	return 0;
}

static int apply_ingress(struct attach_entry *entry)
{
	const struct attach_wanted *wanted = &entry->wanted;
	CLEANUP(cleanup_free) char *blind = NULL;
	const struct way *way;
	size_t i;
	int err = attach_entry_blind(entry, wanted, &blind);

	if (err)
		return err;
	err = -EOPNOTSUPP;
	for (i = 0; i < ARRAY_SIZE(ingress_ways); i++) {
		way = &ingress_ways[i];
		if (!(way->modes & IN(wanted->mode)))
			continue;
		if (way->linear && (blind || !refused_fragments(err)))
			continue;
		if (blind && way->mechanism == &attach_xdp) {
			err = -EOPNOTSUPP;
			record(entry, way, err, strdup(blind));
			continue;
		}
		err = follow_way(entry, way, &entry->ingress);
		if (!err || err == -ENODEV)
			return err;
	}
	return err;
}

static int apply_egress(struct attach_entry *entry)
{
	size_t i;
	int err = -EOPNOTSUPP;

	if (!entry->wanted.egress) {
		detach(entry, &entry->egress);
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(egress_ways) && err && err != -ENODEV; i++)
		err = follow_way(entry, &egress_ways[i], &entry->egress);
	return err;
}

/* An anchor that lost its hold, by whoever's hand, counts as none. */
static void drop_if_lost(struct attach_entry *entry, struct anchor *anchor)
{
	CLEANUP(cleanup_free) char *words = NULL;

	if (anchor->mechanism && anchor->mechanism->verify(anchor, &words))
		detach(entry, anchor);
}

/* Filters outlive their process; whatever we hold now, they are not wanted besides. */
static void remove_leftovers(const struct attach_entry *entry, const struct anchor *anchor,
			     enum datapath_program program)
{
	attach_remove_leftovers(entry->shown.ifindex, program,
				anchor->mechanism == &attach_clsact ? anchor : NULL);
}

static const char *mode_of(const struct anchor *anchor)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ingress_ways); i++)
		if (anchor_is(anchor, &ingress_ways[i]))
			return ingress_ways[i].mode;
	return NULL;
}

void attach_entry_show(struct attach_entry *entry)
{
	struct attachment *shown = &entry->shown;
	const struct anchor *ingress = &entry->ingress;
	size_t i;

	shown->mode = mode_of(ingress);
	shown->mechanism = ingress->mechanism ? ingress->mechanism->name : NULL;
	shown->program_id = ingress->program_id;
	shown->egress = entry->egress.mechanism;
	shown->egress_program_id = entry->egress.program_id;
	shown->merged_packets = ingress->xdp_flags & XDP_FLAGS_SKB_MODE;
	free(shown->refused);
	shown->refused = NULL;
	if (shown->mode)
		return;
	for (i = 0; i < shown->attempt_count; i++)
		if (shown->attempts[i].detail && !strcmp(shown->attempts[i].hook, "ingress")) {
			free(shown->refused);
			shown->refused = strdup(shown->attempts[i].detail);
		}
}

/* Whether what an earlier process attached is what would be attached now. */
static bool old_suits(const struct attach_entry *entry)
{
	CLEANUP(cleanup_free) char *blind = NULL;
	const struct anchor *anchor = &entry->ingress;

	if (anchor->mechanism == &attach_xdp && attach_entry_blind(entry, &entry->wanted, &blind))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(ingress_ways) && !blind; i++) {
		if (anchor_is(anchor, &ingress_ways[i]))
			return ingress_ways[i].modes & IN(entry->wanted.mode);
	}
	return false;
}

/* Returns whether what is attached on ingress may stay as it is. */
static bool renew_ingress(struct attach_entry *entry)
{
	if (!old_suits(entry) || attach_kept_renew(entry, &entry->ingress))
		return false;
	attach_entry_clear_attempts(entry, "ingress");
	for (size_t i = 0; i < ARRAY_SIZE(ingress_ways); i++) {
		if (anchor_is(&entry->ingress, &ingress_ways[i]) &&
		    entry->ingress.program == ingress_ways[i].program)
			record(entry, &ingress_ways[i], 0, NULL);
	}
	return true;
}

int attach_entry_apply(struct attach_entry *entry, const struct attach_wanted *wanted)
{
	bool same = entry->wanted.mode == wanted->mode && entry->wanted.vlan == wanted->vlan;
	int egress_err = 0;
	int err = 0;

	entry->wanted = *wanted;
	drop_if_lost(entry, &entry->ingress);
	drop_if_lost(entry, &entry->egress);
	if (entry->ingress.old)
		same = renew_ingress(entry);
	if (entry->egress.old && wanted->egress)
		(void)attach_kept_renew(entry, &entry->egress);
	if (!same || !entry->ingress.mechanism) {
		attach_entry_clear_attempts(entry, "ingress");
		err = apply_ingress(entry);
		/* No way that is wanted works: what there is goes on, with the present program. */
		if (entry->ingress.old && !attach_kept_renew(entry, &entry->ingress))
			err = 0;
		else if (entry->ingress.old)
			detach(entry, &entry->ingress);
		if (entry->ingress.mechanism)
			remove_leftovers(entry, &entry->ingress, PROGRAM_TC_INGRESS);
	}
	if (!wanted->egress || !entry->egress.mechanism || entry->egress.old) {
		attach_entry_clear_attempts(entry, "egress");
		egress_err = apply_egress(entry);
		if (!egress_err)
			remove_leftovers(entry, &entry->egress, PROGRAM_TC_EGRESS);
	}
	attach_entry_show(entry);
	return err ? err : egress_err;
}

enum datapath_program attachment_program(const struct attachment *attachment,
					 enum pep_direction direction)
{
	const struct attach_entry *entry = (const struct attach_entry *)attachment;
	const struct anchor *anchor = direction == PEP_EGRESS ? &entry->egress : &entry->ingress;

	return anchor->mechanism ? anchor->program : PROGRAMS;
}
