// SPDX-License-Identifier: Apache-2.0
/*
 * Who has a slot, as of the state in force.
 */
#include "datapath_counters.h"
#include "datapath_state.h"
#include "policyset.h"

const char *datapath_slot_policy(const struct datapath *datapath, uint32_t slot)
{
	const struct policy *policy = NULL;

	if (slot < datapath_slot_limit(datapath))
		policy = datapath->chunk[slot / PEP_CHUNK].policy[slot % PEP_CHUNK];
	return policy ? policy->id : NULL;
}

uint32_t datapath_slot_life(const struct datapath *datapath, uint32_t slot)
{
	return slot < datapath_slot_limit(datapath)
		       ? __atomic_load_n(&datapath->chunk[slot / PEP_CHUNK].life[slot % PEP_CHUNK],
					 __ATOMIC_RELAXED)
		       : 0;
}

uint32_t datapath_slot_limit(const struct datapath *datapath)
{
	return __atomic_load_n(&datapath->next_slot, __ATOMIC_ACQUIRE);
}

uint32_t datapath_policy_slot(const struct datapath *datapath, const char *id)
{
	const struct datapath_slots *slots = &datapath->policies;
	ptrdiff_t index = slots->set ? policyset_index(slots->set, id) : -1;

	if (index >= 0)
		return slots->slot[index];
	slots = &datapath->failsafe;
	index = slots->set ? policyset_index(slots->set, id) : -1;
	return index >= 0 ? slots->slot[index] : PEP_SLOT_NONE;
}

uint32_t datapath_slot_of(const struct datapath *datapath, const struct policyset *set,
			  size_t index)
{
	if (set == datapath->policies.set)
		return datapath->policies.slot[index];
	return datapath_policy_slot(datapath, set->policy[index]->id);
}

size_t datapath_costliest(const struct datapath *datapath, const char **ret, size_t most)
{
	const struct datapath_base *base = &datapath->base;
	size_t count = 0;

	for (size_t i = 0; i < base->costliest_count && count < most; i++) {
		const char *id = datapath_slot_policy(datapath, base->costliest[i]);

		if (id)
			ret[count++] = id;
	}
	return count;
}
