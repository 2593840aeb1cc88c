/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Along a leaf: its rules are in the order of their ranks, and the first that
 * matches and whose slot applies is the answer.
 *
 * The first rules are a plain loop without a call in it; the rest goes through
 * bpf_loop(), which costs a call each time, by several at once.  A slot that has
 * to be read costs a call, too.  Functions that are not static are verified once
 * each, whatever calls them.
 */
#ifndef PEP_LEAF_H
#define PEP_LEAF_H

#include "extra.h"
#include "slot.h"

#define LEAF_RULES (PEP_IMAGE_SLACK / (int)sizeof(struct pep_rule6))
#define ERROR_BOUND (-1)
#define ERROR_STATE (-2)

/* A walk in progress, for bpf_loop(). */
struct view {
	const void *image;
	__u64 limit; /* last offset that has PEP_IMAGE_SLACK bytes behind it */
	struct packet *packet;
	__u64 at; /* an entry, or a rule's offset */
	__u64 end; /* of the leaf */
	bool found; /* the rule there matches */
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

/* The image that is searched, for functions of their own. */
static __always_inline const void *searched_image(const struct packet *p, __u64 *ret_limit)
{
	return p->flags & PACKET_OVERLAY ? overlay_lookup(p->word, ret_limit)
					 : (const void *)image_lookup(p->word, ret_limit);
}

static __always_inline bool extra_at_matches(const struct packet *p, __u32 offset)
{
	__u64 limit, at = (__u64)offset * 8;
	const void *image = searched_image(p, &limit);

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

/*
 * The next rules of a leaf, to the first whose five-tuple matches: a call for each
 * would cost more than to compare it does.  1: there it is, or the leaf is done.
 */
static __always_inline long find_step(struct view *view, bool ipv6)
{
	__u64 at = view->at & OFFSET_MASK;
	struct packet *p = view->packet;
	const void *record;
	int i;

	opaque(at);
	if (at > view->limit) {
		view->result = ERROR_BOUND;
		return 1;
	}
	record = view->image + at;
	for (i = 0; i < LEAF_RULES; i++, record += record_bytes(ipv6)) {
		const struct pep_rule *rule = record_rule(record, ipv6);

		view->at = (at + i * record_bytes(ipv6)) & OFFSET_MASK;
		if (at + i * record_bytes(ipv6) >= view->end || rule->rank >= p->rank)
			return 1;
		view->found = rule->rank > p->after_rank && rule_matches(p, record, ipv6);
		if (view->found)
			return 1;
	}
	view->at = (at + i * record_bytes(ipv6)) & OFFSET_MASK;
	return 0;
}

static long find_step4(__u32 index, struct view *view)
{
	return find_step(view, false);
}

static long find_step6(__u32 index, struct view *view)
{
	return find_step(view, true);
}

/* From a rule that matches to the next one. 1: the leaf is done. */
static __always_inline long take_step(struct view *view, bool ipv6)
{
	__u64 at = view->at & OFFSET_MASK;

	opaque(at);
	if (at > view->limit)
		view->result = ERROR_BOUND;
	else
		view->result = take_rule(view->packet, record_rule(view->image + at, ipv6));
	view->at = (at + record_bytes(ipv6)) & OFFSET_MASK;
	return view->result != 0;
}

static long rest_step4(__u32 index, struct view *view)
{
	view->found = false;
	bpf_loop(PEP_LEAF_RULES, find_step4, view, 0);
	return !view->found || take_step(view, false);
}

static long rest_step6(__u32 index, struct view *view)
{
	view->found = false;
	bpf_loop(PEP_LEAF_RULES, find_step6, view, 0);
	return !view->found || take_step(view, true);
}

static __always_inline int scan_rest(struct packet *p, __u64 at, __u64 end, bool ipv6)
{
	struct view view = { .packet = p, .at = at, .end = end };

	view.image = searched_image(p, &view.limit);
	if (!view.image)
		return ERROR_STATE;
	bpf_loop(PEP_LEAF_RULES, ipv6 ? (void *)rest_step6 : (void *)rest_step4, &view, 0);
	return view.result;
}

/* What is left of a leaf. */
__noinline int scan_rest4(struct packet *p, __u64 at, __u64 end)
{
	return p ? scan_rest(p, at, end, false) : ERROR_STATE;
}

__noinline int scan_rest6(struct packet *p, __u64 at, __u64 end)
{
	return p ? scan_rest(p, at, end, true) : ERROR_STATE;
}

/* Along a leaf: negative is ERROR_. */
static __always_inline int scan_leaf(struct packet *p, const void *image, __u64 limit, __u64 entry,
				     bool ipv6)
{
	__u64 at = PEP_ENTRY_OFFSET(entry);
	__u64 end = at + (__u64)PEP_ENTRY_RULES(entry) * record_bytes(ipv6);
	const void *record;
	int result, i;

	opaque(at);
	if (at > limit)
		return ERROR_BOUND;
	record = image + at;
	for (i = 0; i < LEAF_RULES; i++, record += record_bytes(ipv6)) {
		const struct pep_rule *rule = record_rule(record, ipv6);

		if (at + i * record_bytes(ipv6) >= end || rule->rank >= p->rank)
			return 0;
		if (rule->rank > p->after_rank && rule_matches(p, record, ipv6))
			break;
	}
	at = (at + i * record_bytes(ipv6)) & OFFSET_MASK;
	if (i < LEAF_RULES) {
		opaque(at);
		if (at > limit)
			return ERROR_BOUND;
		result = take_rule(p, record_rule(image + at, ipv6));
		if (result)
			return result;
		at += record_bytes(ipv6);
	}
	if (at >= end)
		return 0;
	return ipv6 ? scan_rest6(p, at, end) : scan_rest4(p, at, end);
}

#endif
