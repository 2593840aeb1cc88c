// SPDX-License-Identifier: Apache-2.0
/*
 * What can be said of one policy: that it is never reached, that it is
 * overridden, that its burst is too small, that it does nothing.
 */
#include <errno.h>
#include <string.h>

#include "findings_look.h"
#include "policy.h"
#include "policyset.h"

static int look_whether_reached(struct look *look, size_t index);
static int note_unreached(struct look *look, size_t index);
static int look_at_reached(struct look *look, size_t index);
static int look_for_failsafe(struct look *look, size_t index);
static int look_for_burst(struct look *look, size_t index);
static int look_for_interface(struct look *look, size_t index);
static int look_for_successor(struct look *look, size_t index);

int look_at_policy(struct look *look, size_t index)
{
	int error;

	if (!look->judged[index])
		return 0;
	look->gave_up = false;
	error = look_whether_reached(look, index);
	if (!error && look->findings->is_reached[index])
		error = look_at_reached(look, index);
	look->findings->unknown += look->gave_up || !look->work;
	return error;
}

static int look_at_reached(struct look *look, size_t index)
{
	int error = look_for_failsafe(look, index);

	if (!error)
		error = look_for_burst(look, index);
	if (!error)
		error = look_for_interface(look, index);
	return error ? error : look_for_successor(look, index);
}

bool look_is_final(const struct policy *policy)
{
	return policy->action != PEP_ACTION_LOG_ONLY && !policy->conform_continue;
}

bool look_differ(const struct policy *a, const struct policy *b)
{
	return a->action != b->action || a->action == PEP_ACTION_RATE_LIMIT;
}

/* One that ends sooner hides nothing for good. */
static bool hides(const struct look *look, size_t index, const struct policy *hidden)
{
	const struct policy *policy = look->question->policy[index];

	return look->judged[index] && look_is_final(policy) &&
	       (!policy->expires_at ||
		(hidden->expires_at && hidden->expires_at <= policy->expires_at));
}

/* As region_search(), and notes when it is not known. */
static int search_it(struct look *look, const struct region_search *search,
		     struct region_point *ret)
{
	int result = look_is_cancelled(look) ? -E2BIG : region_search(search, ret);

	look->gave_up |= result < 0;
	return result;
}

int look_reach(struct look *look, size_t index, enum pep_family family,
	       const struct region *const also[2], struct region_point *ret)
{
	const struct policy *policy = look->question->policy[index];
	const struct look_order *order = &look->order[family];
	struct region_search search = {
		.in = { &look->region[index] },
		.ins = 1,
		.out = look->out,
		.family = family,
		.arena = &look->arena,
		.work = &look->work,
	};

	for (int i = 0; i < 2; i++)
		if (also && also[i])
			search.in[search.ins++] = also[i];
	if (policy->action == PEP_ACTION_RATE_LIMIT)
		search.length = FINDING_PACKET_BYTES;
	for (size_t i = 0; i < order->place[index]; i++)
		if (hides(look, order->index[i], policy))
			look->out[search.outs++] = &look->region[order->index[i]];
	return search_it(look, &search, ret);
}

static bool matches_any(const struct region *region, enum pep_family family)
{
	for (int part = 0; part < REGION_PARTS; part++)
		if (REGION_FAMILY(part) == family && region->any[part])
			return true;
	return false;
}

static int look_whether_reached(struct look *look, size_t index)
{
	struct findings *findings = look->findings;
	const struct region *region = &look->region[index];
	int result = 0;

	if (!matches_any(region, PEP_IPV4) && !matches_any(region, PEP_IPV6))
		return look_note(look, &(struct finding){ .kind = FINDING_IMPOSSIBLE,
							  .policy = index,
							  .other = FINDING_NONE });
	for (int family = 0; family < PEP_FAMILIES && result != 1; family++)
		result = look_reach(look, index, family, NULL, &findings->reached[index]);
	findings->is_reached[index] = result == 1;
	if (result != 1)
		return look->gave_up ? 0 : note_unreached(look, index);
	look->gave_up = false; /* one packet is enough */
	return 0;
}

/* ---- never reached */

/* The first that decides a packet; there is one, of a policy that is not reached. */
static size_t decider(const struct look *look, size_t hidden, const struct region_point *point)
{
	const struct look_order *order = &look->order[REGION_FAMILY(point->part)];

	for (size_t i = 0; i < look->count; i++) {
		size_t index = order->index[i];

		if (hides(look, index, look->question->policy[hidden]) &&
		    region_has(&look->region[index], point))
			return index;
	}
	return FINDING_NONE;
}

/* A packet of it that another decides in another way. */
static bool find_other_way(struct look *look, size_t index, struct finding *ret)
{
	const struct policy *policy = look->question->policy[index];

	for (int family = 0; family < PEP_FAMILIES; family++) {
		const struct look_order *order = &look->order[family];

		for (size_t i = 0; i < order->place[index]; i++) {
			const struct region *const also[2] = { &look->region[index] };

			ret->other = order->index[i];
			if (!hides(look, ret->other, policy) ||
			    !look_differ(look->question->policy[ret->other], policy))
				continue;
			if (look_reach(look, ret->other, family, also, &ret->packet) == 1)
				return true;
		}
	}
	return false;
}

static bool same_packets(struct look *look, const struct region *a, const struct region *b)
{
	for (int family = 0; family < PEP_FAMILIES; family++)
		if (!region_contains(a, b, family, &look->work) ||
		    !region_contains(b, a, family, &look->work))
			return false;
	return true;
}

