/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search for a node's cut.  Used by tree*.c alone.
 */
#ifndef TREE_CUT_H
#define TREE_CUT_H

#include "tree_region.h"

#define WINDOW_BITS_MOST 15
#define WINDOW_SIZES 4 /* of windows, of which the best of each word is tried for real */

#define TRIED_MOST 64

/* A node that looks for its cut. */
struct search {
	struct tree_builder *builder;
	const uint32_t *list;
	size_t count;
	const struct region *region;
	struct load load;
	double room; /* what the subtree may take, in what the list takes */
	double growth_most; /* a cut may grow the list by */
	double random_share; /* of packets that no rule is about */
	double price; /* of doubling the rules, in halvings of the list */
	double table_price[WINDOW_BITS_MOST + 1]; /* the same of a table, by its bits */
	struct cut best;
	struct cut tried[TRIED_MOST];
	unsigned int tried_count;
};

/** Chooses how to cut for search->best; false: a leaf is better, or the build is cancelled. */
bool cut_choose(struct search *search);

/** Tries a cut on the list: it becomes the best if it is. */
void cut_try(struct search *search, struct cut *cut);

/* ---- tree_window.c */

struct windows {
	struct cut cut[PEP_KEY_WORDS * WINDOW_SIZES]; /* the best first */
	unsigned int count;
};

/** Windows that look promising, the best first. */
void windows_estimate(struct search *search, struct windows *ret);

/* ---- tree_trial.c */

/** Room for trials, or NULL; for free(). */
struct trials *trials_new(void);

/** Finds what a cut gains and copies; false: too much. */
bool trial_run(struct search *search, struct cut *cut);

/* ---- tree_port.c */

/** Tries to divide the ports: at a value, and into equal intervals. */
void ports_try(struct search *search);

/* ---- tree_partition.c */

/**
 * For a long list that only ports can divide: takes the limits of a port that
 * divide it best. False: they do not, or it is no such list.
 */
bool ports_partition(struct search *search);

#endif
