/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The walk through an image (pep.h has the layout, src/image.c says how it is
 * cut): down each tree of the forest to a leaf, then along the leaf's rules,
 * which are in the order of their ranks, to the first that matches and whose
 * slot applies.  A tree whose best rank cannot beat what was found ends it.
 * The overlay, an image of the policies that changed since the main one was
 * built, is searched after it in the same way.
 *
 * The first levels and rules are plain loops without a call in them; the rest
 * goes through bpf_loop(), which costs a call each time.  So does a slot that
 * has to be read.  Functions that are not static are verified once each,
 * whatever calls them.
 */
#ifndef PEP_CLASSIFY_H
#define PEP_CLASSIFY_H

#include "extra.h"
#include "slot.h"

#define WALK_LEVELS 16
#define LEAF_RULES (PEP_IMAGE_SLACK / (int)sizeof(struct pep_rule6))
#define ERROR_BOUND (-1)
#define ERROR_STATE (-2)

/* A walk in progress, for bpf_loop(). */
struct view {
	const void *image;
	__u64 limit; /* last offset that has PEP_IMAGE_SLACK bytes behind it */
	struct packet *packet;
	__u64 at; /* an entry, or a rule's offset */
	int result;
};

static __always_inline const struct pep_image *image_lookup(__u64 word, __u64 *ret_limit)
{
	__u32 entry = PEP_WORD_MAIN(word);
	const struct pep_image *image;

	if (entry & PEP_MAIN_B) {
		image = outer_lookup(&images_b, entry & ~PEP_MAIN_B, 0);
		*ret_limit = image_b_bytes - PEP_IMAGE_SLACK;
	} else {
		image = outer_lookup(&images_a, entry, 0);
		*ret_limit = image_a_bytes - PEP_IMAGE_SLACK;
	}
	return image;
}

/* NULL: the state has no overlay, or only if something is badly wrong. */
static __always_inline const struct pep_image *overlay_lookup(__u64 word, __u64 *ret_limit)
{
	__u32 entry = PEP_WORD_OVERLAY(word);

	*ret_limit = PEP_OVERLAY_BYTES - PEP_IMAGE_SLACK;
	return bpf_map_lookup_elem(&overlays, &entry);
}

static __always_inline bool extra_at_matches(const struct packet *p, __u32 offset)
{
	const void *image;
	__u64 limit, at = (__u64)offset * 8;

	if (p->flags & PACKET_OVERLAY)
		image = overlay_lookup(p->word, &limit);
	else
		image = image_lookup(p->word, &limit);
	if (!image || at > limit)
		return false;
	opaque(at);
	if (at > limit)
		return false;
	return extra_matches(p, image + at);
}

/*
 * A rule's five-tuple matched: does its slot apply, for rules of the image that
 * is searched?  1: yes, 0: no, negative: ERROR_.
 *
 * Two functions, of which each needs little stack: Linux 6.1 counts it along
 * the calls, and 512 bytes are all there is.
 */
__noinline int classify_slot(struct packet *p, __u32 rule_flags, __u32 slot, __u32 rank)
{
	const struct pep_version *version;
	struct pep_slot *state;

	if (!p)
		return ERROR_STATE;
	state = slot_lookup(slot);
	if (!state)
		return ERROR_STATE;
	version = slot_version(p, state);
	if (!version || !(version->flags & PEP_VERSION_OVERLAY) != !(p->flags & PACKET_OVERLAY))
		return 0;
	if (rule_flags & PEP_RULE_UNCACHED && rank < p->extra_rank)
		p->extra_rank = rank;
	return 1;
}

/* Whether the rule's extra fields match. */
__noinline int classify_extra(struct packet *p, __u32 offset)
{
	return p ? extra_at_matches(p, offset) : 0;
}

/* Ports and protocol. */
static __always_inline bool rest_matches(const struct packet *p, const struct pep_rule *rule)
{
	__u32 ports = p->key.word[PEP_KEY_PORTS];

	if (!between(rule->dport_low, ports & 0xffff, rule->dport_high) ||
	    !between(rule->sport_low, ports >> 16, rule->sport_high))
		return false;
	if (rule->flags & PEP_RULE_PROTOCOL && p->protocol != rule->protocol)
		return false;
	return !(rule->flags & PEP_RULE_PORTS) ||
	       p->key.word[PEP_KEY_PROTOCOL] & PEP_PROTOCOL_PORTS;
}

/* What differs in the prefixes of two addresses.  No branch: the verifier walks all paths. */
static __always_inline __u64 differs6(const __u32 *a, const __u32 *b, const __u8 open[2])
{
	__u64 upper = (__u64)(a[0] ^ b[0]) << 32 | (a[1] ^ b[1]);
	__u64 lower = (__u64)(a[2] ^ b[2]) << 32 | (a[3] ^ b[3]);

	/* in two steps, because they can be 64 */
	upper = upper >> (open[0] / 2 & 63) >> ((open[0] + 1) / 2 & 63);
	return upper | lower >> (open[1] / 2 & 63) >> ((open[1] + 1) / 2 & 63);
}

