// SPDX-License-Identifier: Apache-2.0
/*
 * Publishing: how a new state becomes the one that every packet sees.
 *
 * A packet reads the control word once and finds everything else through it.
 * So a state is laid out beside the one in force, and a single 64-bit store
 * switches: main image, overlay and generation together.  What is overwritten
 * on the way must not be in any packet's hands:
 *  - an entry of the main images or of the overlays that was in force,
 *  - the version of a slot that is not in force, for packets older than the one that is,
 *  - a slot that is given to another policy.
 * Each carries the generation that every packet under way must have reached,
 * and datapath_settle() waits for that, if it has to.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "address_sets.h"
#include "cleanup.h"
#include "datapath_change.h"
#include "datapath_pending.h"
#include "datapath_settle.h"
#include "policyset.h"

int datapath_promote(struct datapath *datapath, struct datapath_change *change)
{
	int map = change->maps.map, error;

	if (map < 0)
		return 0;
	/* Should some have new programs and some the old, only these know this map. */
	datapath->strange_image = map;
	error = datapath_exchange_programs(datapath, &change->maps, change->program);
	if (!error)
		datapath->strange_image = -1;
	return error;
}

/* What packets see changes with the last line. */
static void store_word(struct datapath *datapath, const struct datapath_change *change,
		       uint64_t deadline_ns)
{
	struct pep_control *control = datapath->control;
	uint64_t before = control->word_now;

	__atomic_store_n(&control->word_before, before, __ATOMIC_RELAXED);
	__atomic_store_n(&control->deadline_ns, deadline_ns, __ATOMIC_RELEASE);
	__atomic_store_n(&control->word_now,
			 PEP_WORD(change->main, change->overlay, change->generation),
			 __ATOMIC_RELEASE);
}

static void follow_word(struct datapath *datapath, struct datapath_change *change,
			uint64_t deadline_ns)
{
	uint64_t before = datapath->control->word_now;
	uint64_t old = PEP_WORD_OVERLAY(before);

	pthread_mutex_lock(&datapath->lock);
	store_word(datapath, change, deadline_ns);
	__atomic_store_n(&datapath->generation, change->generation, __ATOMIC_RELEASE);
	datapath->refresh_due = false;
	pthread_mutex_unlock(&datapath->lock);
	if (before && old != PEP_OVERLAY_NONE)
		datapath->overlay_until[old] = change->generation;
	if (change->overlay != PEP_OVERLAY_NONE)
		datapath->overlay = (uint32_t)change->overlay;
	EXCHANGE(datapath->image, change->image);
	change->defined_before = datapath->defined;
	if (change->defines)
		datapath->defined = change->generation;
}

static void adopt(struct datapath *datapath, struct datapath_change *change)
{
	slot_plan_carry(datapath, &change->policies, change->generation);
	slot_plan_adopt(datapath, &change->policies, &change->set, &datapath->policies);
	slot_plan_adopt(datapath, &change->failsafes, &change->failsafe, &datapath->failsafe);
	if (change->base.set) {
		EXCHANGE(datapath->base, change->base);
		older_layer_clear(&datapath->older);
		if (change->defines) /* a fold's is named since it began */
			datapath_slots_name(datapath, &datapath->base);
	}
	EXCHANGE(datapath->sets, change->sets);
	EXCHANGE(datapath->overlaid, change->overlaid);
	EXCHANGE(datapath->flags, change->flags);
	change->figures.publish_ns = datapath_since_ns(&change->began);
	EXCHANGE(datapath->figures, change->figures);
}

void datapath_change_release(struct datapath *datapath, const struct datapath_change *change)
{
	slot_plan_release(datapath, &change->policies);
	slot_plan_release(datapath, &change->failsafes);
	datapath_slots_release(datapath, &change->base);
}

void datapath_publish(struct datapath *datapath, struct datapath_change *change)
{
	follow_word(datapath, change, 0);
	adopt(datapath, change);
	datapath_change_release(datapath, change);
	datapath_change_end(datapath);
	datapath_settle_soon(datapath);
}

void datapath_publish_pending(struct datapath *datapath, struct datapath_change *change,
			      uint64_t deadline_ns)
{
	datapath->pending = change;
	follow_word(datapath, change, deadline_ns);
	adopt(datapath, change);
	datapath_change_end(datapath);
}

uint64_t datapath_commit(struct datapath *datapath, struct datapath_change **change)
{
	datapath_publish(datapath, *change);
	datapath_dispose(change);
	return datapath->defined;
}

void datapath_refresh(struct datapath *datapath)
{
	uint64_t word;

	pthread_mutex_lock(&datapath->lock);
	word = datapath->control->word_now;
	datapath->refresh_due = word && datapath->changing;
	if (word && !datapath->changing) {
		__atomic_store_n(&datapath->generation, datapath->generation + 1, __ATOMIC_RELEASE);
		__atomic_store_n(&datapath->control->word_now,
				 PEP_WORD((uint64_t)PEP_WORD_MAIN(word),
					  (uint64_t)PEP_WORD_OVERLAY(word), datapath->generation),
				 __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&datapath->lock);
}
