/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A datapath, a store and listeners that only take note of what is asked of
 * them, and fail when they are told to: for tests of the order of steps.
 */
#ifndef STUBS_H
#define STUBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pep.h"

struct address_sets;
struct policyset;

struct stubs {
	char calls[1024]; /* names of what was called, a space behind each */
	int prepare_error; /* -errno that the next calls give */
	size_t prepare_most; /* policies; more are -ENOSPC; 0: no limit */
	int promote_error;
	int append_error;
	int confirm_error, withdraw_error;
	int reconfigure_error;
	uint64_t generation;
	uint32_t steps; /* of the last prepared state */
	size_t taken_back; /* transactions */
	int open_changes; /* prepared and neither committed nor abandoned */
	size_t appended_put, appended_removed;
	size_t compacted;
	size_t last_good; /* file policies that were kept */
	const struct address_sets *sets; /* of the last prepared state */
	const char *good_config; /* JSON of the last good state; NULL: there is none */
	const char *good_policies;
	const char *stored; /* JSON of the API's policies; NULL: none */
	int open_error;
	uint32_t flags; /* of the last prepared state */
	uint64_t event_readers;
	const struct policyset
		*slots; /* whose ids are as long as their slots' numbers; NULL: none */
	uint32_t slot_life; /* of every slot */
	uint64_t slot_packets; /* what every slot's counter says */
	uint64_t interface_packets; /* what every interface's ALLOW says */
};

extern struct stubs stubs;

/** As at the start of a program. */
void stubs_reset(void);

/** Adds to stubs.calls. */
void stubs_note(const char *call);

/** Makes an API policy (or a file's) of its JSON; ends the test when it is bad. */
struct policy *policy_of(const char *json, bool file);

/** A set of the policies of a JSON array. */
struct policyset *set_of(const char *json, bool file);

#endif
