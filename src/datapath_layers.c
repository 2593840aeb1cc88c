// SPDX-License-Identifier: Apache-2.0
#include "datapath_layers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address_sets.h"
#include "cleanup.h"
#include "pep.h"
#include "policyset.h"
#include "problem.h"
#include "rules.h"

#define OLDER_LEAST 256 /* policies: fewer are compiled in less than a millisecond */
#define FRESH_TIMES 2 /* as many beside an older layer; then all is compiled */

/* Policies that are compiled, and what for. */
struct part {
	const struct layer *layer;
	const struct policyset *set;
	const uint32_t *slot; /* of set->policy[i] */
	const struct older_layer *older; /* NULL: none */
	const struct image *onto; /* the copy of the older layer's image */
	struct ranking ranking[PEP_FAMILIES];
};

static void part_clear(struct part *part)
{
	for (int family = 0; family < PEP_FAMILIES; family++)
		ranking_clear(&part->ranking[family]);
}

/* ---- one part */

struct older_rank {
	const struct older_layer *older;
	enum pep_family family;
};

static const struct policy *older_at(void *context, size_t position)
{
	const struct older_rank *rank = context;

	return rank->older->set->policy[rank->older->ranking[rank->family].index[position]];
}

static int rank_part(struct part *part, enum pep_family family)
{
	const struct layer *layer = part->layer;
	struct older_rank rank = { part->older, family };
	struct overlay_part wanted = { part->set, family, NULL };
	struct ranked older = { .policy = older_at, .context = &rank, .family = family };

	if (part->older) {
		older.ranking = &part->older->ranking[family];
		wanted.older = &older;
	}
	return base_difference_rank(layer->base, &layer->difference, &wanted,
				    &part->ranking[family]);
}

static int expand(struct part *part, const struct rules_names *names, struct rules *ret)
{
	CLEANUP(policyset_put) struct policyset *none = policyset_new();
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct rules_names ranked = *names;
	int error = none ? 0 : -ENOMEM;

	for (int family = 0; family < PEP_FAMILIES && !error; family++)
		error = rank_part(part, (enum pep_family)family);
	ranked.ranking = part->ranking;
	ranked.slots = part->slot;
	ranked.sets = part->layer->wanted.sets;
	return error ? error : rules_expand(part->set, none, &ranked, ret, &problems);
}

static int compile(struct part *part, const struct rules_names *names, struct image *ret)
{
	const struct image_options options = { .flags = part->layer->flags,
					       .effort = IMAGE_FIRST,
					       .onto = part->onto,
					       .bytes_most = PEP_OVERLAY_BYTES - PEP_IMAGE_SLACK };
	struct rules rules = { 0 };
	int error = expand(part, names, &rules);

	if (!error)
		error = image_build_with(&rules, &options, ret);
	rules_clear(&rules);
	if (!error && ret->bytes + PEP_IMAGE_SLACK > PEP_OVERLAY_BYTES)
		error = -E2BIG;
	return error;
}

/* ---- what is fresh beside the older layer */

struct fresh {
	struct policy **policy; /* borrowed */
	uint32_t *slot;
	size_t count, most;
	struct image onto;
};

static void fresh_clear(struct fresh *fresh)
{
	free(fresh->policy);
	free(fresh->slot);
	image_clear(&fresh->onto);
}

static int copy_image(const struct image *image, struct image *ret)
{
	*ret = *image;
	ret->data = malloc(image->bytes);
	if (!ret->data)
		return -ENOMEM;
	memcpy(ret->data, image->data, image->bytes);
	return 0;
}

/* A successor with another action has another place among the older ones, too. */
static bool older_fits(const struct older_layer *older, const struct layer *layer)
{
	return older->set && older->base == layer->base->set && older->sets == layer->wanted.sets &&
	       !base_difference_reorders(layer->base, &layer->difference);
}

static int add_fresh(struct fresh *fresh, struct policy *policy, uint32_t slot)
{
	if (fresh->count == fresh->most)
		return -E2BIG;
	fresh->policy[fresh->count] = policy;
	fresh->slot[fresh->count++] = slot;
	return 0;
}

/* Both are sorted by id, and what stays is the same object in the same slot. Hides those of the
 * older layer that do not stay. */
static int split(const struct older_layer *older, const struct base_difference *d,
		 struct fresh *fresh)
{
	const struct policyset *before = older->set, *now = d->overlay;
	size_t i = 0, j = 0;
	int error = 0;

