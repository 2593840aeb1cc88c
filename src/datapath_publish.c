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
#include "datapath_counters.h"
#include "policyset.h"
#include "problem.h"
#include "rules.h"

static void commit(struct datapath *datapath, struct datapath_change **change);

static uint64_t since_ns(const struct timespec *began)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)((now.tv_sec - began->tv_sec) * 1000000000LL + now.tv_nsec -
			  began->tv_nsec);
}

/* Until the change is published or abandoned the id belongs to the name. */
static int interface_id(void *context, const char *name)
{
	struct datapath *datapath = context;
	int id = datapath_interface_id(datapath, name);

	if (id > 0)
		datapath->name[id].prepared = datapath->generation + 1;
	return id;
}

void datapath_change_names(struct datapath *datapath, struct rules_names *ret)
{
	*ret = (struct rules_names){ .interface_id = interface_id, .context = datapath };
}

static bool is_transparent(const struct datapath_state *state)
{
	if (state->flags & PEP_IMAGE_DEFAULT_BLOCK)
		return false;
	for (size_t i = 0; i < state->set->count; i++) {
		if (state->set->policy[i]->enabled)
			return false;
	}
	return true;
}

uint32_t datapath_image_flags(const struct datapath_state *state)
{
	return state->flags | (is_transparent(state) ? PEP_IMAGE_TRANSPARENT : 0);
}

static void free_change(struct datapath *datapath, struct datapath_change *change)
{
	slot_plan_undo(datapath, &change->policies);
	slot_plan_undo(datapath, &change->failsafes);
	datapath_base_clear(&change->base);
	policyset_put(&change->overlaid);
	policyset_put(&change->set);
	policyset_put(&change->failsafe);
	address_sets_put(&change->sets);
	free(change);
}

static int plan_slots(struct datapath *datapath, const struct datapath_state *state,
		      struct datapath_change *change)
{
	int error = slot_plan_make(datapath, &datapath->policies, state->set, &change->policies);

	if (!error)
		error = slot_plan_make(datapath, &datapath->failsafe, state->failsafe,
				       &change->failsafes);
	return error;
}

/* The little way, and if that does not do, the whole. */
static int lay_out(struct datapath *datapath, const struct datapath_state *state,
		   struct datapath_change *change, struct problems *problems)
{
	int error = state->whole ? -E2BIG : datapath_change_overlay(datapath, state, change);

	if (error == -E2BIG)
		error = datapath_change_image(datapath, state, change, problems);
	return error;
}

static int prepare(struct datapath *datapath, const struct datapath_state *state,
		   struct datapath_change *change, struct problems *problems)
{
	int error = plan_slots(datapath, state, change);

	if (error == -ENOSPC)
		problem_add(problems, "", "more policies than the %u slots of the datapath",
			    PEP_CHUNK * PEP_CHUNKS);
	if (!error)
		error = lay_out(datapath, state, change, problems);
	change->figures.build_ns = since_ns(&change->began);
	return error;
}

/* A refresh in between would have made half of the change current. */
static void end_change(struct datapath *datapath)
{
	bool refresh = datapath->refresh_due;

	datapath->changing = false;
	datapath->refresh_due = false;
	if (refresh)
		datapath_refresh(datapath);
}

static struct datapath_change *begin_change(struct datapath *datapath)
{
	struct datapath_change *change = calloc(1, sizeof(*change));

	if (!change)
		return NULL;
	clock_gettime(CLOCK_MONOTONIC, &change->began);
	change->generation = datapath->generation + 1;
	datapath->changing = true;
	return change;
}

static void take_back(struct datapath *datapath, struct datapath_change *change)
{
	slot_plan_unwrite(datapath, &change->policies, change->generation);
	slot_plan_unwrite(datapath, &change->failsafes, change->generation);
	end_change(datapath);
	free_change(datapath, change);
}

int datapath_prepare(struct datapath *datapath, const struct datapath_state *state,
		     struct datapath_change **ret, struct problems *problems)
{
	struct datapath_change *change = begin_change(datapath);
	int error;

