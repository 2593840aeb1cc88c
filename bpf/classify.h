/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The walk through an image (pep.h has the layout, src/image.c says how it is
 * cut): down each tree of the forest to a leaf, then along the leaf's rules,
 * which are in the order of their ranks, to the first that matches and whose
 * slot applies.  A tree whose best rank cannot beat what was found ends it.
 * The overlay, an image of the policies that changed since the main one was
 * built, is searched after it in the same way.
 *
 * The first levels and rules are plain loops, which the JIT makes fast; the
 * rest goes through bpf_loop().  Functions that are not static are verified
 * once each, whatever calls them.
 */
#ifndef PEP_CLASSIFY_H
#define PEP_CLASSIFY_H

#include "slot.h"

#define WALK_LEVELS 12
#define LEAF_RULES 8
#define ERROR_BOUND (-1)
#define ERROR_STATE (-2)
#define RECORD_BYTES_MAX sizeof(struct pep_rule6)

/* A walk in progress. */
struct view {
	const void *image;
	__u64 limit; /* last offset at which the largest record fits */
	struct packet *packet;
	__u64 entry;
	__u64 offset;
	int result;
};

static __always_inline const struct pep_image *image_lookup(__u64 word, __u64 *ret_limit)
{
	__u32 entry = PEP_WORD_MAIN(word);
	const struct pep_image *image;

	if (entry & PEP_MAIN_B) {
		image = outer_lookup(&images_b, entry & ~PEP_MAIN_B, 0);
		*ret_limit = image_b_bytes - RECORD_BYTES_MAX;
	} else {
		image = outer_lookup(&images_a, entry, 0);
		*ret_limit = image_a_bytes - RECORD_BYTES_MAX;
	}
	return image;
}

/* NULL: the state has no overlay, or only if something is badly wrong. */
static __always_inline const struct pep_image *overlay_lookup(__u64 word, __u64 *ret_limit)
{
	__u32 entry = PEP_WORD_OVERLAY(word);

	*ret_limit = PEP_OVERLAY_BYTES - RECORD_BYTES_MAX;
	return bpf_map_lookup_elem(&overlays, &entry);
}

static __always_inline bool between(__u32 low, __u32 value, __u32 high)
{
	return low <= value && value <= high;
}

static __always_inline bool extra_numbers_match(const struct packet *p,
						const struct pep_extra *extra)
{
	if (extra->fields & PEP_EXTRA_DSCP && !(extra->dscp >> (p->dscp & 63) & 1))
		return false;
	if (extra->fields & PEP_EXTRA_LENGTH &&
	    !between(extra->length_low, p->segment, extra->length_high))
		return false;
	if (extra->fields & PEP_EXTRA_TTL && !between(extra->ttl_low, p->ttl, extra->ttl_high))
		return false;
	return !(extra->fields & PEP_EXTRA_FRAGMENT) ||
	       !!(p->flags & PACKET_FRAGMENT) == extra->fragment;
}

static __always_inline bool extra_matches(const struct packet *p, const struct pep_extra *extra)
{
	if (extra->fields & PEP_EXTRA_INTERFACE && extra->interface != p->interface)
		return false;
	if (extra->fields & PEP_EXTRA_VLAN &&
	    !between(extra->vlan_low, p->vlans >> 16, extra->vlan_high))
		return false;
	if (extra->fields & PEP_EXTRA_TCP_FLAGS &&
	    (p->tcp_flags & extra->tcp_flags_mask) != extra->tcp_flags)
		return false;
	return extra_numbers_match(p, extra);
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
	if (!slot_is_steady(slot)) {
		state = slot_lookup(slot);
		if (!state)
			return ERROR_STATE;
		version = slot_version(p, state);
		if (!version ||
		    !(version->flags & PEP_VERSION_OVERLAY) != !(p->flags & PACKET_OVERLAY))
			return 0;
	} else if (p->flags & PACKET_OVERLAY) {
		return 0;
	}
	if (rule_flags & PEP_RULE_UNCACHED && rank < p->extra_rank)
		p->extra_rank = rank;
	return 1;
}

/* Whether the rule's extra fields match. */
__noinline int classify_extra(struct packet *p, __u32 offset)
{
	return p ? extra_at_matches(p, offset) : 0;
}

static __always_inline bool ports_match(const struct packet *p, const struct pep_rule *rule)
{
	__u32 ports = p->key.word[PEP_KEY_PORTS];

	return between(rule->sport_low, ports >> 16, rule->sport_high) &&
	       between(rule->dport_low, ports & 0xffff, rule->dport_high);
}

static __always_inline bool protocol_matches(const struct packet *p, const struct pep_rule *rule)
{
	if (rule->flags & PEP_RULE_PROTOCOL && p->protocol != rule->protocol)
		return false;
	return !(rule->flags & PEP_RULE_PORTS) ||
	       p->key.word[PEP_KEY_PROTOCOL] & PEP_PROTOCOL_PORTS;
}

/* Whether the first `bits` of both are the same. */
static __always_inline bool prefix4_matches(__u32 a, __u32 b, __u32 bits)
{
	return (__u64)(a ^ b) >> ((32 - bits) & 63) == 0;
}

