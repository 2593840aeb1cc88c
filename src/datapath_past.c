// SPDX-License-Identifier: Apache-2.0
/*
 * A run is what one process counts.  Its maps are kept, so that the next
 * process can go on where it ended, whenever and however that is:
 *
 *  1. the new run's maps are made, get the buckets' debts, and are kept;
 *  2. its programs take the place of the old ones, one link after the other,
 *     so that for a moment both runs count;
 *  3. when no packet is in an old program any more, the baselines of the new
 *     run get what the old one counted, and the new run is complete;
 *  4. the old one's maps are kept no longer.
 *
 * Who dies on the way leaves several runs.  The baselines of one that is not
 * complete say nothing, so its counts are added to those of the runs before it,
 * back to the last that is complete.
 */
#include "datapath_past.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "datapath_inherit.h"
#include "datapath_limits.h"
#include "datapath_reader.h"
#include "datapath_settle.h"
#include "datapath_slots.h"
#include "keep.h"
#include "policyset.h"

#define FRAGMENTS_NAME "fragments-1"
#define RUN_NAME "run-%u-%u-%u-%s" /* number, layout, words of a record, map */

/*
 * What of a run is kept, with its layout.  A record that only got longer is of
 * the same one: an older or a newer process reads what it knows of it, and the
 * rest is 0.  Any other change raises the layout, and counts begin anew.
 */
static const struct {
	enum datapath_map_index map;
	uint32_t layout;
	uint32_t words;
} kept[] = {
	{ MAP_CONTROL, 1, PAST_WORDS(struct pep_control) },
	{ MAP_RUN, 1, PAST_WORDS(struct pep_run) },
	{ MAP_NAMES, 1, PAST_WORDS(struct pep_name) },
	{ MAP_TOTALS, 1, PAST_WORDS(struct pep_totals) },
	{ MAP_SLOTS, 1, PAST_WORDS(struct pep_slot) },
	{ MAP_LIMITS, 1, PAST_WORDS(struct pep_limits) },
	{ MAP_COUNTERS, 1, PAST_WORDS(struct pep_matches) },
	{ MAP_BASELINES, 1, PAST_WORDS(struct pep_matches) },
	{ MAP_INTERFACE_COUNTERS, 1, PAST_WORDS(struct pep_tally) },
	{ MAP_INTERFACE_BASELINES, 1, PAST_WORDS(struct pep_tally) },
};

uint64_t datapath_owner(const char *id)
{
	uint64_t hash = 14695981039346656037ULL; /* FNV-1a */

	for (; *id; id++)
		hash = (hash ^ (unsigned char)*id) * 1099511628211ULL;
	return hash | 1ULL << 32 | 1;
}

/* ---- finding */

static struct past_run *find_run(struct datapath_past *past, uint32_t number)
{
	struct past_run *grown;

	for (size_t i = 0; i < past->count; i++) {
		if (past->run[i].number == number)
			return &past->run[i];
	}
	grown = reallocarray(past->run, past->count + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	past->run = grown;
	grown += past->count++;
	*grown = (struct past_run){ .number = number };
	for (int i = 0; i < MAPS; i++)
		grown->map[i] = -1;
	return grown;
}

/* What is kept as that; -1: nothing of ours, or of another layout. */
static int parse_name(const char *name, uint32_t *ret_number, uint32_t *ret_words)
{
	uint32_t layout;
	char map[KEEP_NAME_BYTES];

	if (sscanf(name, "run-%u-%u-%u-%63s", ret_number, &layout, ret_words, map) != 4)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		if (kept[i].layout == layout && !strcmp(datapath_map_name(kept[i].map), map))
			return (int)kept[i].map;
	}
	return -1;
}

static int find_maps(const struct keep *keep, struct datapath_past *past)
{
	const char *name;
	uint32_t number, words;

	for (size_t i = 0; (name = keep_name(keep, i)); i++) {
		int map = parse_name(name, &number, &words);
		struct past_run *run = map < 0 ? NULL : find_run(past, number);

		if (map >= 0 && !run)
			return -ENOMEM;
		if (run) {
			run->map[map] = keep_find(keep, name);
			run->words[map] = words;
		}
	}
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct past_run *first = a, *second = b;

	return first->number < second->number ? -1 : first->number > second->number;
}

int past_map_memory(const struct past_run *run, enum datapath_map_index map, size_t bytes,
		    void *ret)
{
	return run->map[map] < 0 ? -ENOENT : datapath_map_memory(run->map[map], bytes, ret);
}

int past_copy(const struct past_run *run, enum datapath_map_index map, size_t count, size_t words,
	      void *ret)
{
	const size_t kept_words = run->words[map], both = words < kept_words ? words : kept_words;
	const size_t bytes = count * kept_words * sizeof(uint64_t);
	uint64_t *copy = calloc(count, words * sizeof(*copy));
	uint64_t *memory = NULL;
	int error = copy ? 0 : -ENOMEM;

	if (!error)
		error = past_map_memory(run, map, bytes, &memory);
	for (size_t i = 0; i < count && !error; i++)
		memcpy(copy + i * words, memory + i * kept_words, both * sizeof(*copy));
	datapath_unmap_memory(memory, bytes);
	if (error)
		free(copy);
	else
		*(uint64_t **)ret = copy;
	return error;
}