static __always_inline bool addresses4_match(const struct packet *p, const struct pep_rule4 *r)
{
	__u64 src = p->key.word[PEP_KEY_SRC] ^ r->src, dst = p->key.word[PEP_KEY_DST] ^ r->dst;

	return src >> (32 - r->rule.src_bits & 63) == 0 && dst >> (32 - r->rule.dst_bits & 63) == 0;
}

static __always_inline bool addresses6_match(const struct packet *p, const struct pep_rule6 *r)
{
	return (differs6(&p->key.word[PEP_KEY_SRC], r->src, r->src_open) |
		differs6(&p->key.word[PEP_KEY_DST], r->dst, r->dst_open)) == 0;
}

/* Whether a rule's five-tuple takes the packet. */
static __always_inline bool rule_matches(const struct packet *p, const void *record, bool ipv6)
{
	const struct pep_rule6 *r6 = record;
	const struct pep_rule4 *r4 = record;

	if (ipv6)
		return addresses6_match(p, r6) && rest_matches(p, &r6->rule);
	return addresses4_match(p, r4) && rest_matches(p, &r4->rule);
}

static __always_inline const struct pep_rule *record_rule(const void *record, bool ipv6)
{
	return ipv6 ? &((const struct pep_rule6 *)record)->rule
		    : &((const struct pep_rule4 *)record)->rule;
}

/* Its five-tuple matched. 1: it is the answer, 0: it does not apply, negative: ERROR_. */
static __always_inline int take_rule(struct packet *p, const struct pep_rule *rule)
{
	int applies = 1;

	if (p->flags & PACKET_OVERLAY || rule->flags & PEP_RULE_UNCACHED ||
	    !slot_is_steady(rule->slot))
		applies = classify_slot(p, rule->flags, rule->slot, rule->rank);
	if (applies != 1)
		return applies;
	if (rule->flags & PEP_RULE_EXTRA && !classify_extra(p, rule->extra))
		return 0;
	p->slot = rule->slot;
	p->rank = rule->rank;
	return 1;
}

#define OFFSET_MASK 0x1fffffffULL /* the verifier wants offsets below 2^29 */

static __always_inline __u32 record_bytes(bool ipv6)
{
	return ipv6 ? sizeof(struct pep_rule6) : sizeof(struct pep_rule4);
}

/* One rule of the rest of a leaf. 1: the leaf is done. */
static __always_inline long leaf_step(struct view *view, bool ipv6)
{
	__u64 at = view->at & OFFSET_MASK;
	struct packet *p = view->packet;
	const struct pep_rule *rule;

	view->at = (at + record_bytes(ipv6)) & OFFSET_MASK;
	opaque(at);
	if (at > view->limit) {
		view->result = ERROR_BOUND;
		return 1;
	}
	rule = record_rule(view->image + at, ipv6);
	if (rule->rank >= p->rank)
		return 1;
	if (rule->rank <= p->after_rank || !rule_matches(p, view->image + at, ipv6))
		return 0;
	view->result = take_rule(p, rule);
	return view->result != 0;
}

static long leaf_step4(__u32 index, struct view *view)
{
	return leaf_step(view, false);
}

static long leaf_step6(__u32 index, struct view *view)
{
	return leaf_step(view, true);
}

static __always_inline int scan_rest(struct view *view, __u32 count, bool ipv6)
{
	if (count > PEP_LEAF_RULES)
		return ERROR_BOUND;
	view->result = 0;
	if (ipv6)
		bpf_loop(count, leaf_step6, view, 0);
	else
		bpf_loop(count, leaf_step4, view, 0);
	return view->result;
}

/* Along a leaf: negative is ERROR_. */
static __always_inline int scan_leaf(struct packet *p, const void *image, __u64 limit, __u64 entry,
				     bool ipv6)
{
	__u32 count = PEP_ENTRY_RULES(entry), i;
	__u64 at = PEP_ENTRY_OFFSET(entry);
	struct view view;
	const void *record;
	int result;

	opaque(at);
	if (at > limit)
		return ERROR_BOUND;
	record = image + at;
	for (i = 0; i < LEAF_RULES; i++, record += record_bytes(ipv6)) {
		const struct pep_rule *rule = record_rule(record, ipv6);

		if (i >= count || rule->rank >= p->rank)
			return 0;
		if (rule->rank > p->after_rank && rule_matches(p, record, ipv6)) {
			result = take_rule(p, rule);
			if (result)
				return result;
			i++;
			break;
		}
	}
	if (i >= count)
		return 0;
	view.image = image;
	view.limit = limit;
	view.packet = p;
	view.at = PEP_ENTRY_OFFSET(entry) + (__u64)i * record_bytes(ipv6);
	return scan_rest(&view, count - i, ipv6);
}

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