static __always_inline bool prefix6_matches(const __u32 *a, const __u32 *b, __u32 bits)
{
	__u64 upper = (__u64)(a[0] ^ b[0]) << 32 | (a[1] ^ b[1]);
	__u64 lower = (__u64)(a[2] ^ b[2]) << 32 | (a[3] ^ b[3]);

	if (bits == 0)
		return true;
	if (bits <= 64)
		return upper >> ((64 - bits) & 63) == 0;
	return upper == 0 && lower >> ((128 - bits) & 63) == 0;
}

static __always_inline bool addresses4_match(const struct packet *p, const struct pep_rule4 *r)
{
	return prefix4_matches(p->key.word[PEP_KEY_SRC], r->src, r->rule.src_bits) &&
	       prefix4_matches(p->key.word[PEP_KEY_DST], r->dst, r->rule.dst_bits);
}

static __always_inline bool addresses6_match(const struct packet *p, const struct pep_rule6 *r)
{
	return prefix6_matches(&p->key.word[PEP_KEY_SRC], r->src, r->rule.src_bits) &&
	       prefix6_matches(&p->key.word[PEP_KEY_DST], r->dst, r->rule.dst_bits);
}

/* One rule of a leaf. 1: the leaf is done, 0: go on, negative: ERROR_. */
static __always_inline int leaf_rule(struct packet *p, const void *record, bool ipv6)
{
	const struct pep_rule6 *r6 = record;
	const struct pep_rule4 *r4 = record;
	const struct pep_rule *rule = ipv6 ? &r6->rule : &r4->rule;
	int applies;

	if (rule->rank >= p->rank)
		return 1;
	if (rule->rank <= p->after_rank)
		return 0;
	if (!(ipv6 ? addresses6_match(p, r6) : addresses4_match(p, r4)) || !ports_match(p, rule) ||
	    !protocol_matches(p, rule))
		return 0;
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

static __always_inline long leaf_step(struct view *view, bool ipv6)
{
	__u64 at = view->offset & OFFSET_MASK;

	view->offset = (at + record_bytes(ipv6)) & OFFSET_MASK;
	opaque(at);
	if (at > view->limit) {
		view->result = ERROR_BOUND;
		return 1;
	}
	view->result = leaf_rule(view->packet, view->image + at, ipv6);
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

/* Along a leaf: negative is ERROR_. */
static __always_inline int scan_leaf(struct view *view, bool ipv6)
{
	__u32 count = PEP_ENTRY_RULES(view->entry);

	view->offset = PEP_ENTRY_OFFSET(view->entry);
	view->result = 0;
	for (__u32 i = 0; i < LEAF_RULES; i++) {
		if (i >= count || leaf_step(view, ipv6))
			return view->result;
	}
	if (count <= LEAF_RULES)
		return 0;
	if (count > PEP_LEAF_RULES)
		return ERROR_BOUND;
	if (ipv6)
		bpf_loop(count - LEAF_RULES, leaf_step6, view, 0);
	else
		bpf_loop(count - LEAF_RULES, leaf_step4, view, 0);
	return view->result;
}

/* One level down. True: at a leaf or at an error. */
static __always_inline bool walk_step(struct view *view)
{
	__u64 entry = view->entry, at;
	__u32 word, x;

	if (entry & PEP_ENTRY_LEAF)
		return true;
	word = PEP_ENTRY_WORD(entry);
	if (word >= PEP_KEY_WORDS) {
		view->result = ERROR_BOUND;
		return true;
	}
	x = view->packet->key.word[word] >> PEP_ENTRY_SHIFT(entry);
	at = PEP_ENTRY_OFFSET(entry);
	at += 8 * ((x & ((1U << PEP_ENTRY_BITS(entry)) - 1)) +
		   ((x & 0xffff) >= PEP_ENTRY_THRESHOLD(entry)));
	opaque(at);
	if (at > view->limit) {
		view->result = ERROR_BOUND;
		return true;
	}
	view->entry = *(const __u64 *)(view->image + at);
	return false;
}

static long walk_more(__u32 index, struct view *view)
{
	return walk_step(view);
}

/* Down to the leaf: negative is ERROR_. */
static __always_inline int walk(struct view *view)
{
	view->result = 0;
	for (int i = 0; i < WALK_LEVELS; i++) {
		if (walk_step(view))
			return view->result;
	}
	bpf_loop(PEP_TREE_DEPTH - WALK_LEVELS + 1, walk_more, view, 0);
	return view->entry & PEP_ENTRY_LEAF ? view->result : ERROR_BOUND;
}

/* Every tree of a forest that can still beat what was found. */
static __always_inline int classify_forest(struct packet *p, const struct pep_image *image,
					   __u64 limit, __u32 ruleset, bool ipv6)
{
	__u32 direction = packet_direction(p);
	struct view view = { .image = image, .limit = limit, .packet = p };
	int error;

	for (int i = 0; i < PEP_TREES; i++) {
		const struct pep_tree *tree = &image->forest[ruleset & 1][ipv6][direction].tree[i];

		if (tree->best_rank >= p->rank)
			break;
		view.entry = tree->entry;
		error = walk(&view);
		if (!error)
			error = scan_leaf(&view, ipv6);
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
