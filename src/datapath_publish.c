// SPDX-License-Identifier: Apache-2.0
/*
 * Publishing: how a new state becomes the one that every packet sees.
 *
 * A packet reads the control word once and finds everything else through it.
 * So a state is laid out beside the one in force, and a single 64-bit store
 * switches: image entry and generation together.  What is overwritten on the
 * way must not be in any packet's hands.  One wait is enough for that: an
 * update of an outer map returns only when all programs that ran before have
 * ended.  Behind it, packets know the word in force and no older one; so
 *  - the image entry taken now was last in force three states ago,
 *  - the version of a slot that is not in force can be rewritten,
 *  - slots that the state in force does not name can be given away.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "cleanup.h"
#include "datapath_maps.h"
#include "datapath_slots.h"
#include "image.h"
#include "policyset.h"
#include "problem.h"
#include "rules.h"

#define IMAGE_SLACK 64 /* the programs check for room for the largest record */
#define IMAGE_BYTES_MOST (1U << 28)
#define IMAGE_GROWTH 4

struct datapath_change {
	struct policyset *set, *failsafe;
	struct slot_plan policies, failsafes;
	uint64_t generation;
	uint64_t word;
	int image;
	struct datapath_figures figures;
	struct timespec began;
};

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

static int build(struct datapath *datapath, const struct datapath_state *state,
		 struct datapath_change *change, struct image *ret, struct problems *problems)
{
	const struct rules_names names = {
		.interface_id = interface_id,
		.context = datapath,
		.slots = change->policies.slot,
		.failsafe_slots = change->failsafes.slot,
		.max = state->max_rules,
	};
	uint32_t flags = state->flags;
	struct rules rules = { 0 };
	int error;

	if (is_transparent(state))
		flags |= PEP_IMAGE_TRANSPARENT;
	error = rules_expand(state->set, state->failsafe, &names, &rules, problems);
	if (error)
		return error;
	change->figures.rules = rules.count;
	error = image_build(&rules, flags, ret);
	rules_clear(&rules);
	if (error == -EFBIG)
		problem_add(problems, "",
			    "the policies do not compile: they take more than %u MiB, or a "
			    "packet could need more than %u comparisons",
			    IMAGE_BYTES_MOST >> 20, PEP_LEAF_RULES);
	change->figures.image_bytes = ret->bytes;
	change->figures.worst_compares = ret->worst_compares;
	return error;
}

/* The smaller of the two maps that has room and that all programs know, neither: -1. */
static int fitting_image_map(const struct datapath *datapath, size_t bytes)
{
	const int maps[] = { MAP_IMAGES_A, MAP_IMAGES_B };
	int smaller = datapath->image_bytes[1] < datapath->image_bytes[0];

	for (int i = 0; i < 2; i++) {
		int which = i ^ smaller;

		if (bytes + IMAGE_SLACK <= datapath->image_bytes[which] &&
		    maps[which] != datapath->strange_image)
			return maps[which];
	}
	return -1;
}

/* A map for images of this size: one that there is, or the one not in force made larger. */
static int choose_image_map(struct datapath *datapath, size_t bytes)
{
	unsigned int which = datapath->image == MAP_IMAGES_B;
	uint32_t size = datapath->image_bytes[which];
	int error, map = fitting_image_map(datapath, bytes);

	if (map >= 0)
		return map;
	while (size < bytes + IMAGE_SLACK && size < IMAGE_BYTES_MOST)
		size *= IMAGE_GROWTH;
	if (size < bytes + IMAGE_SLACK)
		return -EFBIG;
	map = which ? MAP_IMAGES_A : MAP_IMAGES_B;
	datapath->strange_image = map;
	error = datapath_maps_resize_images(datapath, !which, size);
	if (!error)
		error = datapath_reload_programs(datapath);
	if (error)
		return error;
	datapath->strange_image = -1;
	return map;
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

/* The entry behind the last one used; returns when no program can see what it held. */
static int place_image(struct datapath *datapath, const struct image *image,
		       struct datapath_change *change)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	uint32_t last = PEP_WORD_MAIN(datapath->control->word_now) & ~PEP_MAIN_B;
	uint32_t entry = (last + 1) % PEP_MAIN_ENTRIES;
	int map = choose_image_map(datapath, image->bytes), error;
	int fd CLEANUP(cleanup_fd) = -1;

	if (map < 0)
		return map;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pep_image", sizeof(uint32_t),
			    datapath->image_bytes[map == MAP_IMAGES_B], 1, &options);
	if (fd < 0)
		return -errno;
	error = copy_image(fd, image);
	if (error)
		return error;
	if (bpf_map_update_elem(datapath->map[map], &entry, &fd, BPF_ANY))
		return -errno;
	change->image = map;
	change->word = PEP_WORD((uint64_t)entry | (map == MAP_IMAGES_B ? PEP_MAIN_B : 0),
				PEP_OVERLAY_NONE, change->generation);
	return 0;
}

