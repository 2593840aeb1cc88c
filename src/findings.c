// SPDX-License-Identifier: Apache-2.0
#include "findings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address_sets.h"
#include "cleanup.h"
#include "findings_look.h"
#include "policy.h"
#include "policy_order.h"
#include "policyset.h"

static int add_interfaces(const struct policy *policy, struct findings *findings);
static void sort_interfaces(struct findings *findings);
static int make_regions(struct look *look);
static int sort_family(struct look *look, enum pep_family family);

static void look_clear(struct look *look)
{
	free(look->region);
	free(look->safe);
	free(look->judged);
	for (int family = 0; family < PEP_FAMILIES; family++) {
		free(look->order[family].index);
		free(look->order[family].place);
	}
	free(look->out);
	free(look->of_set);
	span_arena_clear(&look->spans);
	span_arena_clear(&look->arena);
}

static int prepare(struct look *look)
{
	const struct findings_question *question = look->question;
	struct findings *findings = look->findings;
	int error = 0;

	look->count = question->count < FINDINGS_POLICIES ? question->count : FINDINGS_POLICIES;
	look->safes = question->failsafe ? question->failsafe->count : 0;
	look->region = calloc(look->count + 1, sizeof(*look->region));
	look->judged = calloc(look->count + 1, sizeof(*look->judged));
	look->safe = calloc(look->safes + 1, sizeof(*look->safe));
	look->out = calloc(look->count + 1, sizeof(*look->out));
	findings->reached = calloc(look->count + 1, sizeof(*findings->reached));
	findings->is_reached = calloc(look->count + 1, sizeof(*findings->is_reached));
	if (!look->region || !look->judged || !look->safe || !look->out || !findings->reached ||
	    !findings->is_reached)
		return -ENOMEM;
	error = span_arena_make(REGION_SEARCH_SPANS, &look->arena);
	if (!error)
		error = span_arena_make(REGION_SPANS, &look->spans);
	for (size_t i = 0; i < look->count && !error; i++)
		error = add_interfaces(question->policy[i], findings);
	for (size_t i = 0; i < look->safes && !error; i++)
		error = add_interfaces(question->failsafe->policy[i], findings);
	sort_interfaces(findings);
	if (!error)
		error = make_regions(look);
	for (int family = 0; family < PEP_FAMILIES && !error; family++)
		error = sort_family(look, family);
	return error;
}

int findings_make(const struct findings_question *question, struct findings *ret)
{
	CLEANUP(look_clear)
	struct look look = {
		.question = question,
		.findings = ret,
		.work = FINDINGS_WORK,
	};
	int error = prepare(&look);

	for (size_t i = 0; i < look.count && !error; i++)
		error = look_is_cancelled(&look) ? -ECANCELED : look_at_policy(&look, i);
	for (size_t j = 0; j < look.count && !error; j++) {
		for (size_t i = 0; i < look.count && !error; i++)
			error = i == j ? 0 : look_at_pair(&look, i, j);
		if (look_is_cancelled(&look))
			error = -ECANCELED;
	}
	ret->work = FINDINGS_WORK - look.work;
	ret->spans = look.spans.used;
	return error;
}

bool look_is_cancelled(const struct look *look)
{
	const bool *cancelled = look->question->cancelled;

	return cancelled && __atomic_load_n(cancelled, __ATOMIC_RELAXED);
}

void findings_clear(struct findings *findings)
{
	free(findings->finding);
	free(findings->interface);
	free(findings->reached);
	free(findings->is_reached);
	*findings = (struct findings){ 0 };
}

bool look_is_full(const struct look *look, enum finding_kind kind)
{
	return look->found[kind] >= FINDINGS_PAIRS;
}

int look_note(struct look *look, const struct finding *finding)
{
	struct findings *findings = look->findings;
	size_t room = findings->room ? 2 * findings->room : 16;
	struct finding *larger;

	if (findings->count == findings->room) {
		larger = realloc(findings->finding, room * sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		findings->finding = larger;
		findings->room = room;
	}
	findings->finding[findings->count++] = *finding;
	look->found[finding->kind]++;
	return 0;
}

/* ---- what there is */

static int add_interfaces(const struct policy *policy, struct findings *findings)
{
	size_t count = findings->interfaces + policy->interface_count;
	const char **more;

	if (!policy->interface_count)
		return 0;
	more = realloc(findings->interface, count * sizeof(*more));
	if (!more)
		return -ENOMEM;
	findings->interface = more;
	for (size_t i = 0; i < policy->interface_count; i++)
		more[findings->interfaces++] = policy->rare->interfaces[i];
	return 0;
}

/* Each once, ascending. */
static void sort_interfaces(struct findings *findings)
{
	const char **interface = findings->interface;
	size_t kept = 0;

	if (!interface)
		return;
	qsort(interface, findings->interfaces, sizeof(*interface), region_compare_names);
	for (size_t i = 0; i < findings->interfaces; i++)
		if (!kept || strcmp(interface[kept - 1], interface[i]) != 0)
			interface[kept++] = interface[i];
	findings->interfaces = kept;
}

/* What does not count has no region, nor what cannot be known. */
static int make_regions(struct look *look)
{
	const struct findings_question *question = look->question;
	size_t sets = question->sets ? question->sets->count : 0;
	struct region_names names = {
		.interface = look->findings->interface,
		.interfaces = look->findings->interfaces,
		.sets = question->sets,
	};
	int error = 0;

	look->of_set = names.of_set = calloc(sets + 1, sizeof(*look->of_set));
	if (!names.of_set)
		return -ENOMEM;
	for (size_t i = 0; i < look->safes && error != -ENOMEM; i++)
		error = region_make(question->failsafe->policy[i], &names, &look->spans,
				    &look->work, &look->safe[i]);
	for (size_t i = 0; i < look->count && error != -ENOMEM; i++) {
		const struct policy *policy = question->policy[i];

		if (look_is_cancelled(look))
			return -ECANCELED;
		if (!policy->enabled ||
		    (policy->expires_at && policy->expires_at <= question->now_us))
			continue;
		error = region_make(policy, &names, &look->spans, &look->work, &look->region[i]);
		look->judged[i] = !error;
		look->findings->unknown += error && error != -ENOMEM;
	}
	return error == -ENOMEM ? error : 0;
}

/* A policy's place, and the tuple that it comes of. */
struct placed {
	struct policy_order order;
	size_t index;
};

static int compare(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	return policy_order_compare(&x->order, &y->order);
}

static int sort_family(struct look *look, enum pep_family family)
{
	struct look_order *order = &look->order[family];
	CLEANUP(cleanup_free) struct placed *placed = calloc(look->count + 1, sizeof(*placed));

	order->index = calloc(look->count + 1, sizeof(*order->index));
	order->place = calloc(look->count + 1, sizeof(*order->place));
	if (!placed || !order->index || !order->place)
		return -ENOMEM;
	for (size_t i = 0; i < look->count; i++) {
		if (look_is_cancelled(look))
			return -ECANCELED;
		placed[i] = (struct placed){ policy_order(look->question->policy[i], family), i };
	}
	qsort(placed, look->count, sizeof(*placed), compare);
	for (size_t i = 0; i < look->count; i++) {
		order->index[i] = placed[i].index;
		order->place[placed[i].index] = i;
	}
	return 0;
}
