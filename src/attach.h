/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which program hangs on which interface, and how: XDP links, TCX links or
 * clsact filters.  Never replaces or removes what is not ours.
 */
#ifndef ATTACH_H
#define ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings.h"

struct attachments;
struct datapath;
struct link;

/* One try to attach, as /interfaces shows it. */
struct attach_attempt {
	const char *mode; /* "native", "native-linear" (without frags), "tcx", "clsact", "generic" */
	const char *hook; /* "ingress", "egress" */
	int error; /* errno, 0: it is in force */
	char *detail; /* the kernel's words, or ours; NULL: none */
};

/* A program that is not ours on the same interface. */
struct attach_foreign {
	char name[16];
	uint32_t program_id;
	const char *hook; /* "xdp", "tcx/ingress", "clsact/ingress" ... */
	const char *position; /* "before", "behind", "instead" (it holds XDP) */
};

struct attachment {
	uint32_t ifindex;
	char name[16];
	const char *driver; /* never NULL, "" unknown */
	const char *mode; /* of ingress: "native", "tc", "generic"; NULL: not attached */
	const char *mechanism; /* "xdp", "tcx", "clsact" */
	uint32_t program_id;
	bool egress; /* TC egress is in force too */
	uint32_t egress_program_id;
	bool merged_packets; /* generic XDP sees merged buffers */
	bool l3;
	uint32_t mtu;
	char *refused; /* why it is not attached at all, for the operator; NULL */
	struct attach_attempt *attempts;
	size_t attempt_count;
	struct attach_foreign *foreign; /* as found at attach and whenever it is asked again */
	size_t foreign_count;
};

/** An empty list. It borrows @datapath. NULL when out of memory. */
struct attachments *attachments_new(struct datapath *datapath);

/* What the policies and the configuration ask of every attachment. */
struct attach_wanted {
	enum attach_mode mode;
	bool egress;
	bool vlan; /* some policy matches on a VLAN */
};

/**
 * Makes an interface's attachment what is wanted: tries the modes in order,
 * records every attempt, verifies what is in force. Already right: nothing
 * happens. Returns 0 or -errno of the last attempt.
 */
int attach_interface(struct attachments *attachments, const struct link *link,
		     const struct attach_wanted *wanted);

/**
 * Shows in the list an interface that is wanted and not attached, and why;
 * what was attached is detached. @ifindex 0: there is none of that @name yet,
 * the entry goes when one is attached or refused. A NULL @reason takes the
 * entry away. Returns 0 or -ENOMEM.
 */
int attach_refuse(struct attachments *attachments, uint32_t ifindex, const char *name,
		  const char *reason);

/** Forgets an interface that is gone, or detaches one that is not wanted any more. */
void attach_forget(struct attachments *attachments, uint32_t ifindex);

/** Follows a rename. */
void attach_rename(struct attachments *attachments, uint32_t ifindex, const char *name);

/** Puts the datapath's present programs into every link and filter. Returns 0 or the first -errno. */
int attach_replace_programs(struct attachments *attachments);

/** Detaches everything that is ours and nothing else. */
void attach_detach_all(struct attachments *attachments);

/** Removes clsact filters that an earlier process of ours left behind. */
void attach_remove_stale(uint32_t ifindex);

/** Asks the kernel which foreign programs are there now. Returns 0 or -errno. */
int attach_refresh_foreign(struct attachments *attachments, uint32_t ifindex);

/** The attachments in order of name; valid until the next call that changes them. */
const struct attachment *const *attachments_list(const struct attachments *attachments,
						 size_t *ret_count);
const struct attachment *attachments_find(const struct attachments *attachments, uint32_t ifindex);

void attachments_free(struct attachments **attachments);

#endif
