// SPDX-License-Identifier: Apache-2.0
#include "tree_region.h"

#include <string.h>

#include "rules.h"

/* ---- boxes */

/* A range fixes the bits that its ends have in common from the top. */
static void box_range(struct box *box, unsigned int port, uint16_t low, uint16_t high)
{
	unsigned int open = low == high ? 0
					: 32 - (unsigned int)__builtin_clz((uint32_t)low ^ high);
	uint32_t bits = low_bits(open);

	box->port_low[port] = low;
	box->port_high[port] = high;
	box->port_open[port] = (uint8_t)open;
	if (!(low & bits) && (high & bits) == bits)
		box->flags |= BOX_BLOCK(port);
}

void box_make(const struct rule *rule, struct box *box)
{
	memset(box, 0, sizeof(*box));
	memcpy(box->address + PEP_KEY_SRC, rule->src, sizeof(rule->src));
	memcpy(box->address + PEP_KEY_DST, rule->dst, sizeof(rule->dst));
	box->bits[0] = rule->src_bits;
	box->bits[1] = rule->dst_bits;
	box_range(box, 0, rule->dport_low, rule->dport_high);
	box_range(box, 1, rule->sport_low, rule->sport_high);
	if (rule->flags & PEP_RULE_PROTOCOL) {
		box->protocol = rule->protocol;
		box->flags |= BOX_PROTOCOL;
	}
	if (rule->flags & PEP_RULE_PORTS)
		box->flags |= BOX_PORTS;
	if (!(rule->flags & PEP_RULE_EXTRA))
		box->flags |= BOX_COVERS;
	box->slot = rule->slot;
}

/* ---- regions */

static bool port_beyond(const struct region *region, const struct box *box, unsigned int port)
{
	uint32_t open = box_fixed(box, PEP_KEY_PORTS) & ~region->known[PEP_KEY_PORTS];

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

		if (box_fixed(box, word) & ~region->known[word])
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
