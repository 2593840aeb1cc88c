// SPDX-License-Identifier: Apache-2.0
/*
 * Interfaces as the programs know them, and counters: the sum of the stripes,
 * less what a reset took as its baseline.
 */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "datapath_change.h"
#include "datapath_counters.h"
#include "datapath_interfaces.h"
#include "policyset.h"

#define TALLIES (PEP_DIRECTIONS * PEP_OUTCOME_MAX)
/* What is gone leaves a key that no interface has, so that probing goes on. */
#define INTERFACE_GONE 0xffffffffu

/* ---- interfaces */

static bool set_names_interface(const struct policyset *set, const char *name)
{
	for (size_t i = 0; set && i < set->count; i++) {
		const struct policy *policy = set->policy[i];

		for (size_t j = 0; j < policy->interface_count; j++) {
			if (!strcmp(policy->rare->interfaces[j], name))
				return true;
		}
	}
	return false;
}

/* Whether an interface that is attached, or a policy in force or prepared, has the id. */
static bool id_in_use(const struct datapath *datapath, size_t id)
{
	const struct datapath_name *name = &datapath->name[id];

	if (name->prepared > datapath->changes)
		return true;
	for (size_t i = 0; i < PEP_INTERFACES; i++) {
		const struct pep_interface *entry = &datapath->interfaces[i];

		if (entry->id == id && entry->ifindex && entry->ifindex != INTERFACE_GONE)
			return true;
	}
	if (datapath->pending && (set_names_interface(datapath->pending->set, name->name) ||
				  set_names_interface(datapath->pending->failsafe, name->name)))
		return true;
	return set_names_interface(datapath->policies.set, name->name) ||
	       set_names_interface(datapath->failsafe.set, name->name);
}

static void set_name(struct datapath *datapath, size_t id, const char *name)
{
	struct pep_name *kept = &datapath->kept_name[id];

	memset(kept, 0, sizeof(*kept));
	strncpy(kept->text, name, sizeof(kept->text) - 1);
	memcpy(datapath->name[id].name, kept->text, sizeof(kept->text));
}

/* Gives an id that nobody has any more another name. */
static int reuse_id(struct datapath *datapath, const char *name)
{
	for (size_t id = 1; id < datapath->names; id++) {
		struct datapath_name *old = &datapath->name[id];

		if (id_in_use(datapath, id))
			continue;
		for (uint32_t i = 0; i < datapath->stripes && old->tally[i]; i++)
			memset(old->tally[i], 0, TALLIES * sizeof(*old->tally[i]));
		if (old->baseline)
			memset(old->baseline, 0, TALLIES * sizeof(*old->baseline));
		set_name(datapath, id, name);
		old->prepared = 0;
		return (int)id;
	}
	return -ENOSPC;
}

/* @ret_reused: what was cached by the id is to be forgotten. */
static int find_or_make_id(struct datapath *datapath, const char *name, bool *ret_reused)
{
	size_t names = datapath->names;

	for (size_t id = 1; id < names; id++) {
		if (!strcmp(datapath->name[id].name, name))
			return (int)id;
	}
	*ret_reused = names >= PEP_INTERFACES;
	if (*ret_reused)
		return reuse_id(datapath, name);
	set_name(datapath, names, name);
	__atomic_store_n(&datapath->names, names + 1, __ATOMIC_RELEASE);
	return (int)names;
}

static int interface_id(struct datapath *datapath, const char *name, bool prepared)
{
	bool reused = false;
	int id;

	pthread_mutex_lock(&datapath->lock);
	id = find_or_make_id(datapath, name, &reused);
	if (id > 0 && prepared)
		datapath->name[id].prepared = datapath->changes + 1;
	pthread_mutex_unlock(&datapath->lock);
	if (id > 0 && reused)
		datapath_refresh(datapath);
	return id;
}

int datapath_interface_id(struct datapath *datapath, const char *name)
{
	return interface_id(datapath, name, false);
}

int datapath_interface_id_prepared(struct datapath *datapath, const char *name)
{
	return interface_id(datapath, name, true);
}

static struct pep_interface *interface_probe(const struct datapath *datapath, uint32_t ifindex,
					     uint32_t probe)
{
	return &datapath->interfaces[(ifindex + probe) & (PEP_INTERFACES - 1)];
}

