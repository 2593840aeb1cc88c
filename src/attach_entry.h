/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of attaching: one interface, what is wanted of it, what holds there.
 */
#ifndef ATTACH_ENTRY_H
#define ATTACH_ENTRY_H

#include <stdbool.h>

#include "attach.h"
#include "attach_anchor.h"
#include "attach_device.h"

struct attach_entry {
	struct attachment shown; /* first: a pointer to it is one to the entry */
	struct datapath *datapath;
	struct keep *keep; /* NULL: what is attached ends with the process */
	struct attach_gates *gates; /* NULL: a filter does not */
	struct attach_wanted wanted;
	struct anchor ingress;
	struct anchor egress;
	char driver[DEVICE_DRIVER_BYTES];
	bool known; /* to the datapath */
	bool made_qdisc; /* clsact, which goes with the last filter if that is ours */
	bool without_tcx; /* attach_without_tcx() */
};

/**
 * Attaches as wanted, in the order of modes, and brings @entry->shown up to
 * date. Returns 0 or -errno of the last attempt.
 */
int attach_entry_apply(struct attach_entry *entry, const struct attach_wanted *wanted);

/**
 * Whether XDP would never see the VLAN tags that @wanted asks for: then
 * @ret_words gets a sentence with the cure for the operator (caller frees),
 * else NULL. Returns 0 or -errno.
 */
int attach_entry_blind(const struct attach_entry *entry, const struct attach_wanted *wanted,
		       char **ret_words);

/** Detaches both directions. */
void attach_entry_detach(struct attach_entry *entry);

/** Writes the state of the anchors to @entry->shown. */
void attach_entry_show(struct attach_entry *entry);

/** Forgets the attempts of one hook ("ingress", "egress"), or of all for NULL. */
void attach_entry_clear_attempts(struct attach_entry *entry, const char *hook);

#endif
