// SPDX-License-Identifier: Apache-2.0
/*
 * Ports are cut well by one limit at a time as long as ranges are short.  Long
 * random ones defeat that: whatever the limit, most ranges reach across it, and
 * no list gets much shorter.  But with enough limits a packet meets, soon, a
 * rule that all packets between its limits match, and what follows is hidden.
 *
 * How soon?  Of the rules that overlap an interval a share covers it.  When
 * both ports are divided, and as if they were independent, the first rule that
 * covers a cell is about at the product of the two ratios overlapping /
 * covering.  So each port is divided for itself, such that no interval has a
 * larger ratio than the others and the copies fit: between two positions the
 * ratio and the copies are known, and the cheapest chain of intervals with no
 * larger ratio than some bound is a shortest path.  The bound is the least one
 * whose path fits.  At the ends of the range, which nothing covers, it gives
 * narrow intervals with few rules, and towards the middle wide ones.
 *
 * Intervals of few rules need not be covered.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "tree_cut.h"

#define POSITIONS 64 /* where limits may be */
#define BOUNDS 14 /* of the ratio: powers of two */
#define FEW 192 /* rules that an interval may have whatever covers it */
#define ONLY_PORTS 2 /* one of so many rules must be open in nothing else */
#define DIVIDED 16 /* a port is, when one of so many rules covers the region in it */
#define ROOM_FIRST 0.5 /* share of the room, in doublings, for the first port */
#define ROOM_SECOND 0.9

struct partition {
	const struct search *search;
	unsigned int port;
	bool other_divided; /* covering takes both ports */
	uint32_t position[POSITIONS + 1]; /* the last is the end */
	unsigned int positions; /* intervals between them */
	/* prefix sums over [low's position][position behind high] */
	uint32_t covering[POSITIONS + 1][POSITIONS + 1];
	uint32_t begun[POSITIONS + 1], ended[POSITIONS + 1]; /* rules before a position */
};

static const struct box *box_at(const struct search *s, size_t i)
{
	return &s->builder->boxes[s->list[i]];
}

static bool reaches(const struct search *s, const struct box *box, unsigned int port)
{
	return box->port_low[port] <= s->region->port_low[port] &&
	       box->port_high[port] >= s->region->port_high[port];
}

static bool is_only_ports(const struct search *s, const struct box *box)
{
	return box->flags & BOX_COVERS &&
	       !(region_beyond(s->builder, s->region, box) & ~(1U << PEP_KEY_PORTS));
}

/* ---- positions */

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Quantiles of where ranges begin, and of where they have ended. */
static bool choose_positions(struct partition *p)
{
	const struct search *s = p->search;
	uint32_t *low CLEANUP(cleanup_free) = malloc(2 * s->count * sizeof(*low)), *high;
	uint32_t from = s->region->port_low[p->port], to = s->region->port_high[p->port] + 1U;
	unsigned int half = POSITIONS / 2 - 1, count = 0;

	if (!low)
		return false;
	high = low + s->count;
	for (size_t i = 0; i < s->count; i++) {
		low[i] = box_at(s, i)->port_low[p->port];
		high[i] = box_at(s, i)->port_high[p->port] + 1U;
	}
	qsort(low, s->count, sizeof(*low), compare);
	qsort(high, s->count, sizeof(*high), compare);
	p->position[count++] = from;
	for (unsigned int i = 1; i <= half; i++) {
		p->position[count++] = low[i * s->count / (half + 1)];
		p->position[count++] = high[i * s->count / (half + 1)];
	}
	qsort(p->position, count, sizeof(*p->position), compare);
	p->positions = 0;
	for (unsigned int i = 0; i < count; i++) {
		uint32_t at = p->position[i];

		if (at < from || at >= to || (p->positions && at == p->position[p->positions - 1]))
			continue;
		p->position[p->positions++] = at;
	}
	p->position[p->positions] = to;
	return p->positions > 1;
}