int past_read(const struct past_run *run, enum datapath_map_index map, uint32_t words,
	      struct datapath_reader **ret)
{
	return datapath_reader_open(run->map[map], run->words[map], words, ret);
}

static void follow_generation(struct datapath *datapath, const struct past_run *run)
{
	struct pep_control *control = NULL;
	uint64_t generation;

	if (past_map_memory(run, MAP_CONTROL, sizeof(*control), &control))
		return;
	generation = PEP_WORD_GENERATION(control->word_now);
	datapath_unmap_memory(control, sizeof(*control));
	if (generation > datapath->generation)
		datapath->generation = datapath->defined = datapath->settled = generation;
}

int datapath_past_open(struct datapath *datapath)
{
	struct datapath_past *past = datapath->past = calloc(1, sizeof(*past));
	int error = past ? find_maps(datapath->keep, past) : -ENOMEM;

	if (error)
		return error;
	if (past->count)
		qsort(past->run, past->count, sizeof(*past->run), by_number);
	for (size_t i = 0; i < past->count; i++) {
		(void)past_map_memory(&past->run[i], MAP_RUN, sizeof(struct pep_run),
				      &past->run[i].header);
		follow_generation(datapath, &past->run[i]);
	}
	return 0;
}

int datapath_past_fragments(const struct datapath *datapath)
{
	return keep_find(datapath->keep, FRAGMENTS_NAME);
}

void datapath_past_close(struct datapath *datapath)
{
	struct datapath_past *past = TAKE_PTR(datapath->past);

	for (size_t i = 0; past && i < past->count; i++) {
		datapath_unmap_memory(past->run[i].header, sizeof(struct pep_run));
		free(past->run[i].slot);
	}
	if (past) {
		free(past->run);
		free(past->owner);
	}
	free(past);
}

bool past_is_whole(const struct past_run *run)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		if (run->map[kept[i].map] < 0)
			return false;
	}
	return run->header;
}

/* The first run whose counts are not in another one's baselines. */
static size_t first_that_counts(const struct datapath_past *past)
{
	size_t i = past->count;

	while (i-- > 0) {
		const struct past_run *run = &past->run[i];

		if (past_is_whole(run) && __atomic_load_n(&run->header->complete, __ATOMIC_ACQUIRE))
			return i;
	}
	return 0;
}

/* ---- keeping */

static void name_map(uint32_t number, size_t i, char ret[KEEP_NAME_BYTES])
{
	snprintf(ret, KEEP_NAME_BYTES, RUN_NAME, number, kept[i].layout, kept[i].words,
		 datapath_map_name(kept[i].map));
}

static int keep_maps(struct datapath *datapath, uint32_t number)
{
	char name[KEEP_NAME_BYTES];
	int error = keep_put(datapath->keep, FRAGMENTS_NAME, datapath->map[MAP_FRAGMENTS]);

	for (size_t i = 0; i < ARRAY_SIZE(kept) && !error; i++) {
		name_map(number, i, name);
		error = keep_put(datapath->keep, name, datapath->map[kept[i].map]);
	}
	return error;
}

int datapath_hand_over(struct datapath *datapath)
{
	struct datapath_past *past = datapath->past;
	uint32_t number = past->count ? past->run[past->count - 1].number + 1 : 1;
	int error = past->count ? past_list_owners(datapath) : 0, kept_error;

	for (size_t i = first_that_counts(past); i < past->count && !error; i++) {
		if (past_is_whole(&past->run[i]))
			error = past_inherit_slots(datapath, &past->run[i]);
	}
	datapath->run->stripes = datapath->stripes;
	__atomic_store_n(&datapath->run->complete, !past->count, __ATOMIC_RELEASE);
	kept_error = keep_maps(datapath, number);
	return error ? error : kept_error;
}

/* ---- counting on */

static size_t count_mapped(const struct past_run *run)
{
	size_t count = 0;

	for (size_t i = 0; i < run->slots; i++)
		count += run->slot[i] != PEP_SLOT_NONE;
	return count;
}

static void drop_runs(struct keep *keep, uint32_t before)
{
	const char *name;
	uint32_t number;
	size_t i = 0;

	while ((name = keep_name(keep, i))) {
		if (sscanf(name, "run-%u-", &number) == 1 && number < before)
			keep_drop(keep, name);
		else
			i++;
	}
}

int datapath_inherit(struct datapath *datapath, struct datapath_inherited *ret)
{
	struct datapath_past *past = datapath->past;
	int error;

	*ret = (struct datapath_inherited){ 0 };
	if (!past->count)
		return 0;
	error = datapath_settle_all(datapath);
	if (!error)
		error = datapath_chunks_add_baselines(datapath);
	for (size_t i = first_that_counts(past); i < past->count && !error; i++) {
		if (!past_is_whole(&past->run[i]))
			continue;
		error = past_pour(datapath, &past->run[i]);
		ret->run = past->run[i].number;
		ret->policies = count_mapped(&past->run[i]);
	}
	if (!error && !ret->run)
		error = -EPROTO;
	__atomic_store_n(&datapath->run->complete, 1, __ATOMIC_RELEASE);
	drop_runs(datapath->keep, past->run[past->count - 1].number + 1);
	datapath_past_close(datapath);
	return error;
}
