// SPDX-License-Identifier: Apache-2.0
/*
 * A packet that meets a rule must know whether the rule's policy is alive in its
 * generation.  The slot says so, but it is two cache lines that hardly any
 * packet shares with the one before, and takes nearly half the time of a lookup
 * among 10,000 policies.  For most policies the answer has long been the same for all
 * packets: it is kept in a bit.
 *
 * A bit that is not set is never wrong, so they are set at leisure.
 */
#include "datapath_steady.h"

#include "datapath_change.h"
#include "datapath_maps.h"
#include "datapath_settle.h"
#include "datapath_state.h"

#define SLOTS_A_WORD 64

void datapath_unsteady(struct datapath *datapath, uint32_t slot)
{
	__atomic_fetch_and(&datapath->steady[slot / SLOTS_A_WORD], ~(1ULL << slot % SLOTS_A_WORD),
			   __ATOMIC_SEQ_CST);
	datapath->chunk[slot / PEP_CHUNK].unsteady = true;
}

/* Also one that is written already and not in force. */
static const struct pep_version *newest(const struct pep_slot *slot)
{
	return &slot->version[slot->version[1].from > slot->version[0].from];
}

static bool is_steady(const struct pep_version *version)
{
	return version->from && !version->expires_ns &&
	       !(version->flags & (PEP_VERSION_DEAD | PEP_VERSION_OVERLAY));
}

/* True: all of its slots are what they will be until they are written. */
static bool settle_chunk(struct datapath *datapath, uint32_t chunk)
{
	const struct pep_slot *slots = datapath->chunk[chunk].slots;
	uint64_t *steady = datapath->steady + (size_t)chunk * PEP_CHUNK / SLOTS_A_WORD;
	bool all = true;

	for (uint32_t i = 0; i < PEP_CHUNK; i++) {
		const struct pep_version *version = newest(&slots[i]);

		if (!is_steady(version))
			continue;
		if (datapath_is_settled(datapath, version->from))
			__atomic_fetch_or(&steady[i / SLOTS_A_WORD], 1ULL << i % SLOTS_A_WORD,
					  __ATOMIC_RELEASE);
		else
			all = false;
	}
	return all;
}

int datapath_rest(struct datapath *datapath)
{
	/* A change that is laid out and not yet published has an image of its own. */
	bool drop = datapath_images_left(datapath) && !datapath->changing;
	int error;

	if (datapath->pending) /* what was before must be found as it was */
		return 0;
	error = drop ? datapath_images_drop(datapath) : 0;
	if (!error && datapath->free_slots > datapath->next_slot / 2) /* datapath_slots_trim() */
		error = datapath_settle(datapath, datapath_generation(datapath));

	for (uint32_t i = 0; i < PEP_CHUNKS && datapath->chunk[i].slots && !error; i++) {
		if (!datapath->chunk[i].unsteady)
			continue;
		error = datapath_settle(datapath, datapath_generation(datapath));
		if (!error)
			datapath->chunk[i].unsteady = !settle_chunk(datapath, i);
	}
	return error;
}
