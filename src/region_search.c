// SPDX-License-Identifier: Apache-2.0
/*
 * A packet in a box and in none of others.
 *
 * If none of them meets the box, any packet of it will do, and if one holds all
 * of it, there is none.  Otherwise one of them is subtracted: what is left is a
 * box for each dimension, disjoint from those before it, and each is searched
 * in the same way with the others that are left.
 */
#include <errno.h>

#include "policy.h"
#include "protocol.h"
#include "region.h"

#define WORK_MOST 2000000 /* of a search in one part */
#define DEPTH_MOST 200

struct searching {
	const struct region_search *search;
	struct span_arena *arena;
	int part;
	size_t work; /* spans that may still be looked at */
	unsigned int depth;
	struct region_point *ret;
};

static bool boxes_meet(const struct region_box *a, const struct region_box *b, size_t *work)
{
	for (int i = 0; i < REGION_DIMENSIONS; i++)
		if (!spans_overlap(a->dimension[i], b->dimension[i], work))
			return false;
	return true;
}

static bool box_contains(const struct region_box *a, const struct region_box *b, size_t *work)
{
	for (int i = 0; i < REGION_DIMENSIONS; i++)
		if (!spans_contain(a->dimension[i], b->dimension[i], work))
			return false;
	return true;
}

bool region_contains(const struct region *a, const struct region *b, enum pep_family family,
		     size_t *work)
{
	for (int part = 0; part < REGION_PARTS && *work; part++)
		if (REGION_FAMILY(part) == family && b->any[part] &&
		    (!a->any[part] || !box_contains(&a->box[part], &b->box[part], work)))
			return false;
	return *work;
}

bool region_meets(const struct region *a, const struct region *b, enum pep_family family,
		  size_t *work)
{
	for (int part = 0; part < REGION_PARTS && *work; part++)
		if (REGION_FAMILY(part) == family && a->any[part] && b->any[part] &&
		    boxes_meet(&a->box[part], &b->box[part], work))
			return true;
	return !*work;
}

bool region_has(const struct region *region, const struct region_point *point)
{
	if (!region->any[point->part])
		return false;
	for (int i = 0; i < REGION_DIMENSIONS; i++)
		if (!spans_have(region->box[point->part].dimension[i], point->value[i]))
			return false;
	return true;
}

/* ---- a packet of a box, like one that there is */

static span_number preferred(enum region_dimension dimension, int part)
{
	bool ipv6 = REGION_FAMILY(part) == PEP_IPV6, icmp = REGION_CLASS(part) == REGION_ICMP;
	const span_number documentation6 = (span_number)0x20010db8 << 96;

	switch (dimension) {
	case REGION_PROTOCOL:
		return 47;
	case REGION_SRC:
		return ipv6 ? documentation6 + 1 : 0xc0000201;
	case REGION_DST:
		return ipv6 ? documentation6 + 2 : 0xc6336401;
	case REGION_FIRST:
		return icmp ? (ipv6 ? 128 : 8) : 49152;
	case REGION_SECOND:
		return icmp ? 0 : 80;
	case REGION_FLAGS:
		return 2;
	case REGION_VLAN:
		return PEP_VLAN_NONE;
	case REGION_TTL:
		return 64;
	default:
		return 0;
	}
}

static void pick(const struct searching *searching, const struct region_box *box)
{
	struct region_point *ret = searching->ret;

	ret->part = searching->part;
	for (int i = 0; i < REGION_DIMENSIONS; i++)
		ret->value[i] = spans_pick(box->dimension[i], preferred(i, searching->part));
	if (searching->search->length)
		ret->value[REGION_LENGTH] =
			spans_pick(box->dimension[REGION_LENGTH], searching->search->length);
}

/* ---- searching */

static int search_box(struct searching *searching, const struct region_box *box, size_t from);

/* What is left of @box beside @out in dimension @i, in all before it within @out. */
static int search_beside(struct searching *searching, struct region_box *box,
			 const struct region_box *out, size_t from)
{
	int result = 0;

	for (int i = 0; i < REGION_DIMENSIONS && !result; i++) {
		const struct spans both[2] = { box->dimension[i], out->dimension[i] };
		struct spans *here = &box->dimension[i];

		if (spans_subtract(searching->arena, both, here, &searching->work))
			return -E2BIG;
		if (here->count)
			result = search_box(searching, box, from);
		if (!result && spans_intersect(searching->arena, both, here, &searching->work))
			return -E2BIG;
	}
	return result;
}

/* The first of the others that meets the box; whether one of them holds all of it. */
static size_t first_met(struct searching *searching, const struct region_box *box, size_t from,
			bool *ret_held)
{
	const struct region_search *search = searching->search;
	size_t first = search->outs;

	*ret_held = false;
	for (size_t i = from; i < search->outs && !*ret_held && searching->work; i++) {
		const struct region *out = search->out[i];

		searching->work--; /* also where there is nothing to look at */
		if (!out->any[searching->part] ||
		    !boxes_meet(box, &out->box[searching->part], &searching->work))
			continue;
		if (first == search->outs)
			first = i;
		*ret_held = box_contains(&out->box[searching->part], box, &searching->work);
	}
	return first;
}

static int search_box(struct searching *searching, const struct region_box *box, size_t from)
{
	size_t used = searching->arena->used, next;
	struct region_box rest = *box;
	bool held;
	int result;

	if (searching->depth >= DEPTH_MOST)
		return -E2BIG;
	next = first_met(searching, box, from, &held);
	if (!searching->work)
		return -E2BIG;
	if (held)
		return 0;
	if (next == searching->search->outs) {
		pick(searching, box);
		return 1;
	}
	searching->depth++;
	result = search_beside(searching, &rest,
			       &searching->search->out[next]->box[searching->part], next + 1);
	searching->depth--;
	searching->arena->used = used;
	return result;
}

/* The box that is in all of `in`; false: there is none. */
static int meet(struct searching *searching, struct region_box *ret)
{
	const struct region_search *search = searching->search;

	for (size_t i = 0; i < search->ins; i++)
		if (!search->in[i]->any[searching->part])
			return 0;
	if (!searching->work)
		return -E2BIG;
	*ret = search->in[0]->box[searching->part];
	for (size_t i = 1; i < search->ins; i++) {
		const struct region_box *other = &search->in[i]->box[searching->part];

		if (!boxes_meet(ret, other, &searching->work))
			return 0;
		for (int d = 0; d < REGION_DIMENSIONS; d++) {
			const struct spans both[2] = { ret->dimension[d], other->dimension[d] };

			if (spans_intersect(searching->arena, both, &ret->dimension[d],
					    &searching->work))
				return -E2BIG;
		}
	}
	for (int d = 0; d < REGION_DIMENSIONS; d++)
		if (!ret->dimension[d].count)
			return 0;
	return 1;
}

int region_search(const struct region_search *search, struct region_point *ret)
{
	bool gave_up = false;
	int result = 0;

	for (int part = 0; part < REGION_PARTS && result != 1; part++) {
		struct searching searching = {
			.search = search,
			.arena = search->arena,
			.part = part,
			.work = *search->work < WORK_MOST ? *search->work : WORK_MOST,
			.ret = ret,
		};
		size_t work = searching.work;
		struct region_box box;

		if (REGION_FAMILY(part) != search->family)
			continue;
		search->arena->used = 0;
		result = meet(&searching, &box);
		if (result == 1)
			result = search_box(&searching, &box, 0);
		*search->work -= work - searching.work;
		gave_up |= result < 0;
	}
	if (result == 1)
		return 1;
	return gave_up ? -E2BIG : 0;
}
