// SPDX-License-Identifier: Apache-2.0
/*
 * How good the classifier's trees are, without a kernel: builds images with
 * the daemon's code, walks headers through them and counts.
 *
 *   bench/tree_quality [--first] [--prune] [--check N] [FILE|NAME...]
 *
 * A FILE holds ClassBench rules or prefixes; NAMEs of sets made to be hard are
 * in rule_sets.c, all of them by default.  Headers are 65536: nine tenths a
 * random point of a random rule, the rest random.  The worst one is what a
 * search that crosses and moves the worst headers found so far ends with: a
 * lower bound.  Times are this thread's processor time.
 *
 * --prune gives all rules one slot: what another rule hides may then be left
 * out, as if policies were never deleted and never expired.
 * --first builds the first configuration only.
 * --check compares N headers with a search of the list.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "image.h"
#include "image_walk.h"
#include "rule_sets.h"
#include "rules.h"

#define HEADERS 65536
#define DEAD 10 /* one slot of so many, where slots are dead */
#define WORST 64 /* headers that the search keeps */
#define ROUNDS 200000
#define NODE_PRICE 1.5 /* of a node, in rule comparisons */
#define BUILDS_NS 300000000 /* builds are repeated for so long */

struct set {
	struct rules rules;
	const struct rule_list *list;
	bool ipv6;
	struct image image;
	double build_ms;
};

struct result {
	double nodes, compares, dead_compares;
	uint32_t most_nodes, most_compares, dead_most;
	struct pep_key worst[WORST];
	double worst_cost[WORST];
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static struct walk walk(const struct set *set, const struct pep_key *key, uint32_t dead)
{
	const struct pep_image *image = set->image.data;

	return image_walk(image, &image->forest[PEP_RULES_POLICY][set->ipv6][PEP_INGRESS], key,
			  dead);
}

static void build(struct set *set, enum image_effort effort)
{
	const struct image_options options = { .effort = effort };
	uint64_t all = 0, best = UINT64_MAX;

	while (all < BUILDS_NS) {
		uint64_t start = now_ns(), took;

		image_clear(&set->image);
		if (image_build_with(&set->rules, &options, &set->image)) {
			fprintf(stderr, "the image cannot be built\n");
			exit(1);
		}
		took = now_ns() - start;
		all += took;
		best = took < best ? took : best;
	}
	set->build_ms = (double)best / 1e6;
}

/* ---- headers */

static uint32_t draw_word(void)
{
	return rule_sets_draw(65536) << 16 | rule_sets_draw(65536);
}

static void draw_address(uint32_t *word, const uint32_t *prefix, unsigned int bits)
{
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int here = bits > 32 * i ? bits - 32 * i : 0;
		uint32_t open = here >= 32 ? 0 : ~0U >> here;

		word[i] = (prefix[i] & ~open) | (draw_word() & open);
	}
}

static void draw_inside(const struct rule *rule, bool ipv6, struct pep_key *key)
{
	uint32_t ip = rule->flags & PEP_RULE_PROTOCOL ? rule->protocol
						      : (rule_sets_draw(2) ? 6U : 17U);

	draw_address(key->word + PEP_KEY_SRC, rule->src, rule->src_bits);
	draw_address(key->word + PEP_KEY_DST, rule->dst, rule->dst_bits);
	for (int i = 1; !ipv6 && i < 4; i++)
		key->word[PEP_KEY_SRC + i] = key->word[PEP_KEY_DST + i] = 0;
	key->word[PEP_KEY_PORTS] =
		(rule->sport_low + rule_sets_draw(rule->sport_high - rule->sport_low + 1U)) << 16 |
		(rule->dport_low + rule_sets_draw(rule->dport_high - rule->dport_low + 1U));
	key->word[PEP_KEY_PROTOCOL] = ip | (ipv6 ? PEP_PROTOCOL_IPV6 : 0);
	if (ip == 6 || ip == 17 || ip == 132)
		key->word[PEP_KEY_PROTOCOL] |= PEP_PROTOCOL_PORTS;
}

static void draw_key(const struct set *set, struct pep_key *key)
{
	static const struct rule any = { .sport_high = 0xffff, .dport_high = 0xffff };
	uint32_t at = rule_sets_draw((uint32_t)set->list->count);

	draw_inside(rule_sets_draw(10) ? &set->list->rule[at] : &any, set->ipv6, key);
}

/* ---- the worst ones */

static double walk_cost(const struct walk *walk)
{
	return NODE_PRICE * walk->nodes + walk->compares;
}

static void remember(struct result *r, const struct pep_key *key, double cost)
{
	int least = 0;

	for (int i = 1; i < WORST; i++)
		least = r->worst_cost[i] < r->worst_cost[least] ? i : least;
	if (cost <= r->worst_cost[least])
		return;
	r->worst_cost[least] = cost;
	r->worst[least] = *key;
}

