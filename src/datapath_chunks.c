// SPDX-License-Identifier: Apache-2.0
#include "datapath_chunks.h"
#include "datapath_counters.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cleanup.h"

static size_t page_round(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

int datapath_map_memory(int fd, size_t bytes, void *ret)
{
	void *memory = mmap(NULL, page_round(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return -errno;
	*(void **)ret = memory;
	return 0;
}

void datapath_unmap_memory(void *memory, size_t bytes)
{
	if (memory)
		munmap(memory, page_round(bytes));
}

/* The maps inside of an outer one: mmap-able arrays, which the daemon maps, too. */
struct inner_kind {
	enum datapath_map_index outer;
	const char *name;
	uint32_t value_bytes, entries;
	/* Where the memory of the one at @key is kept, which is NULL until it exists; NULL: it never
	 * does. */
	void **(*place)(struct datapath *datapath, uint32_t key);
};

static void **place_counters(struct datapath *datapath, uint32_t key)
{
	const uint32_t stripes = datapath->stripes;

	if (key % stripes >= datapath_chunk_stripes(datapath, key / stripes))
		return NULL;
	return (void **)&datapath->chunk[key / stripes].counters[key % stripes];
}

static void **place_slots(struct datapath *datapath, uint32_t key)
{
	return (void **)&datapath->chunk[key].slots;
}

static void **place_limits(struct datapath *datapath, uint32_t key)
{
	return (void **)&datapath->limits.chunk[key];
}

static void **place_baseline(struct datapath *datapath, uint32_t key)
{
	return (void **)&datapath->chunk[key].baseline;
}

static void **place_tally(struct datapath *datapath, uint32_t key)
{
	const uint32_t stripes = datapath->stripes;

	return (void **)&datapath->name[key / stripes].tally[key % stripes];
}

static void **place_tally_baseline(struct datapath *datapath, uint32_t key)
{
	return (void **)&datapath->name[key].baseline;
}

static const struct inner_kind counters_kind = {
	MAP_COUNTERS, "pep_counters", sizeof(struct pep_matches), PEP_CHUNK, place_counters,
};
static const struct inner_kind slots_kind = {
	MAP_SLOTS, "pep_slots", sizeof(struct pep_slot), PEP_CHUNK, place_slots,
};
static const struct inner_kind limits_kind = {
	MAP_LIMITS, "pep_limits", sizeof(struct pep_limits), PEP_CHUNK, place_limits,
};
static const struct inner_kind tally_kind = {
	MAP_INTERFACE_COUNTERS,		 "pep_tally", sizeof(struct pep_tally),
	PEP_DIRECTIONS *PEP_OUTCOME_MAX, place_tally,
};

static const struct inner_kind baselines_kind = {
	MAP_BASELINES, "pep_baselines", sizeof(struct pep_matches), PEP_CHUNK, place_baseline,
};
static const struct inner_kind tally_baselines_kind = {
	MAP_INTERFACE_BASELINES,	 "pep_baseline",       sizeof(struct pep_tally),
	PEP_DIRECTIONS *PEP_OUTCOME_MAX, place_tally_baseline,
};

static int create_inner(const struct inner_kind *kind, int *ret_fd, void **ret_memory)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int fd CLEANUP(cleanup_fd) = -1;
	int error;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, kind->name, sizeof(uint32_t), kind->value_bytes,
			    kind->entries, &options);
	if (fd < 0)
		return -errno;
	error = datapath_map_memory(fd, (size_t)kind->value_bytes * kind->entries, ret_memory);
	if (!error)
		*ret_fd = TAKE_FD(fd);
	return error;
}

/*
 * Each update of an outer map ends with a grace period, a batch of them (where
 * the kernel has that) with one for all: what decides how long the first large
 * set takes.
 */
static int insert_inner(int outer, const uint32_t *keys, const int *fds, uint32_t count)
{
	uint32_t done = count;

	if (count > 1 && !bpf_map_update_batch(outer, keys, fds, &done, NULL))
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		if (bpf_map_update_elem(outer, &keys[i], &fds[i], BPF_ANY))
			return -errno;
	}
	return 0;
}

