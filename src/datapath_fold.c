// SPDX-License-Identifier: Apache-2.0
/*
 * The thread has nothing in common with the rest but policies, which nobody
 * changes, and sets that are held for it.
 */
#include "datapath_fold.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "cleanup.h"
#include "datapath_change.h"
#include "image.h"
#include "policyset.h"
#include "problem.h"
#include "rules.h"

/* The larger the main image, the longer it takes to make another one, and the less often that is
 * worth it. */
#define OVERLAY_POLICIES_DUE 256
#define OVERLAY_SHARE_DUE 56
#define OVERLAY_POLICIES_FULL 2000 /* half of what there is room for */
#define NICE 5 /* changes come first */

struct datapath_fold {
	pthread_t thread;
	bool joined;
	bool cancelled;
	int done; /* eventfd */
	struct datapath_base base;
	struct policyset *failsafe;
	uint32_t *failsafe_slot;
	struct datapath_name *name; /* as they were; nothing but the names is used */
	size_t names;
	struct image image;
	int error;
};

static void fold_free(struct datapath_fold *fold)
{
	cleanup_fd(&fold->done);
	datapath_base_clear(&fold->base);
	policyset_put(&fold->failsafe);
	free(fold->failsafe_slot);
	free(fold->name);
	image_clear(&fold->image);
	free(fold);
}

/* ---- in the thread */

/* A policy in force names no interface that has no id. */
static int known_interface(void *context, const char *name)
{
	const struct datapath_fold *fold = context;

	for (size_t id = 1; id < fold->names; id++) {
		if (!strcmp(fold->name[id].name, name))
			return (int)id;
	}
	return -ENOENT;
}

static void *compile(void *context)
{
	const uint64_t one = 1;
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct datapath_fold *fold = context;
	const struct rules_names names = {
		.interface_id = known_interface,
		.context = fold,
		.failsafe_slots = fold->failsafe_slot,
		.max = SIZE_MAX,
	};

	(void)setpriority(PRIO_PROCESS, 0, NICE); /* of this thread alone */
	fold->error =
		datapath_compile(&fold->base, fold->failsafe, &names, &fold->image, &problems);
	/* An eventfd takes 2^64 - 2 of these before it would block. */
	if (write(fold->done, &one, sizeof(one)) < 0 && !fold->error)
		fold->error = -errno;
	return NULL;
}

/* ---- in the main thread */

bool datapath_fold_is_due(const struct datapath *datapath)
{
	const struct policyset *set = datapath->base.set;
	size_t due = OVERLAY_POLICIES_DUE + (set ? set->count / OVERLAY_SHARE_DUE : 0);

	if (due > OVERLAY_POLICIES_FULL)
		due = OVERLAY_POLICIES_FULL;
	return !datapath->fold && datapath->figures.overlay_policies >= due;
}

/* A change that is being prepared may add to them. */
static void copy_names(struct datapath *datapath, struct datapath_fold *fold)
{
	pthread_mutex_lock(&datapath->lock);
	memcpy(fold->name, datapath->name, datapath->names * sizeof(*fold->name));
	fold->names = datapath->names;
	pthread_mutex_unlock(&datapath->lock);
}

static int take_snapshot(struct datapath *datapath, struct datapath_fold *fold)
{
	const struct datapath_slots *failsafe = &datapath->failsafe;
	const struct datapath_policies policies = {
		.set = datapath->policies.set,
		.sets = datapath->sets,
		.slot = datapath->policies.slot,
	};
	int error = datapath_base_make(&policies, &fold->base);

	if (error)
		return error;
	fold->base.flags = datapath->flags;
	fold->base.cancelled = &fold->cancelled;
	fold->failsafe = policyset_get(failsafe->set);
	fold->failsafe_slot = malloc((failsafe->set->count + 1) * sizeof(uint32_t));
	fold->name = malloc(PEP_INTERFACES * sizeof(*fold->name));
	if (!fold->failsafe_slot || !fold->name)
		return -ENOMEM;
	if (failsafe->set->count)
		memcpy(fold->failsafe_slot, failsafe->slot,
		       failsafe->set->count * sizeof(uint32_t));
	copy_names(datapath, fold);
	fold->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return fold->done < 0 ? -errno : 0;
}

/* Signals are for the main thread. */
static int start_thread(struct datapath_fold *fold)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&fold->thread, NULL, compile, fold);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

int datapath_fold_begin(struct datapath *datapath, bool in_haste)
{
	struct datapath_fold *fold;
	int error;

	if (datapath->fold || !datapath->base.set)
		return -EBUSY;
	fold = calloc(1, sizeof(*fold));
	if (!fold)
		return -ENOMEM;
	fold->done = -1;
	error = take_snapshot(datapath, fold);
	fold->base.improvable = in_haste;
	if (!error)
		error = start_thread(fold);
	if (error) {
		fold_free(fold);
		return error;
	}
	__atomic_store_n(&datapath->fold, fold, __ATOMIC_RELEASE);
	datapath_slots_name(datapath, &fold->base);
	return 0;
}

int datapath_fold_fd(const struct datapath *datapath)
{
	return datapath->fold ? datapath->fold->done : -1;
}

static int join(struct datapath_fold *fold)
{
	if (!fold->joined)
		pthread_join(fold->thread, NULL);
	fold->joined = true;
	return fold->error;
}

/* Failsafe policies are in the main image alone: other ones are another image. */
static bool is_stale(const struct datapath *datapath, const struct datapath_fold *fold)
{
	return fold->failsafe != datapath->failsafe.set;
}

int datapath_fold_prepare(struct datapath *datapath, struct datapath_change **ret)
{
	struct datapath_fold *fold = datapath->fold;
	int error = fold ? join(fold) : -ENOENT;

	if (!error && is_stale(datapath, fold))
		error = -ESTALE;
	if (!error)
		error = datapath_prepare_base(datapath, &fold->base, &fold->image, ret);
	return error == -E2BIG || error == -ECANCELED ? -ESTALE : error;
}

/* The loop frees a fold only where no change is being prepared. */
void datapath_fold_cancel(struct datapath *datapath)
{
	struct datapath_fold *fold = __atomic_load_n(&datapath->fold, __ATOMIC_ACQUIRE);

	if (fold)
		__atomic_store_n(&fold->cancelled, true, __ATOMIC_RELAXED);
}

/* Slots that left their policies meanwhile are free now, unless the base went into a change. */
void datapath_fold_drop(struct datapath *datapath)
{
	struct datapath_fold *fold = TAKE_PTR(datapath->fold);

	if (!fold)
		return;
	join(fold);
	datapath_slots_release(datapath, &fold->base);
	fold_free(fold);
}