/* The first position that is not before @value. */
static unsigned int position_of(const struct partition *p, uint32_t value)
{
	unsigned int low = 0, high = p->positions;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (p->position[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void count_rules(struct partition *p)
{
	const struct search *s = p->search;
	unsigned int n = p->positions;

	memset(p->covering, 0, sizeof(p->covering));
	memset(p->begun, 0, sizeof(p->begun));
	memset(p->ended, 0, sizeof(p->ended));
	for (size_t i = 0; i < s->count; i++) {
		const struct box *box = box_at(s, i);
		uint32_t low = box->port_low[p->port], high = box->port_high[p->port] + 1U;
		unsigned int from = position_of(p, low), behind = position_of(p, high);

		/* It has begun before every position behind low, and ended at those from high on. */
		p->begun[position_of(p, low + 1)]++;
		p->ended[behind]++;
		if (behind > n || p->position[behind] > high)
			behind--; /* it does not cover the interval that it ends in */
		if (from <= n && from < behind && is_only_ports(s, box) &&
		    (!p->other_divided || reaches(s, box, !p->port)))
			p->covering[from][behind]++;
	}
	for (unsigned int i = 1; i <= n; i++) {
		p->begun[i] += p->begun[i - 1];
		p->ended[i] += p->ended[i - 1];
	}
	/* Those that begin at i or before, and end at j or behind. */
	for (unsigned int i = 0; i <= n; i++) {
		for (unsigned int j = n + 1; j-- > 0;) {
			p->covering[i][j] += j < n ? p->covering[i][j + 1] : 0;
			if (i > 0)
				p->covering[i][j] += p->covering[i - 1][j] -
						     (j < n ? p->covering[i - 1][j + 1] : 0);
		}
	}
}

/* ---- the shortest path */

struct path {
	uint64_t copies[LIMITS_MOST + 2][POSITIONS + 1]; /* by intervals, up to a position */
	uint8_t before[LIMITS_MOST + 2][POSITIONS + 1];
};

static uint32_t overlapping(const struct partition *p, unsigned int i, unsigned int j)
{
	return p->begun[j] - p->ended[i];
}

static bool is_fine(const struct partition *p, unsigned int i, unsigned int j, uint64_t bound)
{
	uint32_t rules = overlapping(p, i, j);

	return rules <= FEW || rules <= bound * p->covering[i][j];
}

static void find_paths(const struct partition *p, uint64_t bound, struct path *path)
{
	memset(path->copies, 0xff, sizeof(path->copies));
	path->copies[0][0] = 0;
	for (unsigned int k = 1; k <= LIMITS_MOST + 1; k++) {
		for (unsigned int i = 0; i < p->positions; i++) {
			if (path->copies[k - 1][i] == UINT64_MAX)
				continue;
			for (unsigned int j = i + 1; j <= p->positions; j++) {
				uint64_t copies = path->copies[k - 1][i] + overlapping(p, i, j);

				if (copies >= path->copies[k][j] || !is_fine(p, i, j, bound))
					continue;
				path->copies[k][j] = copies;
				path->before[k][j] = (uint8_t)i;
			}
		}
	}
}

/* How many intervals are cheapest; 0: none are fine. */
static unsigned int path_length(const struct partition *p, const struct path *path)
{
	unsigned int best = 0;

	for (unsigned int k = 1; k <= LIMITS_MOST + 1; k++) {
		if (path->copies[k][p->positions] != UINT64_MAX &&
		    (!best || path->copies[k][p->positions] < path->copies[best][p->positions]))
			best = k;
	}
	return best;
}

static void set_limits(const struct partition *p, const struct path *path, unsigned int length,
		       struct cut *ret)
{
	unsigned int at = p->positions;

	*ret = (struct cut){ .word = PEP_KEY_PORTS,
			     .shift = (uint8_t)(16 * p->port),
			     .limits = (uint8_t)(length - 1) };
	for (unsigned int k = length; k > 1; k--) {
		at = path->before[k][at];
		ret->limit[k - 2] = (uint16_t)p->position[at];
	}
}

/* With the least bound of the ratio whose path fits. */
static bool divide(const struct partition *p, double growth_most, struct cut *ret)
{
	struct path *path CLEANUP(cleanup_free) = malloc(sizeof(*path));
	double most = growth_most * (double)p->search->count;

	for (unsigned int i = 1; path && i < BOUNDS; i++) {
		unsigned int length;

		find_paths(p, 1ULL << i, path);
		length = path_length(p, path);
		if (!length || (double)path->copies[length][p->positions] > most)
			continue;
		if (length < 2)
			return false;
		set_limits(p, path, length, ret);
		return true;
	}
	return false;
}

/* ---- */

/* Which port to divide; false: that does not help. */
static bool choose_port(const struct search *s, struct partition *p)
{
	size_t only = 0, reach[2] = { 0 };

	for (size_t i = 0; i < s->count; i++) {
		const struct box *box = box_at(s, i);

		only += is_only_ports(s, box);
		reach[0] += reaches(s, box, 0);
		reach[1] += reaches(s, box, 1);
	}
	p->search = s;
	p->port = reach[1] < reach[0];
	p->other_divided = reach[!p->port] >= s->count / DIVIDED;
	return only >= s->count / ONLY_PORTS && reach[p->port] < s->count;
}

bool ports_partition(struct search *s)
{
	struct partition *p CLEANUP(cleanup_free) = malloc(sizeof(*p));
	struct cut cut;
	double growth;

	if (!p || s->room <= 1 || !choose_port(s, p) || !choose_positions(p))
		return false;
	growth = pow(s->room, p->other_divided ? ROOM_SECOND : ROOM_FIRST);
	count_rules(p);
	if (!divide(p, growth, &cut))
		return false;
	region_classify(s->region, &cut);
	s->best = cut;
	return true;
}
