// SPDX-License-Identifier: Apache-2.0
#include "image_walk.h"

#include <string.h>

#include "rules.h"

#define PROBES 2048 /* packets at most */
#define RANDOM 10 /* one of so many is aimed at no rule */

static bool prefix_matches(const uint32_t *a, const uint32_t *b, unsigned int bits)
{
	for (unsigned int i = 0; i < 4 && bits; i++) {
		unsigned int here = bits > 32 ? 32 : bits;

		if ((a[i] ^ b[i]) >> (32 - here))
			return false;
		bits -= here;
	}
	return true;
}

static bool fields_match(const struct pep_key *key, const struct pep_rule *rule)
{
	uint32_t ports = key->word[PEP_KEY_PORTS], protocol = key->word[PEP_KEY_PROTOCOL];

	return ports >> 16 >= rule->sport_low && ports >> 16 <= rule->sport_high &&
	       (ports & 0xffff) >= rule->dport_low && (ports & 0xffff) <= rule->dport_high &&
	       (!(rule->flags & PEP_RULE_PROTOCOL) || (protocol & 0xff) == rule->protocol) &&
	       (!(rule->flags & PEP_RULE_PORTS) || protocol & PEP_PROTOCOL_PORTS);
}

static bool is_dead(uint32_t slot, uint32_t dead)
{
	return dead && slot % dead == 1;
}

static uint64_t descend(const void *image, const struct pep_key *key, uint64_t entry,
			uint32_t *nodes)
{
	while (!(entry & PEP_ENTRY_LEAF)) {
		uint32_t x = key->word[PEP_ENTRY_WORD(entry)] >> PEP_ENTRY_SHIFT(entry);
		uint32_t child = (x & ((1U << PEP_ENTRY_BITS(entry)) - 1)) +
				 ((x & 0xffff) >= PEP_ENTRY_THRESHOLD(entry));

		memcpy(&entry, (const char *)image + PEP_ENTRY_OFFSET(entry) + 8ULL * child,
		       sizeof(entry));
		++*nodes;
	}
	return entry;
}

/* The rule of a record, and whether its addresses match. */
static const struct pep_rule *record_rule(const void *record, const struct pep_key *key, bool ipv6,
					  bool *ret_match)
{
	const struct pep_rule6 *r6 = record;
	const struct pep_rule4 *r4 = record;
	const uint32_t *word = key->word;

	if (ipv6) {
		*ret_match = prefix_matches(word + PEP_KEY_SRC, r6->src, r6->rule.src_bits) &&
			     prefix_matches(word + PEP_KEY_DST, r6->dst, r6->rule.dst_bits);
		return &r6->rule;
	}
	*ret_match = prefix_matches(word + PEP_KEY_SRC, &r4->src, r4->rule.src_bits) &&
		     prefix_matches(word + PEP_KEY_DST, &r4->dst, r4->rule.dst_bits);
	return &r4->rule;
}

struct walk image_walk(const void *image, const struct pep_forest *forest,
		       const struct pep_key *key, uint32_t dead)
{
	bool ipv6 = key->word[PEP_KEY_PROTOCOL] & PEP_PROTOCOL_IPV6;
	size_t bytes = ipv6 ? sizeof(struct pep_rule6) : sizeof(struct pep_rule4);
	struct walk walk = { .rank = UINT32_MAX };

	for (int t = 0; t < PEP_TREES && forest->tree[t].best_rank < walk.rank; t++) {
		uint64_t entry = descend(image, key, forest->tree[t].entry, &walk.nodes);
		const char *record = (const char *)image + PEP_ENTRY_OFFSET(entry);

		walk.trees++;

		for (uint32_t i = 0; i < PEP_ENTRY_RULES(entry); i++) {
			bool match;
			const struct pep_rule *rule =
				record_rule(record + i * bytes, key, ipv6, &match);

			if (rule->rank >= walk.rank)
				break;
			walk.compares++;
			if (!match || !fields_match(key, rule))
				continue;
			walk.matches++;
			if (!is_dead(rule->slot, dead))
				walk.rank = rule->rank;
		}
	}
	return walk;
}

/* ---- probing */

static uint32_t draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)(*seed >> 32);
}

static void draw_address(uint32_t *word, const uint32_t *prefix, unsigned int bits, uint64_t *seed)
{
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int here = bits > 32 * i ? bits - 32 * i : 0;
		uint32_t open = here >= 32 ? 0 : ~0U >> here;

		word[i] = (prefix[i] & ~open) | (draw(seed) & open);
	}
}

static uint32_t draw_port(uint16_t low, uint16_t high, uint64_t *seed)
{
	return low + draw(seed) % (high - low + 1U);
}

static void draw_key(const struct rule *rule, bool ipv6, uint64_t *seed, struct pep_key *key)
{
	uint32_t ip = rule->flags & PEP_RULE_PROTOCOL ? rule->protocol : 6;

	draw_address(key->word + PEP_KEY_SRC, rule->src, rule->src_bits, seed);
	draw_address(key->word + PEP_KEY_DST, rule->dst, rule->dst_bits, seed);
	key->word[PEP_KEY_PORTS] = draw_port(rule->sport_low, rule->sport_high, seed) << 16;
	key->word[PEP_KEY_PORTS] |= draw_port(rule->dport_low, rule->dport_high, seed);
	key->word[PEP_KEY_PROTOCOL] = ip | (ipv6 ? PEP_PROTOCOL_IPV6 : 0);
	if (ip == 6 || ip == 17 || ip == 132)
		key->word[PEP_KEY_PROTOCOL] |= PEP_PROTOCOL_PORTS;
}

struct probe image_probe(const void *image, const struct pep_forest *forest,
			 const struct rule_list *list, bool ipv6)
{
	static const struct rule any = { .sport_high = 0xffff, .dport_high = 0xffff };
	size_t packets = list->count < PROBES ? list->count : PROBES;
	struct probe probe = { 0 };
	uint64_t seed = 0x9e3779b97f4a7c15ULL;

	for (size_t i = 0; i < packets; i++) {
		const struct rule *rule = &list->rule[i * list->count / packets];
		struct pep_key key;
		struct walk walk;

		draw_key(i % RANDOM ? rule : &any, ipv6, &seed, &key);
		walk = image_walk(image, forest, &key, 0);
		probe.nodes += (double)walk.nodes / (double)packets;
		probe.compares += (double)walk.compares / (double)packets;
		probe.most = walk.compares > probe.most ? walk.compares : probe.most;
	}
	return probe;
}
