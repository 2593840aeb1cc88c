// SPDX-License-Identifier: Apache-2.0
/*
 * Images of rule sets made to be hard to cut, walked by a reader of the
 * layout in pep.h that shares no code with the programs, against a search of
 * the list.
 */
#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "image.h"
#include "policy_text.h"
#include "rules.h"

#define RULES_MOST 600
#define LOOKUPS 1000
#define DEAD_SHARE 10 /* one slot of so many is dead */

typedef unsigned __int128 number;

static uint64_t seed = 0x9e3779b97f4a7c15ULL;

static uint32_t draw(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % below;
}

/* ---- rule sets */

static void any_rule(struct rule *rule)
{
	rule->sport_high = 0xffff;
	rule->dport_high = 0xffff;
}

static void draw_prefix(uint32_t address[4], uint8_t *bits, unsigned int least, unsigned int most)
{
	*bits = (uint8_t)(least + draw(most - least + 1));
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int here = *bits > 32 * i ? *bits - 32 * i : 0;

		address[i] &= here >= 32 ? ~0U : here ? ~0U << (32 - here) : 0;
	}
}

static void draw_ports(uint16_t *low, uint16_t *high)
{
	uint16_t a = (uint16_t)draw(65536), b = (uint16_t)(a + draw(2 + draw(20000)));

	*low = draw(20) ? a : 0;
	*high = b < *low || !draw(20) ? 0xffff : b;
}

/* Any to any: nothing but overlapping port ranges to cut by. */
static void port_ranges(struct rule *rule, bool ipv6)
{
	(void)ipv6;
	draw_ports(&rule->sport_low, &rule->sport_high);
	draw_ports(&rule->dport_low, &rule->dport_high);
	rule->flags = PEP_RULE_PORTS;
}

static void protocol(struct rule *rule)
{
	static const uint8_t protocols[] = { 6, 17, 1, 132, 47 };

	if (!draw(4))
		return;
	rule->protocol = protocols[draw(ARRAY_SIZE(protocols))];
	rule->flags |= PEP_RULE_PROTOCOL;
}

/* Prefixes that share all but their last bits. */
static void shared_prefixes(struct rule *rule, bool ipv6)
{
	const uint32_t base[4] = { 0x20010db8, 0, ipv6 ? 0xffff0000 : 0, 0 };

	for (int i = 0; i < (ipv6 ? 4 : 1); i++) {
		rule->src[i] = base[i] | (i == (ipv6 ? 3 : 0) ? draw(64) : 0);
		rule->dst[i] = base[i] | (i == (ipv6 ? 3 : 0) ? draw(64) : 0);
	}
	draw_prefix(rule->src, &rule->src_bits, ipv6 ? 100 : 20, ipv6 ? 128 : 32);
	draw_prefix(rule->dst, &rule->dst_bits, draw(2) ? 0 : 25, ipv6 ? 128 : 32);
	protocol(rule);
}

/* All the same but for what cannot be cut on. */
static void same_tuples(struct rule *rule, bool ipv6)
{
	(void)ipv6;
	rule->dport_low = rule->dport_high = 80;
	rule->protocol = 6;
	rule->flags = PEP_RULE_PROTOCOL | PEP_RULE_EXTRA;
	rule->extra.fields = PEP_EXTRA_INTERFACE;
	rule->extra.interface = (uint16_t)(1 + draw(RULES_MOST));
}

static void mixture(struct rule *rule, bool ipv6)
{
	for (int i = 0; i < (ipv6 ? 4 : 1); i++) {
		rule->src[i] = draw(8) << 29 | draw(16);
		rule->dst[i] = draw(4) << 30 | draw(4) << 8;
	}
	draw_prefix(rule->src, &rule->src_bits, 0, ipv6 ? 128 : 32);
	draw_prefix(rule->dst, &rule->dst_bits, 0, ipv6 ? 128 : 32);
	if (draw(2))
		draw_ports(&rule->dport_low, &rule->dport_high);
	if (!draw(3))
		draw_ports(&rule->sport_low, &rule->sport_high);
	protocol(rule);
	if (!draw(5)) {
		rule->flags |= PEP_RULE_EXTRA;
		rule->extra.fields = PEP_EXTRA_INTERFACE;
		rule->extra.interface = (uint16_t)draw(4);
	}
}

