// SPDX-License-Identifier: Apache-2.0
#include "findings_bed.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "policyset.h"
#include "root/random_policies.h"

struct findings_bed bed;

void bed_clear(void)
{
	findings_clear(&bed.findings);
	policyset_put(&bed.set);
	policyset_put(&bed.failsafe);
	policyset_put(&bed.none);
	free(bed.text);
	free(bed.safe_text);
	bed = (struct findings_bed){ 0 };
}

static void look(void)
{
	const struct findings_question question = {
		.policy = bed.set->policy,
		.count = bed.set->count,
		.failsafe = bed.failsafe,
		.now_us = BED_NOW_US,
	};

	ck_assert_int_eq(findings_make(&question, &bed.findings), 0);
}

void bed_draw(void)
{
	bed.text = malloc(RANDOM_JSON_BYTES);
	bed.safe_text = malloc(RANDOM_JSON_BYTES);
	bed.set = random_set(1 + draw(BED_POLICIES_MOST), false, bed.text);
	bed.failsafe = random_set(draw(3), true, bed.safe_text);
	bed.none = policyset_new();
	ck_assert_ptr_nonnull(bed.none);
	look();
}

void bed_parse(const char *text)
{
	char quoted[2048];

	snprintf(quoted, sizeof(quoted), "%s", text);
	for (char *c = quoted; *c; c++)
		if (*c == '\'')
			*c = '"';
	bed.set = parse_set(quoted, false);
	bed.failsafe =
		parse_set("[{\"id\":\"ssh\",\"protocol\":\"tcp\",\"dst\":{\"port\":22}}]", true);
	bed.none = policyset_new();
	look();
}

/* ---- packets for the oracle */

static void address(span_number value, enum pep_family family, uint32_t ret[4])
{
	memset(ret, 0, 4 * sizeof(*ret));
	if (family == PEP_IPV4) {
		ret[0] = (uint32_t)value;
		return;
	}
	for (int i = 0; i < 4; i++)
		ret[i] = (uint32_t)(value >> (96 - 32 * i));
}

struct sample bed_sample(const struct region_point *point)
{
	const span_number *value = point->value;
	size_t interface = (size_t)value[REGION_INTERFACE];
	struct sample s = {
		.family = REGION_FAMILY(point->part),
		.direction = (enum pep_direction)value[REGION_DIRECTION],
		.interface = interface ? bed.findings.interface[interface - 1] : "another",
		.outer_vlan = (uint16_t)value[REGION_VLAN],
		.inner_vlan = PEP_VLAN_NONE,
		.protocol = (uint8_t)value[REGION_PROTOCOL],
		.sport = (uint16_t)value[REGION_FIRST],
		.dport = (uint16_t)value[REGION_SECOND],
		.tcp_flags = (uint8_t)value[REGION_FLAGS],
		.dscp = (uint8_t)value[REGION_DSCP],
		.ttl = (uint8_t)value[REGION_TTL],
		.first_fragment = REGION_FRAGMENT(point->part),
		.length = (uint32_t)value[REGION_LENGTH],
	};

	address(value[REGION_SRC], s.family, s.src);
	address(value[REGION_DST], s.family, s.dst);
	return s;
}

static struct oracle_answer ask_set(const struct policyset *set, const struct policyset *failsafe,
				    const struct sample *s)
{
	struct oracle *oracle = oracle_new(set, failsafe, false, BED_NOW_US);
	struct oracle_answer answer;

	ck_assert_ptr_nonnull(oracle);
	oracle_ask(oracle, s, &answer);
	oracle_free(oracle);
	return answer;
}

static bool ends_before(const struct policy *a, const struct policy *b)
{
	return a->expires_at && (!b->expires_at || a->expires_at < b->expires_at);
}

/*
 * Of the set with or without one of its policies, once those have ended that do
 * before the one at @lasting.
 */
struct oracle_answer bed_ask(size_t without, size_t lasting, const struct policyset *failsafe,
			     const struct sample *s)
{
	const char *id[BED_POLICIES_MOST + 1];
	struct policyset_edit edit = { .remove = id };
	struct policyset *rest = NULL;
	struct oracle_answer answer;

	for (size_t i = 0; i < bed.set->count; i++)
		if (i == without || (lasting != FINDING_NONE &&
				     ends_before(bed.set->policy[i], bed.set->policy[lasting])))
			id[edit.remove_count++] = bed.set->policy[i]->id;
	ck_assert_int_eq(policyset_edit(bed.set, &edit, &rest), 0);
	answer = ask_set(rest, failsafe, s);
	policyset_put(&rest);
	return answer;
}

