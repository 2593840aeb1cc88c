// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel ends an update of an outer map by waiting for all programs that
 * are running (synchronize_rcu).  So there is an outer map that no program
 * uses, to be updated with what is in it.
 */
#include "datapath_settle.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "cleanup.h"

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
	return generation <= datapath->settled;
}

uint64_t datapath_generation(const struct datapath *datapath)
{
	return __atomic_load_n(&datapath->generation, __ATOMIC_ACQUIRE);
}

void datapath_note_settled(struct datapath *datapath, uint64_t generation)
{
	datapath->settled = generation;
}

int datapath_settle(struct datapath *datapath, uint64_t generation)
{
	uint64_t in_force = datapath_generation(datapath);
	int error;

	if (datapath_is_settled(datapath, generation))
		return 0;
	error = update(datapath);
	if (!error)
		datapath_note_settled(datapath, in_force);
	return error;
}
