// SPDX-License-Identifier: Apache-2.0
/*
 * Slots: who has which.
 *
 * A slot that a policy leaves is given to another one when no image in force
 * names it any more and no packet that began before that is under way.
 */
#include "datapath_slots.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "datapath_counters.h"
#include "datapath_settle.h"
#include "policyset.h"

/* ---- free ones: a ring, in the order in which they became free */

static struct datapath_free_slot *free_at(const struct datapath *datapath, size_t index)
{
	return &datapath->free_slot[(datapath->free_first + index) % datapath->free_slots_room];
}

/* Room was made for all slots there are: slot_plan_make(). */
static void push_free(struct datapath *datapath, uint32_t slot, uint64_t generation)
{
	*free_at(datapath, datapath->free_slots++) =
		(struct datapath_free_slot){ .slot = slot, .generation = generation };
}

/* Nothing names it from the generation in force on. */
static void free_slot(struct datapath *datapath, uint32_t slot)
{
	push_free(datapath, slot, datapath_generation(datapath));
}

/* How many can be taken at once, of @most that are wanted. */
static size_t count_usable(const struct datapath *datapath, size_t most)
{
	size_t count = 0;

	while (count < most && count < datapath->free_slots &&
	       datapath_is_settled(datapath, free_at(datapath, count)->generation))
		count++;
	return count;
}

/* So that giving slots back cannot fail. */
static int make_room(struct datapath *datapath, size_t more)
{
	size_t room = datapath->next_slot + more;
	struct datapath_free_slot *slots;

	if (room <= datapath->free_slots_room)
		return 0;
	room += room / 4 + 64;
	slots = malloc(room * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < datapath->free_slots; i++)
		slots[i] = *free_at(datapath, i);
	free(datapath->free_slot);
	datapath->free_slot = slots;
	datapath->free_first = 0;
	datapath->free_slots_room = room;
	return 0;
}

/* Who has the slots of the new chunks, in the daemon's own memory. */
static int add_owners(struct datapath *datapath, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count && i < PEP_CHUNKS; i++) {
		struct datapath_chunk *chunk = &datapath->chunk[i];

		if (!chunk->policy)
			chunk->policy = calloc(PEP_CHUNK, sizeof(*chunk->policy));
		if (!chunk->life)
			chunk->life = calloc(PEP_CHUNK, sizeof(*chunk->life));
		if (!chunk->named)
			chunk->named = calloc(PEP_CHUNK, sizeof(*chunk->named));
		if (!chunk->policy || !chunk->life || !chunk->named)
			return -ENOMEM;
	}
	return 0;
}

/* Makes all chunks at once that @count new policies need: there is one wait for them. */
static int reserve_slots(struct datapath *datapath, size_t count)
{
	uint32_t first = (datapath->next_slot + PEP_CHUNK - 1) / PEP_CHUNK;
	size_t room = (size_t)first * PEP_CHUNK - datapath->next_slot, end;
	size_t usable = count_usable(datapath, count);
	uint32_t chunks;
	int error;

	if (usable + room >= count)
		return 0;
	if (usable < datapath->free_slots) {
		error = datapath_settle(datapath, datapath_generation(datapath));
		if (error)
			return error;
		usable = count_usable(datapath, count);
		if (usable + room >= count)
			return 0;
	}
	end = datapath->next_slot + count - usable;
	if (end > (size_t)PEP_CHUNK * PEP_CHUNKS)
		return -ENOSPC;
	chunks = (uint32_t)((end - 1) / PEP_CHUNK) + 1 - first;
	error = add_owners(datapath, first, chunks);
	return error ? error : datapath_chunks_add(datapath, first, chunks);
}

static uint32_t *life_of(const struct datapath *datapath, uint32_t slot)
{
	return &datapath->chunk[slot / PEP_CHUNK].life[slot % PEP_CHUNK];
}

/* It was reserved. */
static uint32_t take_slot(struct datapath *datapath)
{
	uint32_t slot = datapath->next_slot;

	if (!count_usable(datapath, 1)) {
		__atomic_store_n(&datapath->next_slot, slot + 1, __ATOMIC_RELEASE);
		return slot;
	}
	slot = free_at(datapath, 0)->slot;
	datapath->free_first = (datapath->free_first + 1) % datapath->free_slots_room;
	datapath->free_slots--;
	return slot;
}

/* ---- giving up */