/* Takes a part from another header, or moves it a little. */
static void mutate(const struct set *set, const struct result *r, struct pep_key *key)
{
	uint32_t kind = rule_sets_draw(8), way = rule_sets_draw(3);
	struct pep_key other;

	if (rule_sets_draw(2))
		draw_key(set, &other);
	else
		other = r->worst[rule_sets_draw(WORST)];
	if (kind < 2)
		memcpy(key->word + 4 * kind, other.word + 4 * kind, 4 * sizeof(*key->word));
	else if (kind < 4)
		key->word[4 * (kind - 2) + (set->ipv6 ? rule_sets_draw(4) : 0)] ^=
			1U << rule_sets_draw(32);
	else if (kind == 4)
		key->word[PEP_KEY_PROTOCOL] = other.word[PEP_KEY_PROTOCOL];
	else if (way == 0)
		key->word[PEP_KEY_PORTS] = (key->word[PEP_KEY_PORTS] & 0xffff0000) |
					   (other.word[PEP_KEY_PORTS] & 0xffff);
	else if (way == 1)
		key->word[PEP_KEY_PORTS] = (key->word[PEP_KEY_PORTS] & 0xffff) |
					   (other.word[PEP_KEY_PORTS] & 0xffff0000);
	else
		key->word[PEP_KEY_PORTS] += rule_sets_draw(2) ? 1 : 65535;
}

/* The most compares that one header was found to take. */
static uint32_t search_worst(const struct set *set, struct result *r)
{
	uint32_t most = r->most_compares;

	for (int i = 0; i < ROUNDS; i++) {
		struct pep_key key = r->worst[rule_sets_draw(WORST)];
		struct walk one;

		mutate(set, r, &key);
		one = walk(set, &key, 0);
		most = one.compares > most ? one.compares : most;
		remember(r, &key, walk_cost(&one));
	}
	return most;
}

/* ---- */

static void measure(const struct set *set, struct result *r)
{
	memset(r, 0, sizeof(*r));
	for (int i = 0; i < HEADERS; i++) {
		struct pep_key key;
		struct walk live, dead;

		draw_key(set, &key);
		live = walk(set, &key, 0);
		dead = walk(set, &key, DEAD);
		r->nodes += live.nodes / (double)HEADERS;
		r->compares += live.compares / (double)HEADERS;
		r->dead_compares += dead.compares / (double)HEADERS;
		r->most_nodes = live.nodes > r->most_nodes ? live.nodes : r->most_nodes;
		r->most_compares = live.compares > r->most_compares ? live.compares
								    : r->most_compares;
		r->dead_most = dead.compares > r->dead_most ? dead.compares : r->dead_most;
		remember(r, &key, walk_cost(&live));
	}
}

static void check(const struct set *set, long headers)
{
	unsigned long wrong = 0;

	for (long i = 0; i < headers; i++) {
		uint32_t dead = i % 2 ? DEAD : 0;
		struct pep_key key;

		draw_key(set, &key);
		wrong += walk(set, &key, dead).rank != rule_sets_search(set->list, &key, dead);
	}
	if (wrong) {
		fprintf(stderr, "%lu headers of %ld are wrong\n", wrong, headers);
		exit(1);
	}
}

struct asked {
	bool prune;
	enum image_effort effort;
	long check; /* headers */
};

static void run(const char *name, const struct asked *asked)
{
	struct set set = { 0 };
	struct result r;
	uint32_t searched;

	if (!rule_sets_make(name, &set.rules))
		rule_sets_read(name, &set.rules);
	set.list = rule_sets_list(&set.rules, &set.ipv6);
	for (size_t i = 0; asked->prune && i < set.list->count; i++)
		set.list->rule[i].slot = 2;
	build(&set, asked->effort);
	check(&set, asked->check);
	measure(&set, &r);
	searched = search_worst(&set, &r);
	name = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	printf("%-16s %7zu %5.0f %8.2f %3u %5.2f %3u %7.2f %5u %5u %7.2f %5u %6u %6u %5.2f %7.2f\n",
	       name, set.list->count, (double)set.image.bytes / (double)set.list->count,
	       set.build_ms, set.image.depth, r.nodes, r.most_nodes, r.compares, r.most_compares,
	       searched, r.dead_compares, r.dead_most, set.image.worst_live,
	       set.image.worst_compares, set.image.expected_nodes, set.image.expected_compares);
	fflush(stdout);
	image_clear(&set.image);
	rules_clear(&set.rules);
}

int main(int argc, char **argv)
{
	struct asked asked = { .effort = IMAGE_BEST };
	bool named = false;

	printf("%-16s %7s %5s %8s %3s %5s %3s %7s %5s %5s %7s %5s %6s %6s %5s %7s\n", "set",
	       "rules", "B", "ms", "dep", "nodes", "max", "cmp", "max", "worst", "dead", "max",
	       "live", "bound", "nodes", "cmp");
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--prune")) {
			asked.prune = true;
		} else if (!strcmp(argv[i], "--first")) {
			asked.effort = IMAGE_FIRST;
		} else if (!strcmp(argv[i], "--check") && i + 1 < argc) {
			asked.check = strtol(argv[++i], NULL, 10);
		} else {
			run(argv[i], &asked);
			named = true;
		}
	}
	for (size_t i = 0; !named && rule_sets_name(i); i++)
		run(rule_sets_name(i), &asked);
	return 0;
}
