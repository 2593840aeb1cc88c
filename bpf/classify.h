/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The walk through an image (pep.h has the layout, src/image.c says how it is
 * cut): down each tree of the forest to a leaf, then along the leaf (leaf.h).
 * A tree whose best rank cannot beat what was found ends it.
 * The overlay, an image of the policies that changed since the main one was
 * built, is searched after it in the same way.
 *
 * The first levels are a plain loop without a call in it; the rest goes through
 * bpf_loop(), which costs a call each time.
 */
#ifndef PEP_CLASSIFY_H
#define PEP_CLASSIFY_H

#include "leaf.h"

#define WALK_LEVELS 16

/* The entry of the child that the packet belongs to; 0: there is none. */
static __always_inline __u64 child_entry(const struct packet *p, const void *image, __u64 limit,
					 __u64 entry)
{
	__u64 at = PEP_ENTRY_OFFSET(entry), x;

	x = *((const __u32 *)p + (entry >> 59 & 15)) >> PEP_ENTRY_SHIFT(entry);
	at += 8 * ((x & ((1U << PEP_ENTRY_BITS(entry)) - 1)) +
		   ((PEP_ENTRY_THRESHOLD(entry) - (x & 0xffff) - 1ULL) >> 63));
	opaque(at);
	return at > limit ? 0 : *(const __u64 *)(image + at);
}

static long walk_more(__u32 index, struct view *view)
{
	if (view->at & PEP_ENTRY_LEAF)
		return 1;
	view->at = child_entry(view->packet, view->image, view->limit, view->at);
	return 0;
}

/* Down to a leaf: its entry, or one that is no leaf's. */
static __always_inline __u64 walk(struct packet *p, const void *image, __u64 limit, __u64 entry)
{
	struct view view;

	for (int i = 0; i < WALK_LEVELS; i++) {
		if (entry & PEP_ENTRY_LEAF)
			return entry;
		entry = child_entry(p, image, limit, entry);
	}
	view.image = image;
	view.limit = limit;
	view.packet = p;
	view.at = entry;
	bpf_loop(PEP_TREE_DEPTH - WALK_LEVELS + 1, walk_more, &view, 0);
	return view.at;
}

/* Every tree of a forest that can still beat what was found. */
static __always_inline int classify_forest(struct packet *p, const struct pep_image *image,
					   __u64 limit, __u32 ruleset, bool ipv6)
{
	const struct pep_tree *tree = image->forest[ruleset & 1][ipv6][packet_direction(p)].tree;

	for (int i = 0; i < PEP_TREES; i++, tree++) {
		__u64 entry;
		int error;

		if (tree->best_rank >= p->rank)
			break;
		entry = walk(p, image, limit, tree->entry);
		if (!(entry & PEP_ENTRY_LEAF))
			return ERROR_BOUND;
		error = scan_leaf(p, image, limit, entry, ipv6);
		if (error < 0)
			return error;
	}
	return 0;
}

/*
 * The best live match beyond p->after_rank among the rules of @ruleset: its
 * slot and rank, or PEP_SLOT_NONE and NO_RANK.  0 or ERROR_.
 */
static __always_inline int classify_family(struct packet *p, __u32 ruleset, bool ipv6)
{
	const struct pep_image *image;
	__u64 limit;

	p->slot = PEP_SLOT_NONE;
	p->rank = NO_RANK;
	p->extra_rank = NO_RANK;
	image = image_lookup(p->word, &limit);
	return image ? classify_forest(p, image, limit, ruleset, ipv6) : ERROR_STATE;
}

/* What the overlay has that is better than what the main image had. */
static __always_inline int classify_overlay(struct packet *p, __u32 ruleset, bool ipv6)
{
	const struct pep_image *image;
	__u64 limit;
	int error;

	image = overlay_lookup(p->word, &limit);
	if (!image)
		return ERROR_STATE;
	p->flags |= PACKET_OVERLAY;
	error = classify_forest(p, image, limit, ruleset, ipv6);
	p->flags &= ~PACKET_OVERLAY;
	return error;
}

__noinline int overlay4(struct packet *p, __u32 ruleset)
{
	return p ? classify_overlay(p, ruleset, false) : ERROR_STATE;
}

__noinline int overlay6(struct packet *p, __u32 ruleset)
{
	return p ? classify_overlay(p, ruleset, true) : ERROR_STATE;
}

__noinline int classify4(struct packet *p, __u32 ruleset)
{
	return p ? classify_family(p, ruleset, false) : ERROR_STATE;
}

__noinline int classify6(struct packet *p, __u32 ruleset)
{
	return p ? classify_family(p, ruleset, true) : ERROR_STATE;
}

static __always_inline int classify(struct packet *p, __u32 ruleset)
{
	bool ipv6 = p->flags & PACKET_IPV6;
	int error = ipv6 ? classify6(p, ruleset) : classify4(p, ruleset);

	if (error || PEP_WORD_OVERLAY(p->word) == PEP_OVERLAY_NONE || ruleset == PEP_RULES_FAILSAFE)
		return error;
	return ipv6 ? overlay6(p, ruleset) : overlay4(p, ruleset);
}

#endif
