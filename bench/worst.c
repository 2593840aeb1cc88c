// SPDX-License-Identifier: Apache-2.0
#include "worst.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classbench.h"
#include "cleanup.h"
#include "image_walk.h"
#include "root/random_policies.h"

#define TRIES 1000000
#define SEEN (1 << 20)
#define NODE_PRICE 1.5 /* of a node, in rule comparisons */

/* The worst so far: a heap, the best of them first. */
struct search {
	const struct classbench *file;
	const struct pep_image *image;
	struct sample *sample;
	double *cost;
	size_t count;
	uint64_t *met; /* hashes of headers that were kept */
};

static struct pep_key key_of(const struct sample *s)
{
	bool ports = s->protocol == IPPROTO_TCP || s->protocol == IPPROTO_UDP ||
		     s->protocol == IPPROTO_SCTP;
	struct pep_key key = { .word[PEP_KEY_PROTOCOL] = s->protocol };

	memcpy(&key.word[PEP_KEY_SRC], s->src, sizeof(s->src));
	memcpy(&key.word[PEP_KEY_DST], s->dst, sizeof(s->dst));
	if (ports) {
		key.word[PEP_KEY_PORTS] = (uint32_t)s->sport << 16 | s->dport;
		key.word[PEP_KEY_PROTOCOL] |= PEP_PROTOCOL_PORTS;
	}
	if (s->family == PEP_IPV6)
		key.word[PEP_KEY_PROTOCOL] |= PEP_PROTOCOL_IPV6;
	return key;
}

static double cost_of(const struct search *search, const struct sample *sample)
{
	const struct pep_key key = key_of(sample);
	struct walk walk = image_walk(
		search->image,
		&search->image->forest[PEP_RULES_POLICY][sample->family][PEP_INGRESS], &key, 0);

	return NODE_PRICE * walk.nodes + walk.compares;
}

/* ---- headers */

static void corner(const uint32_t *prefix, unsigned int bits, uint32_t ret[4])
{
	uint32_t high = draw(2);

	for (unsigned int i = 0; i < 4; i++) {
		unsigned int here = bits > 32 * i ? bits - 32 * i : 0;
		uint32_t open = here >= 32 ? 0 : ~0U >> here;

		ret[i] = (prefix[i] & ~open) | (high ? open : 0);
	}
}

static const struct classbench_rule *any_rule(const struct search *search)
{
	return &search->file->rule[draw((uint32_t)search->file->count)];
}

/* Each part is a corner of another rule's, or a random point of it. */
static void draw_crossed(const struct search *search, struct sample *ret)
{
	const struct classbench_rule *ports = any_rule(search), *src = any_rule(search);
	const struct classbench_rule *dst = draw(2) ? src : any_rule(search);
	struct sample part;

	classbench_draw(search->file, draw(8) == 0, ret);
	if (ret->family == PEP_IPV6 || draw(2)) {
		corner(src->src, src->src_bits, ret->src);
		corner(dst->dst, dst->dst_bits, ret->dst);
	}
	for (int i = 1; i < 4 && ret->family == PEP_IPV4; i++)
		ret->src[i] = ret->dst[i] = 0;
	classbench_draw(search->file, false, &part);
	ret->protocol = part.protocol == IPPROTO_UDP ? IPPROTO_UDP : IPPROTO_TCP;
	ret->sport = (uint16_t)(draw(2) ? ports->sport_low : ports->sport_high);
	ports = draw(2) ? ports : any_rule(search);
	ret->dport = (uint16_t)(draw(2) ? ports->dport_low : ports->dport_high);
}

/* One of the worst, with a part of another header. */
static void draw_changed(const struct search *search, struct sample *ret)
{
	struct sample other;

	*ret = search->sample[draw((uint32_t)search->count)];
	draw_crossed(search, &other);
	if (draw(2))
		other = search->sample[draw((uint32_t)search->count)];
	switch (draw(5)) {
	case 0:
		memcpy(ret->src, other.src, sizeof(ret->src));
		break;
	case 1:
		memcpy(ret->dst, other.dst, sizeof(ret->dst));
		break;
	case 2:
		ret->sport = other.sport;
		break;
	case 3:
		ret->dport = other.dport;
		break;
	default:
		ret->protocol = other.protocol;
	}
}

/* ---- the heap */

static void sink(struct search *s, const struct sample *sample, double cost)
{
	size_t at = 0, child;

	while ((child = 2 * at + 1) < s->count) {
		child += child + 1 < s->count && s->cost[child + 1] < s->cost[child];
		if (s->cost[child] >= cost)
			break;
		s->cost[at] = s->cost[child];
		s->sample[at] = s->sample[child];
		at = child;
	}
	s->cost[at] = cost;
	s->sample[at] = *sample;
}

/* The same header must not fill the heap. */
static bool is_new(struct search *s, const struct sample *sample)
{
	const struct pep_key key = key_of(sample);
	uint64_t hash = 1;

	for (int i = 0; i < PEP_KEY_WORDS; i++)
		hash = (hash ^ key.word[i]) * 0x9e3779b97f4a7c15ULL ^ hash >> 29;
	if (s->met[hash % SEEN] == hash)
		return false;
	s->met[hash % SEEN] = hash;
	return true;
}

void worst_search(const struct classbench *file, const struct pep_image *image, size_t count,
		  struct sample *ret)
{
	double *cost CLEANUP(cleanup_free) = calloc(count, sizeof(*cost));
	uint64_t *met CLEANUP(cleanup_free) = calloc(SEEN, sizeof(*met));
	struct search search = { file, image, ret, cost, count, met };
	struct sample sample;

	if (!cost || !met) {
		perror("memory");
		exit(1);
	}
	for (size_t i = 0; i < count; i++)
		draw_crossed(&search, &ret[i]);
	for (int i = 0; i < TRIES; i++) {
		double found;

		if (i % 2)
			draw_changed(&search, &sample);
		else
			draw_crossed(&search, &sample);
		found = cost_of(&search, &sample);
		if (found > cost[0] && is_new(&search, &sample))
			sink(&search, &sample, found);
	}
}
