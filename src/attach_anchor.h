/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of attaching.  An anchor holds one of our programs on one hook of one
 * interface; a mechanism is how: XDP link, TCX link or clsact filter.
 */
#ifndef ATTACH_ANCHOR_H
#define ATTACH_ANCHOR_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath.h"

struct attach_gates;
struct attach_mechanism;
struct attachments;

struct anchor {
	const struct attach_mechanism *mechanism; /* NULL: nothing is attached */
	enum datapath_program program;
	uint32_t ifindex;
	uint32_t xdp_flags; /* XDP_FLAGS_DRV_MODE or XDP_FLAGS_SKB_MODE; XDP only */
	uint32_t program_id;
	int link_fd; /* of XDP and TCX */
	uint32_t priority; /* of a clsact filter */
	uint32_t handle;
	bool old; /* the program is that of an earlier process */
	struct attach_gates *gates; /* of clsact; NULL: the filter is the program itself */
	bool made_qdisc; /* clsact: there was none before */
};

/*
 * What a mechanism can do. All return 0 or -errno; @ret_words gets the
 * kernel's explanation or stays NULL (caller frees).
 */
struct attach_mechanism {
	const char *name;
	/* The anchor has program, ifindex and xdp_flags; the rest is filled in on success. */
	int (*attach)(struct anchor *anchor, int program_fd, char **ret_words);
	/* -ENOLINK: what was attached is not, or no longer, in force. */
	int (*verify)(const struct anchor *anchor, char **ret_words);
	/* The new program takes over without a gap. */
	int (*replace)(struct anchor *anchor, int program_fd);
	/* Takes away what attach() added, if it is still there. */
	void (*detach)(struct anchor *anchor);
};

extern const struct attach_mechanism attach_xdp;
extern const struct attach_mechanism attach_tcx;
extern const struct attach_mechanism attach_clsact;

/** The id of a program by its fd. Returns 0 or -errno. */
int attach_program_id(int program_fd, uint32_t *ret);

/**
 * Whether a link still holds program @program_id on @ifindex. Returns 0, -ENOLINK
 * with a reason in @ret_words, or -errno.
 */
int attach_verify_link(const struct anchor *anchor, char **ret_words);

/** bpf_link_update(); a link whose interface is gone counts as done. Returns 0 or -errno. */
int attach_update_link(struct anchor *anchor, int program_fd);

/** Detaches, also when another process holds the link, and closes. */
void attach_detach_link(struct anchor *anchor);

/**
 * Removes the clsact filters of ours at the hook of @program that earlier
 * processes left; @except is the anchor of this one there, or NULL.
 */
void attach_remove_leftovers(uint32_t ifindex, enum datapath_program program,
			     const struct anchor *except);

/** Removes the clsact qdisc if no filter of anyone is left in it. Returns whether it is gone. */
bool attach_remove_qdisc(uint32_t ifindex);

/** The direction's name, "ingress" or "egress", of a program. */
const char *attach_hook_name(enum datapath_program program);

/** A program's name by its id; "" when it is gone or may not be asked for. */
void attach_program_name(uint32_t program_id, char ret[16]);

/**
 * Why a mechanism failed with @error (negative) on an interface, for an
 * operator: what it means, what cures it, and the kernel's @words (or NULL)
 * behind. The caller frees; NULL when out of memory.
 */
char *attach_explain(int error, const struct attach_mechanism *mechanism, const char *interface,
		     const char *words);

/** For tests: as if the kernel had no TCX, for every later attach_interface(). */
void attach_without_tcx(struct attachments *attachments);

#endif
