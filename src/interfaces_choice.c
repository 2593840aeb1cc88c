/* SPDX-License-Identifier: Apache-2.0 */
#include "interfaces_choice.h"

#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "settings.h"

/* VLAN on bond on member is three; more than this is no network but a loop. */
#define STACK_DEPTH 8

/* Links of these kinds hand on the packets of their parent. Tunnels have a
 * parent too, but what they carry looks different on it. */
static const char *const stacked_kinds[] = { "vlan", "macvlan", "macvtap", "ipvlan", "ipvtap" };

struct choices {
	struct choice *choice; /* sorted by ifindex */
	size_t count;
};

static int by_ifindex(const void *a, const void *b);
static struct choice *find(const struct choices *choices, uint32_t ifindex);
static void refuse_below(const struct choices *choices, struct choice *upper,
			 const struct choice *at, unsigned int depth);
static void decide(struct choice *upper, struct choice *lower);
static bool is_stacked(const struct link *link);

void interfaces_choose(const struct settings *settings, struct choice *choices, size_t count)
{
	const struct choices all = { choices, count };

	qsort(choices, count, sizeof(*choices), by_ifindex);
	for (size_t i = 0; i < count; i++) {
		struct choice *choice = &choices[i];

		choice->exact = false;
		choice->refused_for = NULL;
		choice->wanted =
			settings_wants_interface(settings, choice->link.name, &choice->exact);
	}
	for (size_t i = 0; i < count; i++) {
		if (choices[i].wanted)
			refuse_below(&all, &choices[i], &choices[i], 0);
	}
}

bool interfaces_is_glob(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

static int by_ifindex(const void *a, const void *b)
{
	const struct choice *x = a, *y = b;

	return (x->link.ifindex > y->link.ifindex) - (x->link.ifindex < y->link.ifindex);
}

static struct choice *find(const struct choices *choices, uint32_t ifindex)
{
	const struct choice key = { .link.ifindex = ifindex };

	return bsearch(&key, choices->choice, choices->count, sizeof(key), by_ifindex);
}

/* Decides between @upper and every wanted link that is below @at. */
static void refuse_below(const struct choices *choices, struct choice *upper,
			 const struct choice *at, unsigned int depth)
{
	if (depth == STACK_DEPTH)
		return;
	if (is_stacked(&at->link)) {
		struct choice *parent = find(choices, at->link.parent);

		if (parent) {
			decide(upper, parent);
			refuse_below(choices, upper, parent, depth + 1);
		}
	}
	for (size_t i = 0; i < choices->count; i++) {
		struct choice *member = &choices->choice[i];

		if (member->link.master == at->link.ifindex) {
			decide(upper, member);
			refuse_below(choices, upper, member, depth + 1);
		}
	}
}

static void decide(struct choice *upper, struct choice *lower)
{
	if (!lower->wanted || upper == lower || (upper->exact && lower->exact))
		return;
	if (upper->exact)
		lower->refused_for = upper;
	else
		upper->refused_for = lower;
}

static bool is_stacked(const struct link *link)
{
	if (!link->parent)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(stacked_kinds); i++) {
		if (!strcmp(link->kind, stacked_kinds[i]))
			return true;
	}
	return false;
}
