// SPDX-License-Identifier: Apache-2.0
#include "datapath_maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "cleanup.h"
#include "xdp.skel.h"

#define EVENTS_BYTES (1U << 18)
#define FRAGMENTS_PER_CPU 1024
#define IMAGE_BYTES_LEAST (1U << 18)

static const char *const map_names[MAPS] = {
	[MAP_CONTROL] = "control",
	[MAP_INTERFACES] = "interfaces",
	[MAP_FLOWS] = "flows",
	[MAP_TOTALS] = "totals",
	[MAP_EVENT_LIMITS] = "event_limits",
	[MAP_TRACE] = "trace",
	[MAP_MANIFEST] = "manifest",
	[MAP_IMAGES_A] = "images_a",
	[MAP_IMAGES_B] = "images_b",
	[MAP_SLOTS] = "slots",
	[MAP_COUNTERS] = "counters",
	[MAP_INTERFACE_COUNTERS] = "interface_counters",
	[MAP_FRAGMENTS] = "fragments",
	[MAP_EVENTS] = "events",
};

const char *datapath_map_name(enum datapath_map_index index)
{
	return map_names[index];
}

int datapath_map(const struct datapath *datapath, const char *name)
{
	for (int i = 0; i < MAPS; i++) {
		if (!strcmp(map_names[i], name))
			return datapath->map[i];
	}
	return -ENOENT;
}

static size_t page_round(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

static int map_memory(int fd, size_t bytes, void *ret)
{
	void *memory = mmap(NULL, page_round(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return -errno;
	*(void **)ret = memory;
	return 0;
}

static void unmap_memory(void *memory, size_t bytes)
{
	if (memory)
		munmap(memory, page_round(bytes));
}

/* A mmap-able array, mapped and put into an outer map at @entry. */
static int add_inner(int outer, uint32_t entry, const char *name, uint32_t value_bytes,
		     uint32_t entries, void *ret_memory)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int fd CLEANUP(cleanup_fd) = -1;
	void *memory = NULL;
	int error;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), value_bytes, entries,
			    &options);
	if (fd < 0)
		return -errno;
	error = map_memory(fd, (size_t)value_bytes * entries, &memory);
	if (error)
		return error;
	if (bpf_map_update_elem(outer, &entry, &fd, BPF_ANY)) {
		error = -errno;
		unmap_memory(memory, (size_t)value_bytes * entries);
		return error;
	}
	*(void **)ret_memory = memory;
	return 0;
}

int datapath_maps_add_chunk(struct datapath *datapath, uint32_t chunk)
{
	struct datapath_chunk *c = &datapath->chunk[chunk];
	int error = 0;

	if (chunk >= PEP_CHUNKS)
		return -ENOSPC;
	for (uint32_t i = 0; i < datapath->stripes && !error; i++) {
		if (!c->counters[i])
			error = add_inner(datapath->map[MAP_COUNTERS],
					  chunk * datapath->stripes + i, "pep_counters",
					  sizeof(struct pep_counters), PEP_CHUNK, &c->counters[i]);
	}
	if (!error && !c->slots)
		error = add_inner(datapath->map[MAP_SLOTS], chunk, "pep_slots",
				  sizeof(struct pep_slot), PEP_CHUNK, &c->slots);
	return error;
}

int datapath_maps_add_tally(struct datapath *datapath, uint32_t id)
{
	struct datapath_name *name = &datapath->name[id];
	int error = 0;

	for (uint32_t i = 0; i < datapath->stripes && !error; i++) {
		if (!name->tally[i])
			error = add_inner(datapath->map[MAP_INTERFACE_COUNTERS],
					  id * datapath->stripes + i, "pep_tally",
					  sizeof(struct pep_tally),
					  PEP_DIRECTIONS * PEP_OUTCOME_MAX, &name->tally[i]);
	}
	return error;
}

struct pep_slot *datapath_slot_at(const struct datapath *datapath, uint32_t slot)
{
	return &datapath->chunk[slot / PEP_CHUNK].slots[slot % PEP_CHUNK];
}

/* Sets the sizes that depend on the machine. */
static int size_maps(const struct datapath *datapath, struct pep_xdp *object)
{
	const struct {
		struct bpf_map *map;
		uint32_t entries;
	} sizes[] = {
		{ object->maps.flows, datapath->cpus * datapath->options.flow_cache_entries },
		{ object->maps.totals, datapath->stripes },
		{ object->maps.counters, PEP_CHUNKS * datapath->stripes },
		{ object->maps.interface_counters, PEP_INTERFACES * datapath->stripes },
		{ object->maps.fragments, datapath->cpus * FRAGMENTS_PER_CPU },
		{ object->maps.events, EVENTS_BYTES },
	};
	int error = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sizes) && !error; i++)
		error = bpf_map__set_max_entries(sizes[i].map, sizes[i].entries);
	for (unsigned int i = 0; i < 2 && !error; i++) {
		struct bpf_map *images = i ? object->maps.images_b : object->maps.images_a;

		error = bpf_map__set_value_size(bpf_map__inner_map(images),
						datapath->image_bytes[i]);
	}
	return error;
}

/* The maps outlive the object that made them. */
static int keep_maps(struct datapath *datapath, const struct pep_xdp *object)
{
	for (int i = 0; i < MAPS; i++) {
		const struct bpf_map *map =
			bpf_object__find_map_by_name(object->obj, map_names[i]);

		if (!map)
			return -ENOENT;
		datapath->map[i] = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 3);
		if (datapath->map[i] < 0)
			return -errno;
	}
	return 0;
}

