// SPDX-License-Identifier: Apache-2.0
/*
 * Preparing: everything of a change that can fail, beside the state in force.
 * It may run in another thread than the one that publishes, one change at a
 * time.  Meanwhile that thread may read what is in force, have programs loaded,
 * add and remove interfaces and refresh; nothing else of this.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "address_sets.h"
#include "cleanup.h"
#include "datapath_change.h"
#include "datapath_counters.h"
#include "datapath_settle.h"
#include "policyset.h"
#include "problem.h"
#include "rules.h"

uint64_t datapath_since_ns(const struct timespec *began)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)((now.tv_sec - began->tv_sec) * 1000000000LL + now.tv_nsec -
			  began->tv_nsec);
}

/* Until the change has ended the id belongs to the name. */
static int interface_id(void *context, const char *name)
{
	return datapath_interface_id_prepared(context, name);
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
	change->figures.build_ns = datapath_since_ns(&change->began);
	return error;
}

/* While one is pending there is no other. */
static struct datapath_change *begin_change(const struct datapath *datapath)
{
	struct datapath_change *change = datapath->pending ? NULL : calloc(1, sizeof(*change));

	if (!change)
		return NULL;
	clock_gettime(CLOCK_MONOTONIC, &change->began);
	change->steps = 1;
	change->maps.map = change->maps.fd = -1;
	for (int i = 0; i < PROGRAMS; i++)
		change->program[i] = -1;
	return change;
}

void datapath_change_stamp(struct datapath *datapath, struct datapath_change *change)
{
	pthread_mutex_lock(&datapath->lock);
	if (!change->generation) {
		change->generation = datapath->generation + change->steps;
		datapath->changing = true;
	}
	pthread_mutex_unlock(&datapath->lock);
}

/* A refresh in between would have made half of the change current. */
void datapath_change_end(struct datapath *datapath)
{
	bool refresh;

	pthread_mutex_lock(&datapath->lock);
	refresh = datapath->refresh_due;
	datapath->changing = false;
	datapath->refresh_due = false;
	datapath->changes++;
	pthread_mutex_unlock(&datapath->lock);
	if (refresh)
		datapath_refresh(datapath);
}

void datapath_dispose(struct datapath_change **change)
{
	struct datapath_change *c = TAKE_PTR(*change);

	if (!c)
		return;
	slot_plan_clear(&c->policies);
	slot_plan_clear(&c->failsafes);
	datapath_base_clear(&c->base);
	policyset_put(&c->overlaid);
	policyset_put(&c->set);
	policyset_put(&c->failsafe);
	address_sets_put(&c->sets);
	cleanup_fd(&c->maps.fd);
	for (int i = 0; i < PROGRAMS; i++)
		cleanup_fd(&c->program[i]);
	free(c);
}

void datapath_abandon(struct datapath *datapath, struct datapath_change **change)
{
	struct datapath_change *c = *change;

	if (!c)
		return;
	if (c->base.set && !c->defines) /* a fold's is named since it began */
		datapath_slots_release(datapath, &c->base);
	if (c->generation) {
		slot_plan_unwrite(datapath, &c->policies, c->generation);
		slot_plan_unwrite(datapath, &c->failsafes, c->generation);
	}
	datapath_change_end(datapath);
	slot_plan_undo(datapath, &c->policies);
	slot_plan_undo(datapath, &c->failsafes);
	datapath_dispose(change);
}

int datapath_prepare(struct datapath *datapath, const struct datapath_state *state,
		     struct datapath_change **ret, struct problems *problems)
{
	struct datapath_change *change = begin_change(datapath);
	int error;

	if (!change)
		return datapath->pending ? -EBUSY : -ENOMEM;
	change->defines = true;
	change->flags = datapath_image_flags(state);
	if (state->steps)
		change->steps = state->steps;
	error = prepare(datapath, state, change, problems);
	if (error) {
		datapath_abandon(datapath, &change);
		return error;
	}
	change->set = policyset_get((struct policyset *)state->set);
	change->failsafe = policyset_get((struct policyset *)state->failsafe);
	if (state->sets)
		change->sets = address_sets_get((struct address_sets *)state->sets);
	*ret = change;
	return 0;
}

int datapath_prepare_base(struct datapath *datapath, struct datapath_base *base,
			  const struct image *image, struct datapath_change **ret)
{
	struct datapath_change *change = begin_change(datapath);
	struct policyset *failsafe = datapath->failsafe.set;
	int error;

	if (!change)
		return datapath->pending ? -EBUSY : -ENOMEM;
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
		datapath_abandon(datapath, &change);
		return error;
	}
	*ret = change;
	return 0;
}
