// SPDX-License-Identifier: Apache-2.0
#include "datapath_maps.h"
#include "datapath_counters.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cleanup.h"
#include "datapath_chunks.h"
#include "datapath_past.h"
#include "datapath_settle.h"
#include "xdp.skel.h"

#define EVENTS_BYTES (1U << 18)
#define FRAGMENTS_PER_CPU 1024
#define IMAGE_BYTES_DEFAULT (1U << 20) /* what some 10,000 policies come to, and more */

static const char *const map_names[MAPS] = {
	[MAP_CONTROL] = "control",
	[MAP_INTERFACES] = "interfaces",
	[MAP_FLOWS] = "flows",
	[MAP_SIGHTINGS] = "sightings",
	[MAP_STEADY] = "steady",
	[MAP_TOTALS] = "totals",
	[MAP_EVENT_LIMITS] = "event_limits",
	[MAP_TRACE] = "trace",
	[MAP_RUN] = "this_run",
	[MAP_NAMES] = "names",
	[MAP_OVERLAYS] = "overlays",
	[MAP_IMAGES_A] = "images_a",
	[MAP_IMAGES_B] = "images_b",
	[MAP_SLOTS] = "slots",
	[MAP_LIMITS] = "limits",
	[MAP_COUNTERS] = "counters",
	[MAP_INTERFACE_COUNTERS] = "interface_counters",
	[MAP_BASELINES] = "baselines",
	[MAP_INTERFACE_BASELINES] = "interface_baselines",
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

/* Sets the sizes that depend on the machine. */
static int size_maps(const struct datapath *datapath, struct pep_xdp *object)
{
	const uint32_t flows = datapath->cpus * datapath->options.flow_cache_entries;
	const struct {
		struct bpf_map *map;
		uint32_t entries;
	} sizes[] = {
		{ object->maps.flows, flows },
		{ object->maps.sightings, (flows + PEP_SIGHTINGS - 1) / PEP_SIGHTINGS },
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
		const struct bpf_map *map = bpf_object__find_map_by_name(object->obj, map_names[i]);

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
	int error = datapath_map_memory(d->map[MAP_CONTROL], sizeof(*d->control), &d->control);

	if (!error)
		error = datapath_map_memory(d->map[MAP_INTERFACES],
					    PEP_INTERFACES * sizeof(*d->interfaces),
					    &d->interfaces);
	if (!error)
		error = datapath_map_memory(d->map[MAP_STEADY],
					    PEP_STEADY_WORDS * sizeof(*d->steady), &d->steady);
	if (!error)
		error = datapath_map_memory(d->map[MAP_TOTALS], d->stripes * sizeof(*d->totals),
					    &d->totals);
	if (!error)
		error = datapath_map_memory(d->map[MAP_TRACE], sizeof(*d->trace), &d->trace);
	if (!error)
		error = datapath_map_memory(d->map[MAP_RUN], sizeof(*d->run), &d->run);
	if (!error)
		error = datapath_map_memory(d->map[MAP_NAMES],
					    PEP_INTERFACES * sizeof(*d->kept_name), &d->kept_name);
	if (!error)
		error = datapath_map_memory(d->map[MAP_OVERLAYS],
					    (size_t)PEP_OVERLAY_ENTRIES * PEP_OVERLAY_BYTES,
					    &d->overlays);
	if (!error)
		error = datapath_settle_open(d);
	return error;
}

static void say_why(int error, char **ret_detail)
{
	const char *why = error == -EPERM
				  ? "not permitted to create BPF maps: run as root, or with the "
				    "capabilities CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON"
				  : "the kernel refused to create the BPF maps";

	if (asprintf(ret_detail, "%s (%s)", why, strerror(-error)) < 0)
		*ret_detail = NULL;
}

/* First fragments that came before the start, of which later ones come behind it. */
static int reuse_fragments(const struct datapath *datapath, struct bpf_map *map)
{
	int fd = datapath_past_fragments(datapath);
	struct bpf_map_info info = { 0 };
	uint32_t length = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length) ||
	    info.key_size != bpf_map__key_size(map) || info.value_size != bpf_map__value_size(map))
		return 0;
	return bpf_map__reuse_fd(map, fd);
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
		error = reuse_fragments(datapath, object->maps.fragments);
	if (!error)
		error = pep_xdp__load(object);
	if (!error)
		error = keep_maps(datapath, object);
	pep_xdp__destroy(object);
	return error;
}

int datapath_maps_create(struct datapath *datapath, char **ret_detail)
{
	int error;

	datapath->image_bytes_least = datapath->options.image_bytes ? datapath->options.image_bytes
								    : IMAGE_BYTES_DEFAULT;
	for (unsigned int i = 0; i < 2; i++)
		datapath->image_bytes[i] = datapath->image_bytes_least;
	error = create_maps(datapath);
	if (!error)
		error = map_all_memory(datapath);
	if (error)
		say_why(error, ret_detail);
	return error;
}

int datapath_maps_make_images(enum datapath_map_index map, uint32_t bytes, struct image_maps *ret)
{
	LIBBPF_OPTS(bpf_map_create_opts, inner_options, .map_flags = BPF_F_MMAPABLE);
	LIBBPF_OPTS(bpf_map_create_opts, options);
	int inner CLEANUP(cleanup_fd) = -1;
	int outer;

	inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pep_image", sizeof(uint32_t), bytes, 1,
			       &inner_options);
	if (inner < 0)
		return -errno;
	options.inner_map_fd = (uint32_t)inner;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, map_names[map], sizeof(uint32_t),
			       sizeof(uint32_t), PEP_MAIN_ENTRIES, &options);
	if (outer < 0)
		return -errno;
	*ret = (struct image_maps){ .map = (int)map, .fd = outer, .bytes = bytes };
	return 0;
}

void datapath_maps_take_images(struct datapath *datapath, struct image_maps *maps)
{
	cleanup_fd(&datapath->map[maps->map]);
	datapath->map[maps->map] = TAKE_FD(maps->fd);
	datapath->image_bytes[maps->map == MAP_IMAGES_B] = maps->bytes;
	datapath->image_entries[maps->map == MAP_IMAGES_B] = (1U << PEP_MAIN_ENTRIES) - 1;
	maps->map = -1;
}

void datapath_maps_close(struct datapath *d)
{
	datapath_chunks_close(d);
	datapath_unmap_memory(d->control, sizeof(*d->control));
	datapath_unmap_memory(d->interfaces, PEP_INTERFACES * sizeof(*d->interfaces));
	datapath_unmap_memory(d->steady, PEP_STEADY_WORDS * sizeof(*d->steady));
	datapath_unmap_memory(d->totals, d->stripes * sizeof(*d->totals));
	datapath_unmap_memory(d->trace, sizeof(*d->trace));
	datapath_unmap_memory(d->run, sizeof(*d->run));
	datapath_unmap_memory(d->kept_name, PEP_INTERFACES * sizeof(*d->kept_name));
	datapath_unmap_memory(d->overlays, (size_t)PEP_OVERLAY_ENTRIES * PEP_OVERLAY_BYTES);
	cleanup_fd(&d->wait_inner);
	cleanup_fd(&d->wait_outer);
	for (int i = 0; i < MAPS; i++)
		cleanup_fd(&d->map[i]);
}
