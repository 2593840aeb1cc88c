// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel ends an update of an outer map by waiting for all programs that
 * are running (synchronize_rcu).  So there is an outer map that no program
 * uses, to be updated with what is in it.
 *
 * That takes some 10 ms, and most changes need what the one before them waited
 * for.  So a thread waits behind each change, while nobody else has to.
 */
#include "datapath_settle.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "cleanup.h"

struct settler {
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	uint64_t wanted; /* the generation to be waited for */
	uint64_t waiting; /* for that one; 0: for none */
	bool closing;
};

static int update(const struct datapath *datapath)
{
	const uint32_t key = 0;

	return bpf_map_update_elem(datapath->wait_outer, &key, &datapath->wait_inner, BPF_ANY)
		       ? -errno
		       : 0;
}

int datapath_settle_open(struct datapath *datapath)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);

	datapath->wait_inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pep_wait_inner",
					      sizeof(uint32_t), sizeof(uint32_t), 1, NULL);
	if (datapath->wait_inner < 0)
		return -errno;
	options.inner_map_fd = (uint32_t)datapath->wait_inner;
	datapath->wait_outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "pep_wait",
					      sizeof(uint32_t), sizeof(uint32_t), 1, &options);
	return datapath->wait_outer < 0 ? -errno : 0;
}

int datapath_settle_all(const struct datapath *datapath)
{
	return update(datapath);
}

bool datapath_is_settled(const struct datapath *datapath, uint64_t generation)
{
	return generation <= __atomic_load_n(&datapath->settled, __ATOMIC_ACQUIRE);
}

uint64_t datapath_generation(const struct datapath *datapath)
{
	return __atomic_load_n(&datapath->generation, __ATOMIC_ACQUIRE);
}

void datapath_note_settled(struct datapath *datapath, uint64_t generation)
{
	uint64_t settled = __atomic_load_n(&datapath->settled, __ATOMIC_ACQUIRE);

	while (settled < generation &&
	       !__atomic_compare_exchange_n(&datapath->settled, &settled, generation, false,
					    __ATOMIC_RELEASE, __ATOMIC_ACQUIRE))
		;
}

/* ---- the thread */

static void *run(void *context)
{
	struct datapath *datapath = context;
	struct settler *settler = datapath->settler;
	int error = 0;

	pthread_mutex_lock(&settler->lock);
	while (!settler->closing) {
		if (error || datapath_is_settled(datapath, settler->wanted)) {
			error = 0; /* who needs it will try by himself */
			pthread_cond_wait(&settler->changed, &settler->lock);
			continue;
		}
		settler->waiting = settler->wanted;
		pthread_mutex_unlock(&settler->lock);
		error = update(datapath);
		pthread_mutex_lock(&settler->lock);
		if (!error)
			datapath_note_settled(datapath, settler->waiting);
		settler->waiting = 0;
		pthread_cond_broadcast(&settler->changed);
	}
	pthread_mutex_unlock(&settler->lock);
	return NULL;
}

int datapath_settle_ahead(struct datapath *datapath)
{
	struct settler *settler = calloc(1, sizeof(*settler));
	sigset_t all, before;
	int error;

	if (!settler)
		return -ENOMEM;
	pthread_mutex_init(&settler->lock, NULL);
	pthread_cond_init(&settler->changed, NULL);
	datapath->settler = settler;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&settler->thread, NULL, run, datapath);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		free(TAKE_PTR(datapath->settler));
	return -error;
}

void datapath_settle_soon(struct datapath *datapath)
{
	struct settler *settler = datapath->settler;

	if (!settler)
		return;
	pthread_mutex_lock(&settler->lock);
	settler->wanted = datapath_generation(datapath);
	pthread_cond_broadcast(&settler->changed);
	pthread_mutex_unlock(&settler->lock);
}

/* If the thread waits for @generation already, so does this one, for the same end. */
static void join_wait(struct settler *settler, uint64_t generation)
{
	uint64_t waiting;

	pthread_mutex_lock(&settler->lock);
	waiting = settler->waiting;
	while (waiting >= generation && settler->waiting == waiting)
		pthread_cond_wait(&settler->changed, &settler->lock);
	pthread_mutex_unlock(&settler->lock);
}

void datapath_settle_close(struct datapath *datapath)
{
	struct settler *settler = TAKE_PTR(datapath->settler);

	if (!settler)
		return;
	pthread_mutex_lock(&settler->lock);
	settler->closing = true;
	pthread_cond_broadcast(&settler->changed);
	pthread_mutex_unlock(&settler->lock);
	pthread_join(settler->thread, NULL);
	pthread_cond_destroy(&settler->changed);
	pthread_mutex_destroy(&settler->lock);
	free(settler);
}

int datapath_settle(struct datapath *datapath, uint64_t generation)
{
	uint64_t in_force = datapath_generation(datapath);
	int error;

	if (!datapath_is_settled(datapath, generation) && datapath->settler)
		join_wait(datapath->settler, generation);
	if (datapath_is_settled(datapath, generation))
		return 0;
	error = update(datapath);
	if (!error)
		datapath_note_settled(datapath, in_force);
	return error;
}