static void free_change(struct datapath *datapath, struct datapath_change *change)
{
	slot_plan_undo(datapath, &change->policies);
	slot_plan_undo(datapath, &change->failsafes);
	policyset_put(&change->set);
	policyset_put(&change->failsafe);
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

static void write_slots(struct datapath *datapath, const struct datapath_state *state,
			struct datapath_change *change)
{
	slot_plan_write(datapath, &change->policies, state->set, change->generation);
	slot_plan_write(datapath, &change->failsafes, state->failsafe, change->generation);
}

static int prepare(struct datapath *datapath, const struct datapath_state *state,
		   struct datapath_change *change, struct problems *problems)
{
	struct image image = { 0 };
	int error = plan_slots(datapath, state, change);

	if (error == -ENOSPC)
		problem_add(problems, "", "more policies than the %u slots of the datapath",
			    PEP_CHUNK * PEP_CHUNKS);
	if (!error)
		error = build(datapath, state, change, &image, problems);
	change->figures.build_ns = since_ns(&change->began);
	if (!error)
		error = place_image(datapath, &image, change);
	image_clear(&image);
	if (!error)
		write_slots(datapath, state, change);
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

int datapath_prepare(struct datapath *datapath, const struct datapath_state *state,
		     struct datapath_change **ret, struct problems *problems)
{
	struct datapath_change *change = calloc(1, sizeof(*change));
	int error;

	if (!change)
		return -ENOMEM;
	clock_gettime(CLOCK_MONOTONIC, &change->began);
	change->generation = datapath->generation + 1;
	datapath->changing = true;
	error = prepare(datapath, state, change, problems);
	if (error) {
		end_change(datapath);
		free_change(datapath, change);
		return error;
	}
	change->set = policyset_get((struct policyset *)state->set);
	change->failsafe = policyset_get((struct policyset *)state->failsafe);
	*ret = change;
	return 0;
}

uint64_t datapath_commit(struct datapath *datapath, struct datapath_change **change)
{
	struct datapath_change *c = *change;

	__atomic_store_n(&datapath->control->word_now, c->word, __ATOMIC_RELEASE);
	datapath->generation = c->generation;
	datapath->image = c->image;
	slot_plan_carry(datapath, &c->policies, c->set->count, c->generation);
	datapath->refresh_due = false;
	end_change(datapath);
	slot_plan_adopt(datapath, &c->policies, c->set, &datapath->policies);
	slot_plan_adopt(datapath, &c->failsafes, c->failsafe, &datapath->failsafe);
	c->figures.publish_ns = since_ns(&c->began);
	datapath->figures = c->figures;
	free_change(datapath, c);
	*change = NULL;
	return datapath->generation;
}

void datapath_abandon(struct datapath *datapath, struct datapath_change **change)
{
	struct datapath_change *c = *change;

	if (!c)
		return;
	slot_plan_unwrite(datapath, &c->policies, c->set->count, c->generation);
	slot_plan_unwrite(datapath, &c->failsafes, c->failsafe->count, c->generation);
	end_change(datapath);
	free_change(datapath, c);
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