static int note_unreached(struct look *look, size_t index)
{
	struct region_search any = {
		.in = { &look->region[index] },
		.ins = 1,
		.arena = &look->arena,
		.work = &look->work,
	};
	struct finding finding = { .kind = FINDING_SHADOWED, .policy = index };

	if (find_other_way(look, index, &finding)) {
		if (look->question->policy[index]->action != PEP_ACTION_LOG_ONLY &&
		    same_packets(look, &look->region[index], &look->region[finding.other]))
			finding.kind = FINDING_CONTRADICTORY;
		look->gave_up = false;
		return look_note(look, &finding);
	}
	finding.kind = FINDING_REDUNDANT;
	if (!search_it(look, &any, &finding.packet)) { /* IPv4 is the first of the families */
		any.family = PEP_IPV6;
		search_it(look, &any, &finding.packet);
	}
	if (look->gave_up)
		return 0;
	finding.other = decider(look, index, &finding.packet);
	return look_note(look, &finding);
}

/* ---- reached, and yet */

static int look_for_failsafe(struct look *look, size_t index)
{
	const struct policy *policy = look->question->policy[index];
	struct finding finding = { .kind = FINDING_OVERRIDDEN, .policy = index };

	if (policy->action != PEP_ACTION_BLOCK && policy->action != PEP_ACTION_RATE_LIMIT)
		return 0;
	for (size_t i = 0; i < look->safes; i++) {
		const struct region *const also[2] = { &look->safe[i] };

		for (int family = 0; family < PEP_FAMILIES; family++) {
			int result =
				policy_is_broad(policy, family)
					? look_reach(look, index, family, also, &finding.packet)
					: 0;

			finding.other = i;
			if (result == 1)
				return look_note(look, &finding);
			if (result == -ENOMEM)
				return result;
		}
	}
	return 0;
}

static int look_for_burst(struct look *look, size_t index)
{
	const struct policy *policy = look->question->policy[index];
	const struct rate *bytes = &policy->rare->bytes;
	uint64_t burst = bytes->burst ? bytes->burst : bytes->per_second;
	const struct finding finding = { .kind = FINDING_BURST,
					 .policy = index,
					 .other = FINDING_NONE,
					 .packet = look->findings->reached[index] };

	if (policy->action != PEP_ACTION_RATE_LIMIT || !bytes->per_second ||
	    burst >= (uint64_t)finding.packet.value[REGION_LENGTH])
		return 0;
	return look_note(look, &finding);
}

static int look_for_interface(struct look *look, size_t index)
{
	const struct findings_question *question = look->question;
	const struct policy *policy = question->policy[index];
	const struct finding finding = { .kind = FINDING_INTERFACE,
					 .policy = index,
					 .other = FINDING_NONE,
					 .packet = look->findings->reached[index] };

	if (!question->attached || !policy->interface_count)
		return 0;
	for (size_t i = 0; i < policy->interface_count; i++)
		for (size_t j = 0; j < question->attached_count; j++)
			if (!strcmp(policy->rare->interfaces[i], question->attached[j]))
				return 0;
	return look_note(look, &finding);
}

/* ---- what would be without it */

/* Whether all of a family's packets of it would meet one that does the same, and which. */
static bool meet(struct look *look, size_t a, size_t b, enum pep_family family)
{
	const struct region_search search = {
		.in = { &look->region[a], &look->region[b] },
		.ins = 2,
		.family = family,
		.arena = &look->arena,
		.work = &look->work,
	};
	struct region_point ignored;

	return search_it(look, &search, &ignored) != 0;
}

static bool is_alike(const struct policy *a, const struct policy *b)
{
	return a->action == b->action && !b->expires_at && a->log == b->log;
}

/* Whether all of a family's packets of it would meet one that does the same, and which. */
static bool succeeded(struct look *look, size_t index, enum pep_family family, size_t *ret)
{
	const struct policy *policy = look->question->policy[index];
	const struct look_order *order = &look->order[family];

	for (size_t i = order->place[index] + 1; i < look->count; i++) {
		const struct policy *next = look->question->policy[order->index[i]];

		*ret = order->index[i];
		if (!look->judged[*ret] && next->enabled)
			return false;
		if (!look->judged[*ret])
			continue;
		if (is_alike(policy, next) &&
		    region_contains(&look->region[*ret], &look->region[index], family, &look->work))
			return policy->action == PEP_ACTION_ALLOW ||
			       policy_is_broad(next, family) == policy_is_broad(policy, family);
		if (!is_alike(policy, next) && meet(look, *ret, index, family))
			return false;
	}
	return false;
}

static int look_for_successor(struct look *look, size_t index)
{
	const struct policy *policy = look->question->policy[index];
	struct finding finding = { .kind = FINDING_REDUNDANT,
				   .policy = index,
				   .packet = look->findings->reached[index] };
	size_t next = FINDING_NONE;

	if (policy->action != PEP_ACTION_ALLOW && policy->action != PEP_ACTION_BLOCK)
		return 0;
	for (int family = 0; family < PEP_FAMILIES; family++) {
		if (!matches_any(&look->region[index], family))
			continue;
		if (!succeeded(look, index, family, &next))
			return 0;
		if (family == (int)REGION_FAMILY(finding.packet.part))
			finding.other = next;
	}
	return look_note(look, &finding);
}