/* Makes those of @count maps from the key @first on that do not exist yet: all or none. */
static int add_inner(struct datapath *datapath, const struct inner_kind *kind, uint32_t first,
		     uint32_t count)
{
	CLEANUP(cleanup_free) uint32_t *keys = calloc(count, sizeof(*keys));
	CLEANUP(cleanup_free) int *fds = calloc(count, sizeof(*fds));
	uint32_t made = 0;
	int error = keys && fds ? 0 : -ENOMEM;

	for (uint32_t key = first; key < first + count && !error; key++) {
		void **memory = kind->place(datapath, key);

		if (!memory || *memory)
			continue;
		keys[made] = key;
		error = create_inner(kind, &fds[made], memory);
		made += !error;
	}
	if (!error)
		error = made ? insert_inner(datapath->map[kind->outer], keys, fds, made) : 0;
	for (uint32_t i = 0; i < made; i++) {
		void **memory = kind->place(datapath, keys[i]);

		close(fds[i]);
		if (!error)
			continue;
		datapath_unmap_memory(*memory, (size_t)kind->value_bytes * kind->entries);
		*memory = NULL;
	}
	return error;
}

int datapath_chunks_add(struct datapath *datapath, uint32_t first, uint32_t count)
{
	const uint32_t stripes = datapath->stripes;
	int error;

	if (first + count > PEP_CHUNKS)
		return -ENOSPC;
	error = add_inner(datapath, &counters_kind, first * stripes, count * stripes);
	return error ? error : add_inner(datapath, &slots_kind, first, count);
}

int datapath_chunks_add_limits(struct datapath *datapath, uint32_t first, uint32_t count)
{
	if (first + count > PEP_CHUNKS)
		return -ENOSPC;
	return add_inner(datapath, &limits_kind, first, count);
}

int datapath_chunks_add_tally(struct datapath *datapath, uint32_t id)
{
	return add_inner(datapath, &tally_kind, id * datapath->stripes, datapath->stripes);
}

int datapath_chunks_add_baselines(struct datapath *datapath)
{
	uint32_t chunks = (datapath->next_slot + PEP_CHUNK - 1) / PEP_CHUNK;
	int error = 0;

	if (chunks)
		error = add_inner(datapath, &baselines_kind, 0, chunks);
	return error ? error
		     : add_inner(datapath, &tally_baselines_kind, 0, (uint32_t)datapath->names);
}

uint32_t datapath_chunk_stripes(const struct datapath *datapath, uint32_t chunk)
{
	if (chunk < PEP_STRIPED_CHUNKS || datapath->stripes < PEP_STRIPES_LATER)
		return datapath->stripes;
	return PEP_STRIPES_LATER;
}

struct pep_slot *datapath_slot_at(const struct datapath *datapath, uint32_t slot)
{
	return &datapath->chunk[slot / PEP_CHUNK].slots[slot % PEP_CHUNK];
}

static void close_chunk(const struct datapath *datapath, struct datapath_chunk *chunk)
{
	datapath_unmap_memory(chunk->slots, PEP_CHUNK * sizeof(struct pep_slot));
	for (uint32_t i = 0; i < datapath->stripes; i++)
		datapath_unmap_memory(chunk->counters[i], PEP_CHUNK * sizeof(struct pep_matches));
	datapath_unmap_memory(chunk->baseline, PEP_CHUNK * sizeof(*chunk->baseline));
	free(chunk->policy);
	free(chunk->life);
	free(chunk->named);
}

static void close_tally(const struct datapath *datapath, struct datapath_name *name)
{
	for (uint32_t i = 0; i < datapath->stripes; i++)
		datapath_unmap_memory(name->tally[i],
				      PEP_DIRECTIONS * PEP_OUTCOME_MAX * sizeof(struct pep_tally));
	datapath_unmap_memory(name->baseline,
			      PEP_DIRECTIONS * PEP_OUTCOME_MAX * sizeof(*name->baseline));
}

void datapath_chunks_close(struct datapath *datapath)
{
	for (size_t i = 0; i < PEP_CHUNKS; i++) {
		close_chunk(datapath, &datapath->chunk[i]);
		datapath_unmap_memory(datapath->limits.chunk[i],
				      PEP_CHUNK * sizeof(struct pep_limits));
	}
	for (size_t id = 0; id < datapath->names; id++)
		close_tally(datapath, &datapath->name[id]);
}
