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

#include "attachment.h"
#include "settings.h"

struct attachments;
struct datapath;
struct keep;
struct link;

/** An empty list. It borrows @datapath. NULL when out of memory. */
struct attachments *attachments_new(struct datapath *datapath);

/**
 * Has links outlive the process from here on, and takes over those that earlier ones left:
 * attach_interface() replaces their programs in place. It borrows @keep. Loads the programs for
 * that: returns 0, or -errno with a sentence in @ret_detail (caller frees) and nothing changed.
 */
int attachments_keep(struct attachments *attachments, struct keep *keep, char **ret_detail);

/** Detaches all that is pinned in a directory and removes the pins: nobody is to come again. Returns
 * 0, also when there is no such directory, or -errno. */
int attach_detach_left(const char *directory, size_t *ret_count);

/** Detaches what earlier processes left and no attach_interface() has taken over. */
void attachments_sweep(struct attachments *attachments);

/* What the policies and the configuration ask of every attachment. */
struct attach_wanted {
	enum attach_mode mode;
	bool egress;
	bool vlan; /* a policy that holds there matches on a VLAN */
};

/**
 * Makes an interface's attachment what is wanted: tells the datapath about the
 * interface (datapath_interface_add()), tries the modes in order, records
 * every attempt, verifies what is in force. Already right: nothing happens;
 * found missing: it is put back. What was in force stays until its successor
 * is, and stays too when there is none. Returns 0 or -errno of the last
 * attempt; -ENODEV when the interface is gone, which links.h is about to tell;
 * -EMEDIUMTYPE for a link that is neither Ethernet nor IP.
 */
int attach_interface(struct attachments *attachments, const struct link *link,
		     const struct attach_wanted *wanted);

/**
 * Whether what was attached is still there: 0, also when nothing was, and
 * -errno with the reason in @ret_words (or NULL; caller frees) when somebody
 * took it away. attach_interface() puts it back.
 */
int attach_verify(const struct attachments *attachments, uint32_t ifindex, char **ret_words);

/**
 * Shows in the list an interface that is wanted and not attached, and why;
 * what was attached is detached. @ifindex 0: there is none of that @name yet,
 * the entry goes when one is attached or refused. A NULL @reason takes the
 * entry away. Returns 0 or -ENOMEM.
 */
int attach_refuse(struct attachments *attachments, uint32_t ifindex, const char *name,
		  const char *reason);

/**
 * Whether what is attached now to an interface could serve @wanted, asked
 * before a change is made: -EOPNOTSUPP when it would never see the tags that a
 * policy matches on, with a sentence that names it and the cure in @ret_detail
 * (caller frees).  Returns 0, also when nothing is attached, or -errno.
 */
int attach_check(const struct attachments *attachments, uint32_t ifindex,
		 const struct attach_wanted *wanted, char **ret_detail);

/**
 * Forgets an interface that is gone, or detaches one that is not wanted any
 * more; the datapath forgets it too (datapath_interface_remove()).
 */
void attach_forget(struct attachments *attachments, uint32_t ifindex);

/** Follows a rename, in the datapath too. */
void attach_rename(struct attachments *attachments, uint32_t ifindex, const char *name);

/** Puts the datapath's present programs into every link and filter. Returns 0 or the first -errno. */
int attach_replace_programs(struct attachments *attachments);

/** Detaches everything that is ours and nothing else. */
void attach_detach_all(struct attachments *attachments);

/**
 * Removes clsact filters that an earlier process of ours left behind, from an
 * interface that is not attached: attach_interface() itself takes them over in
 * place, without a gap.
 */
void attach_remove_stale(uint32_t ifindex);

/** Asks the kernel which foreign programs are there now. Returns 0 or -errno. */
int attach_refresh_foreign(struct attachments *attachments, uint32_t ifindex);

/** The attachments in order of name; valid until the next call that changes them. */
const struct attachment *const *attachments_list(const struct attachments *attachments,
						 size_t *ret_count);
/** The attachment of an interface, or NULL. */
const struct attachment *attachments_find(const struct attachments *attachments, uint32_t ifindex);

/**
 * Closes and frees. Links go with their last fd, filters stay: call
 * attach_detach_all() before, unless something is to remain in force.
 */
void attachments_free(struct attachments **attachments);

#endif