static bool is_idle(const struct datapath_chunk *chunk)
{
	for (uint32_t i = 0; i < PEP_CHUNK; i++) {
		if (chunk->policy[i] || chunk->named[i])
			return false;
	}
	return true;
}

/* The first slot of all chunks at the end in which no slot is in use. */
static uint32_t end_of_use(const struct datapath *datapath)
{
	uint32_t chunks = (datapath->next_slot + PEP_CHUNK - 1) / PEP_CHUNK;

	while (chunks > 1 && is_idle(&datapath->chunk[chunks - 1]))
		chunks--;
	return chunks * PEP_CHUNK < datapath->next_slot ? chunks * PEP_CHUNK : datapath->next_slot;
}

/* The ring with those before @end alone. */
static int shorten_ring(struct datapath *datapath, uint32_t end)
{
	size_t room = (size_t)end + end / 4 + 64, count = 0;
	struct datapath_free_slot *slots = malloc(room * sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < datapath->free_slots; i++) {
		if (free_at(datapath, i)->slot < end)
			slots[count++] = *free_at(datapath, i);
	}
	free(datapath->free_slot);
	datapath->free_slot = slots;
	datapath->free_first = 0;
	datapath->free_slots = count;
	datapath->free_slots_room = room;
	return 0;
}

static void drop_owners(struct datapath_chunk *chunk)
{
	free(chunk->policy);
	free(chunk->life);
	free(chunk->named);
	chunk->policy = NULL;
	chunk->life = NULL;
	chunk->named = NULL;
}

bool datapath_slots_trim(struct datapath *datapath)
{
	const size_t count = datapath->free_slots;
	uint32_t end, slots = datapath->next_slot;

	if (datapath->pending)
		return false;
	/* Packets under way may still see those that have become free just now. */
	if (count < slots / 2 || count_usable(datapath, count) < count)
		return false;
	end = end_of_use(datapath);
	if (end == slots || shorten_ring(datapath, end))
		return false;
	__atomic_store_n(&datapath->next_slot, end, __ATOMIC_RELEASE);
	for (uint32_t i = end / PEP_CHUNK; i <= (slots - 1) / PEP_CHUNK; i++)
		drop_owners(&datapath->chunk[i]);
	return true;
}

/* ---- a plan */

static int plan_room(const struct datapath_slots *now, const struct policyset *set,
		     struct slot_plan *plan)
{
	size_t have = now->set ? now->set->count : 0;

	plan->slot = malloc((set->count + 1) * sizeof(*plan->slot));
	plan->added = malloc((set->count + 1) * sizeof(*plan->added));
	plan->fresh = malloc((set->count + 1) * sizeof(*plan->fresh));
	plan->removed = malloc((have + 1) * sizeof(*plan->removed));
	return plan->slot && plan->added && plan->fresh && plan->removed ? 0 : -ENOMEM;
}

#define BLOCK 64 /* policies that are compared at once: most are the same */

static bool is_same_block(const struct datapath_slots *now, size_t j, const struct policyset *set,
			  size_t i)
{
	return now->set && j + BLOCK <= now->set->count && i + BLOCK <= set->count &&
	       !memcmp(&now->set->policy[j], &set->policy[i], BLOCK * sizeof(struct policy *));
}

/*
 * Both sets are sorted by id, and policies that stay are the same object: one
 * pass finds what differs. Returns how many are new.
 */
static size_t compare_sets(const struct datapath_slots *now, const struct policyset *set,
			   struct slot_plan *plan)
{
	size_t j = 0, have = now->set ? now->set->count : 0, others = 0;

	for (size_t i = 0; i < set->count; i++) {
		int order = 1;

		while (is_same_block(now, j, set, i)) {
			memcpy(&plan->slot[i], &now->slot[j], BLOCK * sizeof(*plan->slot));
			i += BLOCK;
			j += BLOCK;
		}
		if (i == set->count)
			break;
		while (j < have && now->set->policy[j] != set->policy[i] &&
		       (order = strcmp(now->set->policy[j]->id, set->policy[i]->id)) < 0)
			plan->removed[plan->removed_count++] = (uint32_t)j++;
		if (j < have && now->set->policy[j] == set->policy[i]) {
			plan->slot[i] = now->slot[j++];
			continue;
		}
		plan->fresh[plan->fresh_count++] = (uint32_t)i;
		plan->slot[i] = j < have && order == 0 ? now->slot[j++] : PEP_SLOT_NONE;
		others += plan->slot[i] == PEP_SLOT_NONE;
	}
	while (j < have)
		plan->removed[plan->removed_count++] = (uint32_t)j++;
	return others;
}