static int map_all_memory(struct datapath *d)
{
	int error = map_memory(d->map[MAP_CONTROL], sizeof(*d->control), &d->control);

	if (!error)
		error = map_memory(d->map[MAP_INTERFACES], PEP_INTERFACES * sizeof(*d->interfaces),
				   &d->interfaces);
	if (!error)
		error = map_memory(d->map[MAP_TOTALS], d->stripes * sizeof(*d->totals), &d->totals);
	if (!error)
		error = map_memory(d->map[MAP_TRACE], sizeof(*d->trace), &d->trace);
	return error;
}

static void say_why(int error, char **ret_detail)
{
	const char *why = error == -EPERM ?
				  "not permitted to create BPF maps: run as root, or with the "
				  "capabilities CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON" :
				  "the kernel refused to create the BPF maps";

	if (asprintf(ret_detail, "%s (%s)", why, strerror(-error)) < 0)
		*ret_detail = NULL;
}

static int create_maps(struct datapath *datapath)
{
	struct pep_xdp *object = pep_xdp__open();
	struct bpf_program *program;
	int error;

	if (!object)
		return -errno;
	bpf_object__for_each_program(program, object->obj)
		bpf_program__set_autoload(program, false);
	error = size_maps(datapath, object);
	if (!error)
		error = pep_xdp__load(object);
	if (!error)
		error = keep_maps(datapath, object);
	pep_xdp__destroy(object);
	return error;
}

/* Entry 0 and one entry a map: what a later process starts from. */
static int write_manifest(const struct datapath *datapath)
{
	struct pep_manifest_entry entry = { .name = "pepctl", .kind = PEP_MANIFEST_HEADER,
					    .id = PEP_ABI_VERSION };
	struct bpf_map_info info;
	uint32_t length, key = 0;

	if (bpf_map_update_elem(datapath->map[MAP_MANIFEST], &key, &entry, BPF_ANY))
		return -errno;
	for (int i = 0; i < MAPS; i++) {
		memset(&info, 0, sizeof(info));
		length = sizeof(info);
		if (bpf_obj_get_info_by_fd(datapath->map[i], &info, &length))
			return -errno;
		memset(&entry, 0, sizeof(entry));
		strncpy(entry.name, map_names[i], sizeof(entry.name) - 1);
		entry.kind = PEP_MANIFEST_MAP;
		entry.id = info.id;
		key = (uint32_t)i + 1;
		if (bpf_map_update_elem(datapath->map[MAP_MANIFEST], &key, &entry, BPF_ANY))
			return -errno;
	}
	return 0;
}

int datapath_maps_create(struct datapath *datapath, char **ret_detail)
{
	int error;

	datapath->image_bytes[0] = IMAGE_BYTES_LEAST;
	datapath->image_bytes[1] = IMAGE_BYTES_LEAST;
	error = create_maps(datapath);
	if (!error)
		error = map_all_memory(datapath);
	if (!error)
		error = write_manifest(datapath);
	if (error)
		say_why(error, ret_detail);
	return error;
}

int datapath_maps_resize_images(struct datapath *datapath, unsigned int which, uint32_t bytes)
{
	LIBBPF_OPTS(bpf_map_create_opts, inner_options, .map_flags = BPF_F_MMAPABLE);
	LIBBPF_OPTS(bpf_map_create_opts, options);
	int inner CLEANUP(cleanup_fd) = -1;
	int outer, index = which ? MAP_IMAGES_B : MAP_IMAGES_A;

	if (datapath->image_bytes[which] == bytes)
		return 0;
	inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pep_image", sizeof(uint32_t), bytes, 1,
			       &inner_options);
	if (inner < 0)
		return -errno;
	options.inner_map_fd = (uint32_t)inner;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, map_names[index], sizeof(uint32_t),
			       sizeof(uint32_t), PEP_MAIN_ENTRIES, &options);
	if (outer < 0)
		return -errno;
	cleanup_fd(&datapath->map[index]);
	datapath->map[index] = outer;
	datapath->image_bytes[which] = bytes;
	return write_manifest(datapath);
}

static void close_chunk(const struct datapath *datapath, struct datapath_chunk *chunk)
{
	unmap_memory(chunk->slots, PEP_CHUNK * sizeof(struct pep_slot));
	for (uint32_t i = 0; i < datapath->stripes; i++)
		unmap_memory(chunk->counters[i], PEP_CHUNK * sizeof(struct pep_counters));
	free(chunk->baseline);
}

void datapath_maps_close(struct datapath *d)
{
	for (size_t i = 0; i < PEP_CHUNKS; i++)
		close_chunk(d, &d->chunk[i]);
	for (size_t id = 0; id < d->names; id++) {
		for (uint32_t i = 0; i < d->stripes; i++)
			unmap_memory(d->name[id].tally[i],
				     PEP_DIRECTIONS * PEP_OUTCOME_MAX * sizeof(struct pep_tally));
		free(d->name[id].baseline);
	}
	unmap_memory(d->control, sizeof(*d->control));
	unmap_memory(d->interfaces, PEP_INTERFACES * sizeof(*d->interfaces));
	unmap_memory(d->totals, d->stripes * sizeof(*d->totals));
	unmap_memory(d->trace, sizeof(*d->trace));
	for (int i = 0; i < MAPS; i++)
		cleanup_fd(&d->map[i]);
}