static void (*const kinds[])(struct rule *rule, bool ipv6) = {
	port_ranges,
	shared_prefixes,
	same_tuples,
	mixture,
};

/* Up to four rules of a policy share their rank and slot. */
static struct rules make_rules(unsigned int kind, bool ipv6, size_t count)
{
	struct rules rules = { .count = count };
	struct rule_list *list = &rules.list[PEP_RULES_POLICY][ipv6][PEP_INGRESS];
	uint32_t policy = 0;

	list->rule = calloc(count + 1, sizeof(*list->rule));
	ck_assert_ptr_nonnull(list->rule);
	list->count = list->room = count;
	for (size_t i = 0; i < count; i++) {
		policy += !i || draw(4);
		any_rule(&list->rule[i]);
		kinds[kind](&list->rule[i], ipv6);
		list->rule[i].rank = policy * 16;
		list->rule[i].slot = policy;
	}
	return rules;
}

/* ---- packets */

struct header {
	uint32_t word[PEP_KEY_WORDS];
	uint16_t interface;
};

static void near_address(uint32_t ret[4], const uint32_t address[4], bool ipv6)
{
	memcpy(ret, address, 4 * sizeof(*ret));
	if (draw(2))
		ret[ipv6 ? draw(4) : 0] ^= 1U << draw(32);
}

static uint16_t near_port(uint16_t low, uint16_t high)
{
	const uint16_t ports[] = { low, high, (uint16_t)(low - 1), (uint16_t)(high + 1),
				   (uint16_t)draw(65536) };

	return ports[draw(ARRAY_SIZE(ports))];
}

/* At or beside the edge of some rule. */
static struct header draw_header(const struct rule_list *list, bool ipv6)
{
	const struct rule *rule = &list->rule[draw((uint32_t)list->count)];
	struct header h = { .interface = rule->extra.interface };
	uint8_t ip = rule->flags & PEP_RULE_PROTOCOL && draw(4) ? rule->protocol : 17;

	near_address(&h.word[PEP_KEY_SRC], rule->src, ipv6);
	near_address(&h.word[PEP_KEY_DST], rule->dst, ipv6);
	h.word[PEP_KEY_PORTS] = (uint32_t)near_port(rule->sport_low, rule->sport_high) << 16 |
				near_port(rule->dport_low, rule->dport_high);
	h.word[PEP_KEY_PROTOCOL] = ip | (ipv6 ? PEP_PROTOCOL_IPV6 : 0);
	if (ip == 6 || ip == 17 || ip == 132)
		h.word[PEP_KEY_PROTOCOL] |= PEP_PROTOCOL_PORTS;
	return h;
}

static number address_number(const uint32_t *word)
{
	return (number)word[0] << 96 | (number)word[1] << 64 | (number)word[2] << 32 | word[3];
}

static bool inside(const uint32_t *address, const uint32_t *prefix, unsigned int bits)
{
	return bits == 0 || (address_number(address) ^ address_number(prefix)) >> (128 - bits) == 0;
}

static bool fields_match(const struct header *h, const struct pep_rule *rule)
{
	uint32_t ports = h->word[PEP_KEY_PORTS], protocol_word = h->word[PEP_KEY_PROTOCOL];

	if (ports >> 16 < rule->sport_low || ports >> 16 > rule->sport_high ||
	    (ports & 0xffff) < rule->dport_low || (ports & 0xffff) > rule->dport_high)
		return false;
	if (rule->flags & PEP_RULE_PROTOCOL && (protocol_word & 0xff) != rule->protocol)
		return false;
	return !(rule->flags & PEP_RULE_PORTS) || protocol_word & PEP_PROTOCOL_PORTS;
}