/* An entry is written before its key, which is what the programs look for. */
static void interface_write(struct pep_interface *entry, uint32_t ifindex, uint16_t id, bool l3)
{
	__atomic_store_n(&entry->id, id, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->flags, l3 ? PEP_INTERFACE_L3 : 0, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->ifindex, ifindex, __ATOMIC_RELEASE);
}

int datapath_interface_add(struct datapath *datapath, uint32_t ifindex, const char *name, bool l3)
{
	struct pep_interface *entry, *room = NULL;
	int id = datapath_interface_id(datapath, name), error;

	if (id < 0)
		return id;
	error = datapath_chunks_add_tally(datapath, (uint32_t)id);
	if (error)
		return error;
	for (uint32_t i = 0; i < PEP_INTERFACE_PROBES; i++) {
		entry = interface_probe(datapath, ifindex, i);
		if (entry->ifindex == ifindex) {
			interface_write(entry, ifindex, (uint16_t)id, l3);
			return 0;
		}
		if (!room && (!entry->ifindex || entry->ifindex == INTERFACE_GONE))
			room = entry;
	}
	if (!room)
		return -ENOSPC;
	interface_write(room, ifindex, (uint16_t)id, l3);
	return 0;
}

void datapath_interface_remove(struct datapath *datapath, uint32_t ifindex)
{
	for (uint32_t i = 0; i < PEP_INTERFACE_PROBES; i++) {
		struct pep_interface *entry = interface_probe(datapath, ifindex, i);

		if (entry->ifindex == ifindex)
			__atomic_store_n(&entry->ifindex, INTERFACE_GONE, __ATOMIC_RELEASE);
	}
}

/* ---- counters: all members are 64-bit numbers, added and subtracted as such */

static uint64_t load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void add_numbers(void *sum, const void *numbers, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(uint64_t); i++)
		((uint64_t *)sum)[i] += load((const uint64_t *)numbers + i);
}

static void subtract_numbers(void *sum, const void *numbers, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(uint64_t); i++)
		((uint64_t *)sum)[i] -= ((const uint64_t *)numbers)[i];
}

static void slot_sum(const struct datapath *datapath, uint32_t slot, struct pep_matches *ret)
{
	const struct datapath_chunk *chunk = &datapath->chunk[slot / PEP_CHUNK];

	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; i < datapath->stripes && chunk->counters[i]; i++)
		add_numbers(ret, &chunk->counters[i][slot % PEP_CHUNK], sizeof(*ret));
}

void datapath_slot_counters(const struct datapath *datapath, uint32_t slot,
			    struct pep_counters *ret)
{
	const struct datapath_chunk *chunk;
	struct pep_matches sum;

	memset(ret, 0, sizeof(*ret));
	if (slot >= __atomic_load_n(&datapath->next_slot, __ATOMIC_ACQUIRE))
		return;
	chunk = &datapath->chunk[slot / PEP_CHUNK];
	slot_sum(datapath, slot, &sum);
	if (chunk->baseline)
		subtract_numbers(&sum, &chunk->baseline[slot % PEP_CHUNK], sizeof(sum));
	ret->packets = sum.passed.packets + sum.dropped.packets;
	ret->bytes = sum.passed.bytes + sum.dropped.bytes;
	ret->dropped_packets = sum.dropped.packets;
	ret->dropped_bytes = sum.dropped.bytes;
}

void datapath_policy_counters(const struct datapath *datapath, const char *id,
			      struct pep_counters *ret)
{
	datapath_slot_counters(datapath, datapath_policy_slot(datapath, id), ret);
}

void datapath_counters_forget(struct datapath *datapath, uint32_t slot)
{
	struct datapath_chunk *chunk = &datapath->chunk[slot / PEP_CHUNK];

	for (uint32_t i = 0; i < datapath->stripes && chunk->counters[i]; i++)
		memset(&chunk->counters[i][slot % PEP_CHUNK], 0, sizeof(struct pep_matches));
	if (chunk->baseline)
		memset(&chunk->baseline[slot % PEP_CHUNK], 0, sizeof(struct pep_matches));
}

static void tally_sum(const struct datapath *datapath, const struct datapath_name *name,
		      struct pep_tally *ret)
{
	memset(ret, 0, TALLIES * sizeof(*ret));
	for (uint32_t i = 0; i < datapath->stripes && name->tally[i]; i++)
		add_numbers(ret, name->tally[i], TALLIES * sizeof(*ret));
}

