// SPDX-License-Identifier: Apache-2.0
/*
 * The programs read two words: that of the state in force, and that of the one
 * before, which they use from the deadline on.  What the word before names
 * stays: nothing is prepared meanwhile, no slot is given away or trimmed, no
 * image is dropped, no slot called steady.
 *
 * To go back for good, the way is:
 *  - the deadline has passed: every new packet is of the state before,
 *  - when no older packet is under way, the versions of the slots that the
 *    change has written are taken back,
 *  - word_now becomes the state before, with a generation of its own, so that
 *    nothing that was kept of the change is used,
 *  - when no packet is under way that read the other word_now, the deadline goes:
 *    it could have read that one, and then no deadline.
 */
#include "datapath_pending.h"

#include <errno.h>
#include <time.h>

#include "cleanup.h"
#include "datapath_change.h"
#include "datapath_settle.h"

#define PASSED_NS 1

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void set_deadline(const struct datapath *datapath, uint64_t deadline_ns)
{
	__atomic_store_n(&datapath->control->deadline_ns, deadline_ns, __ATOMIC_SEQ_CST);
}

/* The process may have been stopped in between: then packets have gone back already. */
int datapath_confirm(struct datapath *datapath, struct datapath_change *change)
{
	const uint64_t deadline_ns = datapath->control->deadline_ns;

	if (now_ns() >= deadline_ns)
		return -ETIME;
	set_deadline(datapath, 0);
	if (now_ns() >= deadline_ns) {
		set_deadline(datapath, deadline_ns);
		return -ETIME;
	}
	datapath->pending = NULL;
	datapath_change_release(datapath, change);
	return 0;
}

static void unwrite(struct datapath *datapath, const struct datapath_change *change)
{
	const uint64_t generation = change->generation;

	slot_plan_carry_back(datapath, &change->policies, generation);
	slot_plan_unwrite(datapath, &change->policies, generation);
	slot_plan_unwrite(datapath, &change->failsafes, generation);
}

int datapath_withdraw(struct datapath *datapath, struct datapath_change *change)
{
	struct pep_control *control = datapath->control;
	const uint64_t before = control->word_before;
	uint64_t generation;
	int error;

	set_deadline(datapath, PASSED_NS);
	error = datapath_settle_all(datapath);
	if (error)
		return error;
	unwrite(datapath, change);
	pthread_mutex_lock(&datapath->lock);
	generation = datapath->generation + 1;
	__atomic_store_n(&datapath->generation, generation, __ATOMIC_RELEASE);
	__atomic_store_n(&control->word_now,
			 PEP_WORD((uint64_t)PEP_WORD_MAIN(before),
				  (uint64_t)PEP_WORD_OVERLAY(before), generation),
			 __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&datapath->lock);
	error = datapath_settle_all(datapath);
	if (error)
		return error;
	set_deadline(datapath, 0);
	datapath_note_settled(datapath, generation);
	return 0;
}

static void return_base(struct datapath *datapath, struct datapath_change *change)
{
	older_layer_clear(&datapath->older);
	if (!change->base.set)
		return;
	EXCHANGE(datapath->base, change->base);
	datapath_slots_release(datapath, &change->base);
}

void datapath_return(struct datapath *datapath, struct datapath_change *change)
{
	const uint32_t overlay = PEP_WORD_OVERLAY(datapath->control->word_now);

	slot_plan_return(datapath, &change->policies, &change->set, &datapath->policies);
	slot_plan_return(datapath, &change->failsafes, &change->failsafe, &datapath->failsafe);
	return_base(datapath, change);
	EXCHANGE(datapath->sets, change->sets);
	EXCHANGE(datapath->overlaid, change->overlaid);
	EXCHANGE(datapath->flags, change->flags);
	EXCHANGE(datapath->figures, change->figures);
	EXCHANGE(datapath->image, change->image);
	datapath->defined = change->defined_before;
	if (change->overlay != PEP_OVERLAY_NONE)
		datapath->overlay_until[change->overlay] = datapath_generation(datapath);
	if (overlay != PEP_OVERLAY_NONE)
		datapath->overlay = overlay;
	datapath->pending = NULL;
}
