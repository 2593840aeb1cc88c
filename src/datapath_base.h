/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the main image in force was made of, and how a wanted set differs from
 * it: which policies the overlay has to have.  Shared by the datapath_*.c
 * files only.
 */
#ifndef DATAPATH_BASE_H
#define DATAPATH_BASE_H

#include <stdbool.h>

#include "ranking.h"

struct address_sets;
struct policy;
struct policyset;

struct datapath_base {
	struct policyset *set; /* NULL: there is no main image */
	struct address_sets *sets; /* that its policies name; NULL: none */
	uint32_t *slot; /* of set->policy[i] */
	struct ranking ranking[PEP_FAMILIES];
	uint32_t *place[PEP_FAMILIES]; /* of set->policy[i] in the ranking; RANKED_NOWHERE */
	uint32_t flags; /* PEP_IMAGE_, in its header */
	size_t rules;
	size_t image_bytes;
	uint32_t worst_compares, worst_live; /* see struct image */
	uint32_t costliest[3]; /* slots of the policies in the longest list of rules */
	size_t costliest_count;
	bool improvable; /* it is the first configuration, compiled in haste */
	const bool *cancelled; /* as in struct image_options */
};

#define RANKED_NOWHERE UINT32_MAX

/* What a state consists of that its rules are made of. */
struct datapath_policies {
	const struct policyset *set;
	const struct address_sets *sets; /* that the policies name; NULL: none */
	const uint32_t *slot; /* of set->policy[i] */
};

/** Takes references and copies the slots; datapath_base_rank() is to follow. 0 or -ENOMEM. */
int datapath_base_make(const struct datapath_policies *policies, struct datapath_base *ret);

/** Ranks its policies; may run in another thread than who holds the set. Returns 0 or -ENOMEM. */
int datapath_base_rank(struct datapath_base *base);

/** Drops and frees what it holds. */
void datapath_base_clear(struct datapath_base *base);

/* A policy that takes the place of one of the base: other than in its rules. */
struct base_successor {
	uint32_t index; /* into base->set->policy */
	struct policy *policy;
	uint32_t slot;
};

struct base_difference {
	struct base_successor *successor; /* ascending */
	size_t successors;
	struct policyset *overlay; /* policies whose rules the main image has not, or otherwise */
	uint32_t *slot; /* of overlay->policy[i] */
	size_t dead; /* policies that the base has and the wanted set has not */
};

/**
 * Compares. Returns 0, -ENOMEM, or -E2BIG when the overlay would have more than @most policies.
 */
int base_difference_make(const struct datapath_base *base, const struct datapath_policies *wanted,
			 size_t most, struct base_difference *ret);
/** Drops and frees what it holds. */
void base_difference_clear(struct base_difference *difference);

/** Whether one of the successors has another action, and so another place in the order. */
bool base_difference_reorders(const struct datapath_base *base,
			      const struct base_difference *difference);

/* Policies of the overlay that are to be ranked. */
struct overlay_part {
	const struct policyset *set;
	enum pep_family family;
	const struct ranked *older; /* others of the overlay, which have ranks; NULL: none */
};

/** Ranks a part of the overlay's policies among the base's. As ranking_between(). */
int base_difference_rank(const struct datapath_base *base, const struct base_difference *difference,
			 const struct overlay_part *part, struct ranking *ret);

#endif