void datapath_interface_tally(const struct datapath *datapath, const char *name,
			      enum pep_direction direction, struct pep_tally *ret)
{
	const size_t names = __atomic_load_n(&datapath->names, __ATOMIC_ACQUIRE);
	struct pep_tally sum[TALLIES];

	memset(ret, 0, PEP_OUTCOME_MAX * sizeof(*ret));
	for (size_t id = 0; id < names; id++) {
		const struct datapath_name *n = &datapath->name[id];

		if (strcmp(n->name, name))
			continue;
		tally_sum(datapath, n, sum);
		if (n->baseline)
			subtract_numbers(sum, n->baseline, sizeof(sum));
		memcpy(ret, &sum[direction * PEP_OUTCOME_MAX], PEP_OUTCOME_MAX * sizeof(*ret));
	}
}

static bool is_zero(const struct pep_tally *tallies)
{
	for (size_t i = 0; i < TALLIES; i++) {
		if (tallies[i].packets || tallies[i].bytes)
			return false;
	}
	return true;
}

int datapath_tally_inherit(struct datapath *datapath, const char *name,
			   const struct pep_tally *tallies)
{
	int id = 0, error;

	if (is_zero(tallies))
		return 0;
	if (*name)
		id = datapath_interface_id(datapath, name);
	if (id < 0)
		return id;
	error = datapath_chunks_add_baselines(datapath);
	if (!error)
		add_numbers(datapath->name[id].baseline, tallies, TALLIES * sizeof(*tallies));
	return error;
}

const char *datapath_next_counted(const struct datapath *datapath, size_t *id)
{
	while (++*id < __atomic_load_n(&datapath->names, __ATOMIC_ACQUIRE)) {
		if (datapath->name[*id].tally[0] || datapath->name[*id].baseline)
			return datapath->name[*id].name;
	}
	return NULL;
}

static void totals_sum(const struct datapath *datapath, struct pep_totals *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; i < datapath->stripes; i++)
		add_numbers(ret, &datapath->totals[i], sizeof(*ret));
}

void datapath_totals(const struct datapath *datapath, struct pep_totals *ret)
{
	totals_sum(datapath, ret);
	subtract_numbers(ret, &datapath->run->baseline, sizeof(*ret));
}

/* ---- reset: first all memory, then all baselines */

int datapath_reset(struct datapath *datapath)
{
	int error = datapath_chunks_add_baselines(datapath);

	if (error)
		return error;
	for (uint32_t slot = 0; slot < datapath->next_slot; slot++)
		slot_sum(datapath, slot,
			 &datapath->chunk[slot / PEP_CHUNK].baseline[slot % PEP_CHUNK]);
	for (size_t id = 0; id < datapath->names; id++)
		tally_sum(datapath, &datapath->name[id], datapath->name[id].baseline);
	totals_sum(datapath, &datapath->run->baseline);
	return 0;
}

/* ---- what all of it takes */

static size_t chunks_for(size_t count)
{
	return (count + PEP_CHUNK - 1) / PEP_CHUNK;
}

void datapath_memory(const struct datapath *datapath, struct datapath_memory *ret)
{
	size_t limits = __atomic_load_n(&datapath->limits.next, __ATOMIC_RELAXED);

	memset(ret, 0, sizeof(*ret));
	ret->slots = __atomic_load_n(&datapath->next_slot, __ATOMIC_RELAXED);
	/* The kernel keeps those that were given up, for later. */
	for (uint32_t i = 0; i < PEP_CHUNKS; i++) {
		if (!__atomic_load_n(&datapath->chunk[i].slots, __ATOMIC_RELAXED))
			break;
		ret->counter_bytes += datapath_chunk_stripes(datapath, i) * PEP_CHUNK *
				      sizeof(struct pep_matches);
		ret->slot_bytes += PEP_CHUNK * sizeof(struct pep_slot);
	}
	if (limits > 1) /* 0 is none */
		ret->limit_bytes = chunks_for(limits) * PEP_CHUNK * sizeof(struct pep_limits);
	for (int i = 0; i < 2; i++)
		ret->image_bytes += (size_t)__builtin_popcount(__atomic_load_n(
					    &datapath->image_entries[i], __ATOMIC_RELAXED)) *
				    datapath->image_bytes[i];
}