	if (!change)
		return -ENOMEM;
	change->flags = datapath_image_flags(state);
	error = prepare(datapath, state, change, problems);
	if (error) {
		take_back(datapath, change);
		return error;
	}
	change->set = policyset_get((struct policyset *)state->set);
	change->failsafe = policyset_get((struct policyset *)state->failsafe);
	if (state->sets)
		change->sets = address_sets_get((struct address_sets *)state->sets);
	*ret = change;
	return 0;
}

int datapath_publish_fold(struct datapath *datapath, struct datapath_base *base,
			  const struct image *image)
{
	struct datapath_change *change = begin_change(datapath);
	struct policyset *failsafe = datapath->failsafe.set;
	int error;

	if (!change)
		return -ENOMEM;
	change->set = policyset_get(datapath->policies.set);
	change->failsafe = policyset_get(failsafe);
	if (datapath->sets)
		change->sets = address_sets_get(datapath->sets);
	change->flags = datapath->flags;
	change->figures.rules = datapath->figures.rules;
	change->base = *base;
	memset(base, 0, sizeof(*base));
	error = slot_plan_make(datapath, &datapath->policies, change->set, &change->policies);
	if (!error)
		error = slot_plan_make(datapath, &datapath->failsafe, failsafe, &change->failsafes);
	if (!error)
		error = datapath_change_fold(datapath, image, change);
	if (error) {
		*base = change->base;
		memset(&change->base, 0, sizeof(change->base));
		take_back(datapath, change);
		return error;
	}
	commit(datapath, &change);
	return 0;
}

static void replace_base(struct datapath *datapath, struct datapath_base *base)
{
	struct datapath_base old = datapath->base;

	datapath->base = *base;
	memset(base, 0, sizeof(*base));
	datapath_slots_release(datapath, &old);
	datapath_base_clear(&old);
}

/* From here on the word is in force. */
static void follow_word(struct datapath *datapath, uint64_t before, uint64_t now)
{
	uint32_t old = PEP_WORD_OVERLAY(before), overlay = PEP_WORD_OVERLAY(now);

	datapath->generation = PEP_WORD_GENERATION(now);
	if (before && old != PEP_OVERLAY_NONE)
		datapath->overlay_until[old] = datapath->generation;
	if (overlay != PEP_OVERLAY_NONE)
		datapath->overlay = overlay;
}

uint64_t datapath_commit(struct datapath *datapath, struct datapath_change **change)
{
	commit(datapath, change);
	datapath->defined = datapath->generation;
	return datapath->defined;
}

static void commit(struct datapath *datapath, struct datapath_change **change)
{
	struct datapath_change *c = *change;
	uint64_t before = datapath->control->word_now;

	__atomic_store_n(&datapath->control->word_now, c->word, __ATOMIC_RELEASE);
	follow_word(datapath, before, c->word);
	datapath->image = c->image;
	slot_plan_carry(datapath, &c->policies, c->generation);
	datapath->refresh_due = false;
	end_change(datapath);
	slot_plan_adopt(datapath, &c->policies, c->set, &datapath->policies);
	slot_plan_adopt(datapath, &c->failsafes, c->failsafe, &datapath->failsafe);
	if (c->base.set)
		replace_base(datapath, &c->base);
	address_sets_put(&datapath->sets);
	datapath->sets = TAKE_PTR(c->sets);
	policyset_put(&datapath->overlaid);
	datapath->overlaid = TAKE_PTR(c->overlaid);
	datapath->flags = c->flags;
	c->figures.publish_ns = since_ns(&c->began);
	datapath->figures = c->figures;
	free_change(datapath, c);
	*change = NULL;
}

void datapath_abandon(struct datapath *datapath, struct datapath_change **change)
{
	if (*change)
		take_back(datapath, *change);
	*change = NULL;
}

void datapath_refresh(struct datapath *datapath)
{
	uint64_t word = datapath->control->word_now;

	if (!word)
		return;
	datapath->refresh_due = datapath->changing;
	if (datapath->changing)
		return;
	datapath->generation++;
	word = PEP_WORD((uint64_t)PEP_WORD_MAIN(word), (uint64_t)PEP_WORD_OVERLAY(word),
			datapath->generation);
	__atomic_store_n(&datapath->control->word_now, word, __ATOMIC_RELEASE);
}
