// SPDX-License-Identifier: Apache-2.0
#include "group.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "address_sets.h"
#include "audit.h"
#include "cleanup.h"
#include "daemon.h"
#include "policyset.h"

void group_begin(const struct daemon *daemon, struct group *ret)
{
	*ret = (struct group){ .settings = daemon->settings };
	ret->base = policyset_get(daemon->set);
	ret->sets = daemon->sets ? address_sets_get(daemon->sets) : NULL;
	memcpy(ret->of_origin, daemon->set->of_origin, sizeof(ret->of_origin));
}

void group_clear(struct group *group)
{
	for (size_t i = 0; i < group->edits; i++)
		policy_put(&group->edit[i].policy);
	free(group->edit);
	policyset_put(&group->set);
	policyset_put(&group->base);
	address_sets_put(&group->sets);
	*group = (struct group){ 0 };
}

/* ---- edits */

/* The first edit whose id is not smaller. What comes in order is found at once. */
static size_t place_of(const struct group *group, const char *id)
{
	size_t low = 0, high = group->edits;

	if (high && strcmp(group->edit[high - 1].id, id) < 0)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(group->edit[middle].id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct group *group, size_t place, const char *id)
{
	return place < group->edits && !strcmp(group->edit[place].id, id);
}

struct policy *group_find(const struct group *group, const char *id)
{
	size_t place = place_of(group, id);

	if (is_at(group, place, id))
		return group->edit[place].policy;
	return policyset_find(group->base, id);
}

size_t group_count(const struct group *group)
{
	size_t count = 0;

	for (int origin = 0; origin < ORIGINS; origin++)
		count += group->of_origin[origin];
	return count;
}

static int make_room(struct group *group, size_t more)
{
	struct group_edit *edit;

	if (group->edits + more <= group->room)
		return 0;
	edit = reallocarray(group->edit, group->edits + more, sizeof(*edit));
	if (!edit)
		return -ENOMEM;
	group->edit = edit;
	group->room = group->edits + more;
	return 0;
}

/* There is room. @policy NULL: removes it. */
static void set_edit(struct group *group, const char *id, struct policy *policy)
{
	struct policy *before = group_find(group, id);
	size_t place = place_of(group, id);
	struct group_edit *edit = &group->edit[place];

	if (group->diff)
		audit_diff_note(group->diff, before, policy);
	if (before)
		group->of_origin[before->origin]--;
	if (policy)
		group->of_origin[policy->origin]++;
	if (is_at(group, place, id)) {
		before = policyset_find(group->base, id);
		/* The id of a policy that comes and goes goes with it. */
		id = before ? before->id : "";
		policy_put(&edit->policy);
	} else {
		id = before ? before->id : id; /* which lasts as long as the edit */
		memmove(edit + 1, edit, (group->edits++ - place) * sizeof(*edit));
	}
	*edit = (struct group_edit){ policy ? policy->id : id, policy ? policy_get(policy) : NULL };
	if (*edit->id)
		return;
	memmove(edit, edit + 1, (--group->edits - place) * sizeof(*edit));
}

int group_edit(struct group *group, const char *const *remove, size_t remove_count,
	       struct policy *const *put, size_t put_count)
{
	size_t i = 0, j = 0;

	if (make_room(group, remove_count + put_count))
		return -ENOMEM;
	while (i < remove_count || j < put_count) {
		if (j == put_count || (i < remove_count && strcmp(remove[i], put[j]->id) < 0))
			set_edit(group, remove[i++], NULL);
		else
			set_edit(group, put[j]->id, put[j]), j++;
	}
	return 0;
}

/* ---- the state */

void group_replace(struct group *group, struct policyset *set)
{
	policyset_put(&group->set);
	group->set = policyset_get(set);
	memcpy(group->of_origin, set->of_origin, sizeof(group->of_origin));
}

void group_replace_sets(struct group *group, struct address_sets *sets)
{
	struct address_sets *before = group->sets;

	group->sets = address_sets_get(sets);
	address_sets_put(&before);
}

int group_make_set(struct group *group)
{
	struct group_lists lists;
	struct policyset_edit edit;
	int error;

	if (group->set)
		return 0;
	if (!group->edits) {
		group->set = policyset_get(group->base);
		return 0;
	}
	error = group_list(group, &lists);
	if (error)
		return error;
	edit = (struct policyset_edit){ .remove = lists.remove,
					.remove_count = lists.remove_count,
					.add = lists.put,
					.add_count = lists.put_count };
	error = policyset_edit(group->base, &edit, &group->set);
	group_lists_clear(&lists);
	return error;
}

int group_list(const struct group *group, struct group_lists *ret)
{
	struct group_lists lists = {
		.remove = calloc(group->edits + 1, sizeof(*lists.remove)),
		.put = calloc(group->edits + 1, sizeof(*lists.put)),
	};

	if (!lists.remove || !lists.put) {
		group_lists_clear(&lists);
		return -ENOMEM;
	}
	for (size_t i = 0; i < group->edits; i++) {
		if (group->edit[i].policy)
			lists.put[lists.put_count++] = group->edit[i].policy;
		else
			lists.remove[lists.remove_count++] = group->edit[i].id;
	}
	*ret = lists;
	return 0;
}

void group_lists_clear(struct group_lists *lists)
{
	free(lists->remove);
	free(lists->put);
	*lists = (struct group_lists){ 0 };
}
