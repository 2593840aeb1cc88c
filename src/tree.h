/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting one group of rules into a tree: the part of the classifier that
 * decides how fast it is.  Used by image.c alone; tree.c begins with how it
 * works.
 */
#ifndef TREE_H
#define TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image.h"
#include "pep.h"
#include "tree_box.h"

struct rule;
struct trials;
struct leaf_index; /* leaves by content, tree_leaf.c */

/* The image's memory while it grows; offsets, since it moves. */
struct image_buffer {
	unsigned char *data;
	size_t bytes;
	size_t room;
	size_t most;
};

/** Appends @bytes of zeros, a multiple of 8. Returns their offset, or -ENOMEM, -EFBIG. */
int64_t image_buffer_add(struct image_buffer *buffer, size_t bytes);

struct tree_builder {
	struct image_buffer *buffer;
	const struct rule *rules; /* in the order of their ranks */
	const struct box *boxes;
	const uint32_t *extras; /* offset / 8 of each rule's extra fields */
	struct leaf_index *leaves;
	bool ipv6;
	uint32_t leaf_rules; /* so few are not worth a cut */
	double copy_price; /* of doubling the rules, in halvings of the list */
	double table_price; /* the same of a table as large as the list's rules */
	uint32_t words; /* bit n: some rule fixes bits of word n */
	uint32_t depth; /* deepest so far */
	uint32_t longest; /* leaf so far */
	uint32_t longest_live; /* the same, up to a rule that all its packets match */
	uint32_t costliest[IMAGE_COSTLIEST]; /* slots of that leaf; PEP_SLOT_NONE */
	uint64_t work; /* rules looked at so far */
	const bool *cancelled; /* as in struct image_options */
	struct trials *trials; /* of the children of a cut, tree_trial.c */
};

/** Whether the build is to end. */
static inline bool tree_cancelled(const struct tree_builder *builder)
{
	return builder->cancelled && __atomic_load_n(builder->cancelled, __ATOMIC_RELAXED);
}

/** Of a rule in a leaf. */
static inline size_t record_bytes(const struct tree_builder *builder)
{
	return builder->ipv6 ? sizeof(struct pep_rule6) : sizeof(struct pep_rule4);
}

/**
 * Builds the tree of the rules whose indices are in @list, ascending, which it
 * changes.  It takes about @room bytes, or as many as the rules themselves.
 * @ret becomes the entry. Returns 0, -ENOMEM, -EFBIG or -ECANCELED.
 */
int tree_build(struct tree_builder *builder, uint32_t *list, size_t count, size_t room,
	       uint64_t *ret);

/* ---- tree_leaf.c */

/** An empty index, or NULL. */
struct leaf_index *leaf_index_new(void);
/** Frees it. Tolerates NULL. */
void leaf_index_free(struct leaf_index **index);

/** Writes the rules of a leaf, or finds the same ones written. Its offset or -errno. */
int64_t leaf_write(struct tree_builder *builder, const uint32_t *list, size_t count);

#endif