static int assign(struct datapath *datapath, const struct datapath_slots *now,
		  const struct policyset *set, struct slot_plan *plan)
{
	int error = reserve_slots(datapath, compare_sets(now, set, plan));

	for (size_t i = 0; i < plan->fresh_count && !error; i++) {
		uint32_t *slot = &plan->slot[plan->fresh[i]];

		if (*slot != PEP_SLOT_NONE)
			continue;
		*slot = take_slot(datapath);
		plan->added[plan->added_count++] = *slot;
		__atomic_store_n(life_of(datapath, *slot), ++datapath->lives, __ATOMIC_RELAXED);
	}
	return error;
}

int slot_plan_make(struct datapath *datapath, const struct datapath_slots *now,
		   const struct policyset *set, struct slot_plan *ret)
{
	struct slot_plan plan = { 0 };
	int error = make_room(datapath, set->count);

	if (!error)
		error = plan_room(now, set, &plan);
	if (!error)
		error = assign(datapath, now, set, &plan);
	if (error) {
		slot_plan_undo(datapath, &plan);
		return error;
	}
	*ret = plan;
	return 0;
}

void slot_plan_clear(struct slot_plan *plan)
{
	free(plan->slot);
	free(plan->added);
	free(plan->fresh);
	free(plan->removed);
	free(plan->written);
	memset(plan, 0, sizeof(*plan));
}

void slot_plan_undo(struct datapath *datapath, struct slot_plan *plan)
{
	for (size_t i = 0; i < plan->added_count; i++)
		push_free(datapath, plan->added[i], 0);
	slot_plan_clear(plan);
}

void datapath_slots_clear(struct datapath_slots *slots)
{
	policyset_put(&slots->set);
	free(slots->slot);
	slots->slot = NULL;
}

static const struct policy **owner_of(struct datapath *datapath, uint32_t slot)
{
	return &datapath->chunk[slot / PEP_CHUNK].policy[slot % PEP_CHUNK];
}

/* By how many main images, in force or being compiled. */
static uint8_t *named(struct datapath *datapath, uint32_t slot)
{
	return &datapath->chunk[slot / PEP_CHUNK].named[slot % PEP_CHUNK];
}

void datapath_slots_name(struct datapath *datapath, const struct datapath_base *base)
{
	for (size_t i = 0; base->set && i < base->set->count; i++)
		++*named(datapath, base->slot[i]);
}

void datapath_slots_release(struct datapath *datapath, const struct datapath_base *base)
{
	for (size_t i = 0; base->set && i < base->set->count; i++) {
		if (!--*named(datapath, base->slot[i]) && !*owner_of(datapath, base->slot[i]))
			free_slot(datapath, base->slot[i]);
	}
}

/* *set and plan->slot are exchanged with those of @now. */
static void exchange(struct slot_plan *plan, struct policyset **set, struct datapath_slots *now)
{
	const struct datapath_slots before = *now;

	*now = (struct datapath_slots){ *set, plan->slot };
	*set = before.set;
	plan->slot = before.slot;
}

void slot_plan_adopt(struct datapath *datapath, struct slot_plan *plan, struct policyset **set,
		     struct datapath_slots *now)
{
	exchange(plan, set, now);
	for (size_t i = 0; i < plan->fresh_count; i++)
		*owner_of(datapath, now->slot[plan->fresh[i]]) = now->set->policy[plan->fresh[i]];
}

/* What an image names becomes free when that image goes. */
void slot_plan_release(struct datapath *datapath, const struct slot_plan *plan)
{
	for (size_t i = 0; i < plan->removed_count; i++) {
		uint32_t slot = plan->slot[plan->removed[i]];

		*owner_of(datapath, slot) = NULL;
		if (!*named(datapath, slot))
			free_slot(datapath, slot);
	}
}

void slot_plan_return(struct datapath *datapath, struct slot_plan *plan, struct policyset **set,
		      struct datapath_slots *now)
{
	for (size_t i = 0; i < plan->fresh_count; i++) {
		const struct policy *policy = now->set->policy[plan->fresh[i]];

		*owner_of(datapath, now->slot[plan->fresh[i]]) =
			*set ? policyset_find(*set, policy->id) : NULL;
	}
	for (size_t i = 0; i < plan->added_count; i++) {
		if (!*named(datapath, plan->added[i]))
			free_slot(datapath, plan->added[i]);
	}
	exchange(plan, set, now);
}