	while ((i < before->count || j < now->count) && !error) {
		int order = i == before->count ? 1
			    : j == now->count  ? -1
					       : strcmp(before->policy[i]->id, now->policy[j]->id);
		bool stays = !order && before->policy[i] == now->policy[j] &&
			     older->slot[i] == d->slot[j];

		if (order <= 0 && !stays)
			image_records_hide(&older->records, older->slot[i], &fresh->onto);
		if (order >= 0 && !stays)
			error = add_fresh(fresh, now->policy[j], d->slot[j]);
		i += order <= 0;
		j += order >= 0;
	}
	return error;
}

static size_t older_least(const struct layer *layer)
{
	return layer->older_least ? layer->older_least : OLDER_LEAST;
}

static int fresh_make(const struct older_layer *older, const struct layer *layer,
		      struct fresh *fresh)
{
	int error = copy_image(&older->image, &fresh->onto);

	fresh->most = FRESH_TIMES * older_least(layer);
	fresh->policy = calloc(fresh->most, sizeof(struct policy *));
	fresh->slot = calloc(fresh->most, sizeof(*fresh->slot));
	if (error || !fresh->policy || !fresh->slot)
		return -ENOMEM;
	return split(older, &layer->difference, fresh);
}

static int compile_fresh(const struct layer *layer, const struct rules_names *names,
			 const struct older_layer *older, struct image *ret)
{
	CLEANUP(policyset_put) struct policyset *none = policyset_new(), *set = NULL;
	CLEANUP(fresh_clear) struct fresh fresh = { 0 };
	CLEANUP(part_clear) struct part part = { .layer = layer, .older = older };
	int error = none ? fresh_make(older, layer, &fresh) : -ENOMEM;

	if (!error)
		error = policyset_add(none, fresh.policy, fresh.count, &set);
	if (error)
		return error;
	part.set = set;
	part.slot = fresh.slot;
	part.onto = &fresh.onto;
	return compile(&part, names, ret);
}

/* ---- the whole, which becomes the older layer */

void older_layer_clear(struct older_layer *older)
{
	policyset_put(&older->set);
	policyset_put(&older->base);
	address_sets_put(&older->sets);
	free(older->slot);
	for (int family = 0; family < PEP_FAMILIES; family++)
		ranking_clear(&older->ranking[family]);
	image_clear(&older->image);
	image_records_clear(&older->records);
	memset(older, 0, sizeof(*older));
}

/* Takes the part's ranking. */
static int older_make(struct part *part, const struct image *image, struct older_layer *ret)
{
	const struct datapath_policies *wanted = &part->layer->wanted;
	CLEANUP(older_layer_clear) struct older_layer older = { 0 };
	size_t bytes = part->set->count * sizeof(*older.slot);
	int error = copy_image(image, &older.image);

	if (!error)
		error = image_records_make(&older.image, &older.records);
	older.slot = malloc(bytes);
	if (error || !older.slot)
		return -ENOMEM;
	memcpy(older.slot, part->slot, bytes);
	memcpy(older.ranking, part->ranking, sizeof(older.ranking));
	memset(part->ranking, 0, sizeof(part->ranking));
	older.set = policyset_get((struct policyset *)part->set);
	older.base = policyset_get((struct policyset *)part->layer->base->set);
	if (wanted->sets)
		older.sets = address_sets_get((struct address_sets *)wanted->sets);
	*ret = older;
	memset(&older, 0, sizeof(older));
	return 0;
}

static int compile_whole(const struct layer *layer, const struct rules_names *names,
			 struct older_layer *older, struct image *ret)
{
	CLEANUP(part_clear)
	struct part part = {
		.layer = layer,
		.set = layer->difference.overlay,
		.slot = layer->difference.slot,
	};
	int error = compile(&part, names, ret);

	if (!older)
		return error;
	older_layer_clear(older);
	/* Without memory for it the next one is compiled whole again. What was ranked beside a
	 * successor with another action has no place in the order without it. */
	if (!error && part.set->count >= older_least(layer) &&
	    !base_difference_reorders(layer->base, &layer->difference))
		(void)older_make(&part, ret, older);
	return error;
}

static bool does_not_fit(int error)
{
	return error == -ERANGE || error == -ENOSPC || error == -EFBIG || error == -E2BIG;
}

int layer_compile(const struct layer *layer, const struct rules_names *names,
		  struct older_layer *older, struct image *ret)
{
	int error = -E2BIG;

	if (older && older_fits(older, layer))
		error = compile_fresh(layer, names, older, ret);
	if (does_not_fit(error)) {
		image_clear(ret);
		error = compile_whole(layer, names, older, ret);
	}
	return error;
}
