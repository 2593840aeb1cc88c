// SPDX-License-Identifier: Apache-2.0
/*
 * A new main image: compiled from all policies, in a map of its own, which goes
 * into the outer map behind the one in force.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "cleanup.h"
#include "datapath_change.h"
#include "datapath_fold.h"
#include "datapath_settle.h"
#include "image.h"
#include "policyset.h"
#include "problem.h"
#include "rules.h"

#define IMAGE_PERCENT 40 /* of a map that an image should take at least */
#define IMPROVABLE_RULES 1000 /* image_build() takes the first configuration of fewer */

int datapath_compile(struct datapath_base *base, const struct policyset *failsafe,
		     const struct rules_names *names, struct image *ret, struct problems *problems)
{
	struct image_options options = {
		.flags = base->flags,
		.effort = IMAGE_FIRST,
		.cancelled = base->cancelled,
	};
	struct rules_names ranked = *names;
	struct rules rules = { 0 };
	int error = datapath_base_rank(base);

	if (error)
		return error;
	ranked.slots = base->slot;
	ranked.sets = base->sets;
	ranked.ranking = base->ranking;
	error = rules_expand(base->set, failsafe, &ranked, &rules, problems);
	if (error)
		return error;
	base->rules = rules.count;
	base->improvable = base->improvable && rules.count > IMPROVABLE_RULES;
	if (!base->improvable) {
		options.effort = IMAGE_BEST;
		options.work_most = IMAGE_WORK_USUAL;
	}
	error = image_build_with(&rules, &options, ret);
	rules_clear(&rules);
	if (error == -EFBIG)
		problem_add(problems, "",
			    "the policies do not compile: they take more than %u MiB, or a "
			    "packet could need more than %u comparisons",
			    PEP_IMAGE_BYTES_MOST >> 20, PEP_LEAF_RULES);
	base->image_bytes = ret->bytes;
	base->worst_compares = ret->worst_compares;
	base->worst_live = ret->worst_live;
	base->costliest_count = image_costliest(ret, base->costliest);
	return error;
}

/* Whether an image fits and would not leave most of a map to nobody. */
static bool suits(const struct datapath *datapath, uint32_t room, size_t bytes)
{
	return bytes + PEP_IMAGE_SLACK <= room &&
	       (room <= datapath->image_bytes_least || room / 100 * IMAGE_PERCENT <= bytes);
}

/* The smaller of the two maps that suits and that all programs know, neither: -1. */
static int fitting_image_map(const struct datapath *datapath, size_t bytes)
{
	const int maps[] = { MAP_IMAGES_A, MAP_IMAGES_B };
	int smaller = datapath->image_bytes[1] < datapath->image_bytes[0];

	for (int i = 0; i < 2; i++) {
		int which = i ^ smaller;

		if (suits(datapath, datapath->image_bytes[which], bytes) &&
		    maps[which] != datapath->strange_image)
			return maps[which];
	}
	return -1;
}

/* A map that suits in the place of the one not in force, and programs that know it. */
static int make_image_map(struct datapath *datapath, size_t bytes, struct datapath_change *change)
{
	const bool other = datapath->image == MAP_IMAGES_A;
	uint32_t size = datapath->image_bytes_least;
	int error;

	while (size < bytes + PEP_IMAGE_SLACK && size < PEP_IMAGE_BYTES_MOST)
		size *= 2;
	if (size < bytes + PEP_IMAGE_SLACK)
		return -EFBIG;
	error = datapath_maps_make_images(other ? MAP_IMAGES_B : MAP_IMAGES_A, size, &change->maps);
	return error ? error : datapath_load_again(datapath, &change->maps, change->program);
}

/* The outer map that an image of this size goes into. */
static int choose_image_map(struct datapath *datapath, size_t bytes, struct datapath_change *change,
			    struct image_maps *ret)
{
	int map = fitting_image_map(datapath, bytes), error;

	if (map >= 0) {
		*ret = (struct image_maps){ map, datapath->map[map],
					    datapath->image_bytes[map == MAP_IMAGES_B] };
		return 0;
	}
	error = make_image_map(datapath, bytes, change);
	*ret = change->maps;
	return error;
}

