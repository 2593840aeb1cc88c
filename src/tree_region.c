// SPDX-License-Identifier: Apache-2.0
#include "tree_region.h"

#include <string.h>

#include "rules.h"

/* ---- boxes */

static uint32_t upper_bits(unsigned int bits)
{
	return bits ? ~0U << (32 - (bits > 32 ? 32 : bits)) : 0;
}

static void box_address(struct box *box, unsigned int word, const uint32_t *address,
			unsigned int bits)
{
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int here = bits > 32 * i ? bits - 32 * i : 0;

		box->value[word + i] = address[i];
		box->fixed[word + i] = upper_bits(here);
	}
}

/* A range fixes the bits that its ends have in common from the top. */
static void box_range(struct box *box, unsigned int port, uint16_t low, uint16_t high)
{
	unsigned int open = low == high ? 0
					: 32 - (unsigned int)__builtin_clz((uint32_t)low ^ high);
	uint32_t fixed = 0xffff & ~low_bits(open);

	box->port_low[port] = low;
	box->port_high[port] = high;
	box->value[PEP_KEY_PORTS] |= (uint32_t)low << (16 * port);
	box->fixed[PEP_KEY_PORTS] |= fixed << (16 * port);
	if (!(low & ~fixed) && (high | fixed) == 0xffff)
		box->flags |= BOX_BLOCK(port);
}

void box_make(const struct rule *rule, struct box *box)
{
	memset(box, 0, sizeof(*box));
	box_address(box, PEP_KEY_SRC, rule->src, rule->src_bits);
	box_address(box, PEP_KEY_DST, rule->dst, rule->dst_bits);
	box_range(box, 0, rule->dport_low, rule->dport_high);
	box_range(box, 1, rule->sport_low, rule->sport_high);
	if (rule->flags & PEP_RULE_PROTOCOL) {
		box->value[PEP_KEY_PROTOCOL] = rule->protocol;
		box->fixed[PEP_KEY_PROTOCOL] = PEP_PROTOCOL_NUMBER;
	}
	if (rule->flags & PEP_RULE_PORTS) {
		box->value[PEP_KEY_PROTOCOL] |= PEP_PROTOCOL_PORTS;
		box->fixed[PEP_KEY_PROTOCOL] |= PEP_PROTOCOL_PORTS;
	}
	if (!(rule->flags & PEP_RULE_EXTRA))
		box->flags |= BOX_COVERS;
	box->slot = rule->slot;
}

/* ---- regions */

static bool port_beyond(const struct region *region, const struct box *box, unsigned int port)
{
	uint32_t open = box->fixed[PEP_KEY_PORTS] & ~region->known[PEP_KEY_PORTS];

	if (box->port_low[port] <= region->port_low[port] &&
	    box->port_high[port] >= region->port_high[port])
		return false;
	return !(box->flags & BOX_BLOCK(port)) || open >> (16 * port) & 0xffff;
}

uint32_t region_beyond(const struct tree_builder *builder, const struct region *region,
		       const struct box *box)
{
	uint32_t beyond = 0;

	for (uint32_t words = builder->words & ~(1U << PEP_KEY_PORTS); words; words &= words - 1) {
		unsigned int word = (unsigned int)__builtin_ctz(words);

		if (box->fixed[word] & ~region->known[word])
			beyond |= 1U << word;
	}
	if (port_beyond(region, box, 0) || port_beyond(region, box, 1))
		beyond |= 1U << PEP_KEY_PORTS;
	return beyond;
}

static bool covers(const struct tree_builder *builder, const struct region *region,
		   const struct box *box)
{
	return box->flags & BOX_COVERS && !region_beyond(builder, region, box);
}

/* Both ways: what follows it, and what it follows with the same rank. */
size_t region_prune(struct tree_builder *builder, const struct region *region, uint32_t *list,
		    size_t count)
{
	const struct box *cover = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		const struct box *box = &builder->boxes[list[i]];

		if (cover && cover->slot == box->slot)
			continue;
		if (covers(builder, region, box)) {
			cover = box;
			while (kept && builder->boxes[list[kept - 1]].slot == box->slot &&
			       builder->rules[list[kept - 1]].rank == builder->rules[list[i]].rank)
				kept--;
		}
		list[kept++] = list[i];
	}
	builder->work += count;
	return kept;
}

struct load region_load(struct tree_builder *builder, const struct region *region,
			const uint32_t *list, size_t count)
{
	struct load load = { .live = count };
	float pass = 1;

	for (size_t i = 0; i < count; i++) {
		load.met += pass;
		if (!covers(builder, region, &builder->boxes[list[i]]))
			continue;
		if (load.live == count)
			load.live = i + 1;
		pass *= HIDDEN_SHARE;
	}
	builder->work += count;
	return load;
}

void region_classify(const struct region *region, struct cut *cut)
{
	unsigned int end = cut->shift + cut->bits;
	uint32_t spread;

	cut->port = cut->shift >= 16;
	cut->interval = false;
	if (cut->word != PEP_KEY_PORTS)
		return;
	if (cut->limits) {
		cut->interval = true;
		return;
	}
	if (cut->port != (end > 16))
		return;
	spread = (uint32_t)region->port_low[cut->port] ^ region->port_high[cut->port];
	cut->interval = spread >> (end - 16U * cut->port) == 0;
}

void region_narrow(struct region *child, const struct cut *cut, uint32_t n)
{
	unsigned int port = cut->port, shift = cut->shift - 16U * port;
	uint32_t low, high;

	if (cut->limits) {
		low = n ? cut->limit[n - 1] : 0;
		high = n < cut->limits ? cut->limit[n] - 1U : 0xffff;
	} else {
		low = (child->port_low[port] & ~low_bits(shift + cut->bits)) | n << shift;
		high = low | low_bits(shift);
	}
	if (low > child->port_low[port])
		child->port_low[port] = (uint16_t)low;
	if (high < child->port_high[port])
		child->port_high[port] = (uint16_t)high;
}

struct region region_child(const struct region *region, const struct cut *cut, uint32_t child)
{
	struct region ret = *region;

	ret.depth += cut_levels(cut);
	if (!cut->limits)
		ret.known[cut->word] |= low_bits(cut->bits) << cut->shift;
	if (cut->interval)
		region_narrow(&ret, cut, child);
	return ret;
}

static uint32_t interval_child(const struct cut *cut, uint32_t port)
{
	uint32_t child = 0;

	if (cut->limits) {
		while (child < cut->limits && port >= cut->limit[child])
			child++;
		return child;
	}
	return port >> (cut->shift - 16U * cut->port) & low_bits(cut->bits);
}

struct spread spread_begin(const struct region *region, const struct cut *cut,
			   const struct box *box)
{
	uint32_t value = box->value[cut->word] >> cut->shift, low, high;
	uint32_t fixed = box->fixed[cut->word] >> cut->shift;
	struct spread s = { .interval = cut->interval };

	if (!s.interval) {
		s.open = ~fixed & low_bits(cut->bits);
		s.base = s.child = value & fixed & low_bits(cut->bits);
		return s;
	}
	low = box->port_low[cut->port];
	high = box->port_high[cut->port];
	if (low < region->port_low[cut->port])
		low = region->port_low[cut->port];
	if (high > region->port_high[cut->port])
		high = region->port_high[cut->port];
	s.first = s.child = interval_child(cut, low);
	s.last = interval_child(cut, high);
	return s;
}
