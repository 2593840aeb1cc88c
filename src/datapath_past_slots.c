// SPDX-License-Identifier: Apache-2.0
/*
 * Whose the slots of earlier runs were, and what their buckets lack.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "datapath_limits.h"
#include "datapath_past.h"
#include "datapath_reader.h"
#include "datapath_slots.h"
#include "policyset.h"

static int by_hash(const void *a, const void *b)
{
	const struct past_owner *first = a, *second = b;

	return first->hash < second->hash ? -1 : first->hash > second->hash;
}

static void list_owners(const struct datapath_slots *slots, struct datapath_past *past)
{
	for (size_t i = 0; slots->set && i < slots->set->count; i++)
		past->owner[past->owners++] = (struct past_owner){
			.hash = datapath_owner(slots->set->policy[i]->id),
			.slot = slots->slot[i],
		};
}

int past_list_owners(const struct datapath *datapath)
{
	struct datapath_past *past = datapath->past;
	const struct policyset *set = datapath->policies.set, *failsafe = datapath->failsafe.set;

	past->owner = calloc((set ? set->count : 0) + (failsafe ? failsafe->count : 0) + 1,
			     sizeof(*past->owner));
	if (!past->owner)
		return -ENOMEM;
	list_owners(&datapath->policies, past);
	list_owners(&datapath->failsafe, past);
	qsort(past->owner, past->owners, sizeof(*past->owner), by_hash);
	return 0;
}

static unsigned int newest(const struct pep_slot *slot)
{
	return slot->version[1].from > slot->version[0].from;
}

/* A slot that was of a policy that is in force now. Of two the younger one is meant: the other was
 * left before a policy of that name came back. */
static void note_slot(struct datapath_past *past, const struct pep_slot *slot, uint32_t number)
{
	const struct pep_version *version = &slot->version[newest(slot)];
	const struct past_owner key = { .hash = (uint64_t)slot->owner << 32 | version->owner };
	struct past_owner *owner = NULL;

	if (version->owner)
		owner = bsearch(&key, past->owner, past->owners, sizeof(key), by_hash);
	if (!owner || (owner->old_slot != PEP_SLOT_NONE && owner->from > version->from))
		return;
	owner->old_slot = number;
	owner->from = version->from;
}

static int map_slots(struct datapath_past *past, struct past_run *run,
		     struct datapath_reader *reader)
{
	const struct pep_slot *slots;
	size_t count, found = 0;

	for (size_t i = 0; i < past->owners; i++)
		past->owner[i].old_slot = PEP_SLOT_NONE;
	for (uint32_t chunk = 0;
	     (slots = (const void *)datapath_reader_read(reader, chunk, &count)); chunk++) {
		for (uint32_t i = 0; i < count; i++)
			note_slot(past, &slots[i], chunk * PEP_CHUNK + i);
		found += PEP_CHUNK;
	}
	run->slot = malloc((found + 1) * sizeof(*run->slot));
	if (!run->slot)
		return -ENOMEM;
	run->slots = found;
	memset(run->slot, 0xff, run->slots * sizeof(*run->slot));
	for (size_t i = 0; i < past->owners; i++) {
		if (past->owner[i].old_slot != PEP_SLOT_NONE)
			run->slot[past->owner[i].old_slot] = past->owner[i].slot;
	}
	return 0;
}

/* ---- buckets */

struct debtor {
	uint32_t record; /* of its limits */
	uint32_t slot; /* of this run */
	unsigned int version; /* of its own */
};

static int by_record(const void *a, const void *b)
{
	const struct debtor *first = a, *second = b;

	return first->record < second->record ? -1 : first->record > second->record;
}

static int list_debtors(const struct datapath *datapath, const struct past_run *run,
			struct datapath_reader *reader, struct debtor **ret, size_t *ret_count)
{
	struct debtor *list = calloc(run->slots + 1, sizeof(*list));
	size_t count, found = 0;

	if (!list)
		return -ENOMEM;
	for (uint32_t chunk = 0; chunk < run->slots / PEP_CHUNK; chunk++) {
		const struct pep_slot *slots =
			(const void *)datapath_reader_read(reader, chunk, &count);

		for (uint32_t i = 0; i < count; i++) {
			uint32_t slot = run->slot[chunk * PEP_CHUNK + i];

			if (slot != PEP_SLOT_NONE && slots[i].limits &&
			    datapath_slot_at(datapath, slot)->limits)
				list[found++] =
					(struct debtor){ slots[i].limits, slot, newest(&slots[i]) };
		}
	}
	qsort(list, found, sizeof(*list), by_record);
	*ret = list;
	*ret_count = found;
	return 0;
}

static int inherit_limits(struct datapath *datapath, const struct past_run *run,
			  struct datapath_reader *slots)
{
	CLEANUP(datapath_reader_close) struct datapath_reader *reader = NULL;
	CLEANUP(cleanup_free) struct debtor *list = NULL;
	const struct pep_limits *limits = NULL;
	size_t count = 0, records = 0;
	uint32_t chunk = UINT32_MAX;
	int error = list_debtors(datapath, run, slots, &list, &count);

	if (!error && count)
		error = past_read(run, MAP_LIMITS, PAST_WORDS(*limits), &reader);
	for (size_t i = 0; i < count && !error; i++) {
		const struct pep_slot *slot = datapath_slot_at(datapath, list[i].slot);

		if (chunk != list[i].record / PEP_CHUNK) {
			chunk = list[i].record / PEP_CHUNK;
			limits = (const void *)datapath_reader_read(reader, chunk, &records);
		}
		if (list[i].record % PEP_CHUNK < records)
			datapath_limits_inherit(datapath_limits_of(datapath, slot), newest(slot),
						&limits[list[i].record % PEP_CHUNK],
						list[i].version);
	}
	return error;
}

int past_inherit_slots(struct datapath *datapath, struct past_run *run)
{
	CLEANUP(datapath_reader_close) struct datapath_reader *reader = NULL;
	int error;

	error = past_read(run, MAP_SLOTS, PAST_WORDS(struct pep_slot), &reader);
	if (!error)
		error = map_slots(datapath->past, run, reader);
	if (!error)
		error = inherit_limits(datapath, run, reader);
	return error;
}