static bool extra_matches(const struct header *h, const struct pep_extra *extra)
{
	return !(extra->fields & PEP_EXTRA_INTERFACE) || extra->interface == h->interface;
}

static bool is_dead(uint32_t slot)
{
	return slot % DEAD_SHARE == 3;
}

/* ---- the list, and the image: the best live rank beyond @after, ~0 for none */

static uint32_t search(const struct rule_list *list, const struct header *h, uint32_t after)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct rule *r = &list->rule[i];
		const struct pep_rule fields = {
			.sport_low = r->sport_low,
			.sport_high = r->sport_high,
			.dport_low = r->dport_low,
			.dport_high = r->dport_high,
			.protocol = r->protocol,
			.flags = r->flags,
		};

		if (r->rank > after && !is_dead(r->slot) && fields_match(h, &fields) &&
		    inside(&h->word[PEP_KEY_SRC], r->src, r->src_bits) &&
		    inside(&h->word[PEP_KEY_DST], r->dst, r->dst_bits) &&
		    (!(r->flags & PEP_RULE_EXTRA) || extra_matches(h, &r->extra)))
			return r->rank;
	}
	return UINT32_MAX;
}

static const void *image_at(const struct image *image, uint64_t offset, size_t bytes)
{
	ck_assert_uint_le(offset + bytes, image->bytes);
	ck_assert_uint_eq(offset % 8, 0);
	return (const char *)image->data + offset;
}

static uint64_t descend(const struct image *image, const struct header *h, uint64_t entry)
{
	unsigned int levels = 0;

	while (!(entry & PEP_ENTRY_LEAF)) {
		uint32_t x = h->word[PEP_ENTRY_WORD(entry)] >> PEP_ENTRY_SHIFT(entry), child;

		ck_assert_uint_lt(PEP_ENTRY_WORD(entry), PEP_KEY_WORDS);
		child = x & ((1U << PEP_ENTRY_BITS(entry)) - 1);
		child += (x & 0xffff) >= PEP_ENTRY_THRESHOLD(entry);
		entry = *(const uint64_t *)image_at(image, PEP_ENTRY_OFFSET(entry) + 8ULL * child,
						    8);
		ck_assert_uint_lt(++levels, PEP_TREE_DEPTH);
		ck_assert_uint_le(levels, image->depth);
	}
	return entry;
}

static bool record_matches(const struct image *image, const struct header *h, const void *record,
			   bool ipv6)
{
	const struct pep_rule6 *r6 = record;
	const struct pep_rule4 *r4 = record;
	const struct pep_rule *rule = ipv6 ? &r6->rule : &r4->rule;
	const uint32_t src[4] = { r4->src }, dst[4] = { r4->dst };

	return !is_dead(rule->slot) && fields_match(h, rule) &&
	       inside(&h->word[PEP_KEY_SRC], ipv6 ? r6->src : src, rule->src_bits) &&
	       inside(&h->word[PEP_KEY_DST], ipv6 ? r6->dst : dst, rule->dst_bits) &&
	       (!(rule->flags & PEP_RULE_EXTRA) ||
		extra_matches(h, image_at(image, 8ULL * rule->extra, sizeof(struct pep_extra))));
}