static int copy_image(int fd, const struct image *image)
{
	void *memory = mmap(NULL, image->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return -errno;
	memcpy(memory, image->data, image->bytes);
	munmap(memory, image->bytes);
	return 0;
}

int datapath_place_image(struct datapath *datapath, const struct image *image,
			 struct datapath_change *change)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	uint32_t last = PEP_WORD_MAIN(datapath->control->word_now) & ~PEP_MAIN_B;
	uint32_t entry = (last + 1) % PEP_MAIN_ENTRIES;
	uint64_t in_force = datapath_generation(datapath);
	struct image_maps maps;
	int error = choose_image_map(datapath, image->bytes, change, &maps);
	int fd CLEANUP(cleanup_fd) = -1;

	if (error)
		return error;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pep_image", sizeof(uint32_t), maps.bytes, 1,
			    &options);
	if (fd < 0)
		return -errno;
	error = copy_image(fd, image);
	if (error)
		return error;
	if (bpf_map_update_elem(maps.fd, &entry, &fd, BPF_ANY))
		return -errno;
	datapath_note_settled(datapath, in_force);
	if (maps.fd != change->maps.fd)
		__atomic_fetch_or(&datapath->image_entries[maps.map == MAP_IMAGES_B],
				  (uint8_t)(1U << entry), __ATOMIC_RELAXED);
	change->image = maps.map;
	change->main = entry | (maps.map == MAP_IMAGES_B ? PEP_MAIN_B : 0);
	change->overlay = PEP_OVERLAY_NONE;
	return 0;
}

int datapath_images_drop(struct datapath *datapath)
{
	uint32_t in_force = PEP_WORD_MAIN(datapath->control->word_now);
	int error = datapath_settle(datapath, datapath_generation(datapath));

	for (uint32_t i = 0; i < 2 * PEP_MAIN_ENTRIES && !error; i++) {
		uint32_t which = i / PEP_MAIN_ENTRIES, entry = i % PEP_MAIN_ENTRIES;
		uint8_t *filled = &datapath->image_entries[which];

		if (!(*filled >> entry & 1) || in_force == (entry | (which ? PEP_MAIN_B : 0)))
			continue;
		if (bpf_map_delete_elem(datapath->map[MAP_IMAGES_A + which], &entry) &&
		    errno != ENOENT)
			error = -errno;
		else
			__atomic_fetch_and(filled, (uint8_t) ~(1U << entry), __ATOMIC_RELAXED);
	}
	return error;
}

bool datapath_images_left(const struct datapath *datapath)
{
	const uint8_t *filled = datapath->image_entries;

	return __builtin_popcount(filled[0]) + __builtin_popcount(filled[1]) > 1;
}

/* Also of what is removed: an image that is being compiled may name it. */
static int write_all(struct datapath *datapath, const struct policyset *set,
		     const struct datapath_slots *now, struct slot_plan *plan, uint64_t generation)
{
	CLEANUP(cleanup_free) struct version_wanted *wanted = NULL;
	size_t count = set->count + plan->removed_count;

	wanted = calloc(count + 1, sizeof(*wanted));
	if (!wanted)
		return -ENOMEM;
	for (size_t i = 0; i < set->count; i++) {
		wanted[i].policy = set->policy[i];
		wanted[i].slot = plan->slot[i];
	}
	for (size_t i = 0; i < plan->removed_count; i++)
		wanted[set->count + i].slot = now->slot[plan->removed[i]];
	return slot_plan_write(datapath, plan, wanted, count, generation);
}

static int compile(struct datapath *datapath, const struct datapath_state *state,
		   struct datapath_change *change, struct image *ret, struct problems *problems)
{
	const struct datapath_policies policies = {
		.set = state->set,
		.sets = state->sets,
		.slot = change->policies.slot,
	};
	struct rules_names names;
	int error = datapath_base_make(&policies, &change->base);

	if (error)
		return error;
	datapath_change_names(datapath, &names);
	names.failsafe_slots = change->failsafes.slot;
	names.max = state->max_rules;
	change->base.flags = datapath_image_flags(state);
	change->base.improvable = !datapath->options.best_image;
	change->base.cancelled = &datapath->cancelled;
	datapath_fold_cancel(datapath); /* what it compiles is of little use, and it costs time */
	return datapath_compile(&change->base, state->failsafe, &names, ret, problems);
}

int datapath_change_image(struct datapath *datapath, const struct datapath_state *state,
			  struct datapath_change *change, struct problems *problems)
{
	struct image image = { 0 };
	int error = compile(datapath, state, change, &image, problems);

	change->figures.rules = change->base.rules;
	change->figures.overlay_policies = 0;
	change->figures.dead_policies = 0;
	change->figures.image_bytes = image.bytes;
	change->figures.worst_compares = image.worst_compares;
	change->figures.worst_live = image.worst_live;
	change->figures.improvable = change->base.improvable;
	if (!error)
		error = datapath_place_image(datapath, &image, change);
	image_clear(&image);
	if (!error)
		datapath_change_stamp(datapath, change);
	if (!error)
		error = write_all(datapath, state->set, &datapath->policies, &change->policies,
				  change->generation);
	if (!error)
		error = write_all(datapath, state->failsafe, &datapath->failsafe,
				  &change->failsafes, change->generation);
	return error;
}