static bool matches(const struct policy *policy, const struct sample *s)
{
	struct policyset *set = NULL;
	struct oracle_answer answer;

	ck_assert_int_eq(policyset_add(bed.none, (struct policy *const *)&policy, 1, &set), 0);
	answer = ask_set(set, bed.none, s);
	policyset_put(&set);
	return answer.steps;
}

/* Whether a packet gets to a policy. */
bool bed_meets(size_t index, const struct sample *s)
{
	const struct policy *policy = bed.set->policy[index];
	struct oracle_answer with = bed_ask(FINDING_NONE, index, bed.none, s);

	if (with.outcome == PEP_OUTCOME_CHAIN_BOUND)
		return true; /* behind so many that continue it cannot be told */
	if (policy->action != PEP_ACTION_LOG_ONLY && !policy->conform_continue)
		return with.policy && !strcmp(with.policy, policy->id);
	return with.steps != bed_ask(index, index, bed.none, s).steps;
}

static bool passes(const struct oracle_answer *answer)
{
	return answer->outcome != PEP_OUTCOME_POLICY_BLOCK &&
	       answer->outcome != PEP_OUTCOME_DEFAULT_BLOCK;
}

/* ---- what a finding claims */

static void check_decided(const struct finding *finding, size_t by, const struct sample *s)
{
	struct oracle_answer answer = bed_ask(FINDING_NONE, by, bed.none, s);

	if (answer.outcome == PEP_OUTCOME_CHAIN_BOUND)
		return;
	ck_assert_msg(matches(bed.set->policy[finding->policy], s), "%d: %s does not match",
		      finding->kind, bed.set->policy[finding->policy]->id);
	ck_assert_msg(answer.policy && !strcmp(answer.policy, bed.set->policy[by]->id),
		      "%d: %s decides, not %s\n%s", finding->kind, answer.policy,
		      bed.set->policy[by]->id, bed.text);
}

void bed_check_redundant(const struct finding *finding, const struct sample *s)
{
	struct oracle_answer with = bed_ask(FINDING_NONE, FINDING_NONE, bed.failsafe, s);
	struct oracle_answer without = bed_ask(finding->policy, FINDING_NONE, bed.failsafe, s);

	ck_assert_msg(with.outcome == PEP_OUTCOME_CHAIN_BOUND ||
			      without.outcome == PEP_OUTCOME_CHAIN_BOUND ||
			      passes(&with) == passes(&without),
		      "%s is not redundant: %s (%d) or %s (%d)\n%s",
		      bed.set->policy[finding->policy]->id, with.policy, with.outcome,
		      without.policy, without.outcome, bed.text);
}

static void check_overridden(const struct finding *finding, const struct sample *s)
{
	struct oracle *safe = oracle_new(bed.none, bed.failsafe, true, BED_NOW_US);
	struct oracle_answer answer;

	ck_assert(bed_meets(finding->policy, s));
	oracle_ask(safe, s, &answer);
	oracle_free(safe);
	ck_assert_int_eq(answer.outcome, PEP_OUTCOME_FAILSAFE);
	answer = bed_ask(FINDING_NONE, finding->policy, bed.failsafe, s);
	ck_assert(bed.set->policy[finding->policy]->action != PEP_ACTION_BLOCK ||
		  answer.outcome == PEP_OUTCOME_FAILSAFE ||
		  answer.outcome == PEP_OUTCOME_CHAIN_BOUND);
}

void bed_check(const struct finding *finding)
{
	struct sample s = bed_sample(&finding->packet);
	const struct policy *policy = bed.set->policy[finding->policy];

	switch (finding->kind) {
	case FINDING_SHADOWED:
	case FINDING_CONTRADICTORY:
	case FINDING_PARTLY_SHADOWED:
	case FINDING_LIMIT_PASSES:
		check_decided(finding, finding->other, &s);
		ck_assert(policy->action == PEP_ACTION_RATE_LIMIT ||
			  bed.set->policy[finding->other]->action != policy->action);
		break;
	case FINDING_ORDER:
		check_decided(finding, finding->policy, &s);
		ck_assert(matches(bed.set->policy[finding->other], &s));
		break;
	case FINDING_REDUNDANT:
		ck_assert(matches(policy, &s));
		bed_check_redundant(finding, &s);
		break;
	case FINDING_OVERRIDDEN:
		check_overridden(finding, &s);
		break;
	case FINDING_BURST:
		ck_assert(bed_meets(finding->policy, &s));
		break;
	default:
		break;
	}
}