static uint32_t walk(const struct image *image, const struct header *h, bool ipv6, uint32_t after)
{
	const struct pep_forest *forest = &image->data->forest[PEP_RULES_POLICY][ipv6][PEP_INGRESS];
	size_t bytes = ipv6 ? sizeof(struct pep_rule6) : sizeof(struct pep_rule4);
	uint32_t best = UINT32_MAX, compares = 0;

	for (int t = 0; t < PEP_TREES && forest->tree[t].best_rank < best; t++) {
		uint64_t entry = descend(image, h, forest->tree[t].entry);
		uint32_t last = 0;

		for (uint32_t i = 0; i < PEP_ENTRY_RULES(entry); i++) {
			const char *record =
				image_at(image, PEP_ENTRY_OFFSET(entry) + i * bytes, bytes);
			const struct pep_rule *rule =
				(const void *)(record + (ipv6 ? offsetof(struct pep_rule6, rule)
							      : offsetof(struct pep_rule4, rule)));

			compares++;
			ck_assert_uint_eq((PEP_ENTRY_OFFSET(entry) + i * bytes) % bytes, 0);
			ck_assert_uint_ge(rule->rank, last); /* in order */
			last = rule->rank;
			if (rule->rank > after && rule->rank < best &&
			    record_matches(image, h, record, ipv6))
				best = rule->rank;
		}
	}
	ck_assert_uint_le(compares, image->worst_compares);
	return best;
}

/* ---- */

static void compare(unsigned int kind, bool ipv6, size_t count)
{
	struct rules rules = make_rules(kind, ipv6, count);
	const struct rule_list *list = &rules.list[PEP_RULES_POLICY][ipv6][PEP_INGRESS];
	struct image image, again;

	ck_assert_int_eq(image_build(&rules, 0, &image), 0);
	ck_assert_int_eq(image_verify(image.data, image.bytes), 0);
	for (int i = 0; i < LOOKUPS; i++) {
		struct header h = draw_header(list, ipv6);
		uint32_t after = 0;

		for (int step = 0; step < 3 && after != UINT32_MAX; step++) {
			uint32_t wanted = search(list, &h, after);

			ck_assert_uint_eq(walk(&image, &h, ipv6, after), wanted);
			after = wanted;
		}
	}
	ck_assert_int_eq(image_build(&rules, 0, &again), 0);
	ck_assert_uint_eq(again.bytes, image.bytes);
	ck_assert_mem_eq(again.data, image.data, image.bytes);
	image_clear(&image);
	image_clear(&again);
	rules_clear(&rules);
}

START_TEST(the_image_says_what_the_list_says)
{
	static const size_t counts[] = { 1, 7, 24, 25, 100, RULES_MOST };

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		compare((unsigned int)_i, false, counts[i]);
		compare((unsigned int)_i, true, counts[i]);
	}
}
END_TEST

START_TEST(no_rules_are_an_image_too)
{
	const struct rules none = { .count = 0 };
	const struct header h = { .interface = 0 };
	struct image image;

	ck_assert_int_eq(image_build(&none, PEP_IMAGE_DEFAULT_BLOCK, &image), 0);
	ck_assert_uint_eq(image.data->flags, PEP_IMAGE_DEFAULT_BLOCK);
	ck_assert_uint_eq(image.worst_compares, 0);
	ck_assert_uint_eq(walk(&image, &h, false, 0), UINT32_MAX);
	ck_assert_uint_eq(walk(&image, &h, true, 0), UINT32_MAX);
	image_clear(&image);
}
END_TEST

START_TEST(a_changed_image_is_not_verified)
{
	struct rules rules = make_rules(3, false, 100);
	struct image image;

	ck_assert_int_eq(image_build(&rules, 0, &image), 0);
	ck_assert_int_eq(image_verify(image.data, image.bytes - 1), -EBADMSG);
	for (size_t at = 0; at < image.bytes; at += 1 + draw(64)) {
		const unsigned char bit = (unsigned char)(1U << draw(8));

		((unsigned char *)image.data)[at] ^= bit;
		ck_assert_int_eq(image_verify(image.data, image.bytes), -EBADMSG);
		((unsigned char *)image.data)[at] ^= bit;
	}
	ck_assert_int_eq(image_verify(image.data, image.bytes), 0);
	image_clear(&image);
	rules_clear(&rules);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("image");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, the_image_says_what_the_list_says, 0, ARRAY_SIZE(kinds));
	tcase_add_test(tcase, no_rules_are_an_image_too);
	tcase_add_test(tcase, a_changed_image_is_not_verified);
	return run_case("image", tcase);
}
