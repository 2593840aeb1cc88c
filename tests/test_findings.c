// SPDX-License-Identifier: Apache-2.0
/*
 * Every finding's packet is held against the oracle, on random sets too; there
 * each policy is either found to be out of reach or has a packet that gets to it.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "address_set.h"
#include "address_sets.h"
#include "cleanup.h"
#include "findings_bed.h"
#include "policy_text.h"
#include "policyset.h"
#include "root/random_policies.h"
#include "root/random_samples.h"

#define LOOPS 10
#define SETS 100 /* in each */
#define SETS_QUICK 20
#define SAMPLES 30 /* random ones for each set, that no finding may contradict */

static bool is_out_of_reach(size_t index)
{
	for (size_t i = 0; i < bed.findings.count; i++) {
		const struct finding *finding = &bed.findings.finding[i];

		if (finding->policy == index && !bed.findings.is_reached[index] &&
		    finding->kind <= FINDING_REDUNDANT)
			return true;
	}
	return false;
}

static bool counts(const struct policy *policy)
{
	return policy->enabled && !(policy->expires_at && policy->expires_at <= BED_NOW_US);
}

/* Either it is said to be out of reach, or a packet proves that it is not. */
static void check_reach(void)
{
	for (size_t i = 0; i < bed.set->count; i++) {
		struct sample s;

		if (!counts(bed.set->policy[i]))
			continue;
		ck_assert_msg(bed.findings.is_reached[i] != is_out_of_reach(i), "%s\n%s",
			      bed.set->policy[i]->id, bed.text);
		if (!bed.findings.is_reached[i])
			continue;
		s = bed_sample(&bed.findings.reached[i]);
		ck_assert_msg(bed_meets(i, &s), "%s is not reached\n%s", bed.set->policy[i]->id,
			      bed.text);
	}
}

/* What is said of all packets holds for random ones. */
static void check_samples(void)
{
	for (int n = 0; n < SAMPLES; n++) {
		struct sample s;

		draw_sample(&s);
		if (s.later_fragment)
			continue;
		s.length = 100;
		for (size_t i = 0; i < bed.findings.count; i++) {
			const struct finding *finding = &bed.findings.finding[i];
			size_t index = finding->policy;

			if (finding->kind == FINDING_REDUNDANT)
				bed_check_redundant(finding, &s);
			if (finding->kind <= FINDING_CONTRADICTORY)
				ck_assert_msg(bed_ask(FINDING_NONE, index, bed.none, &s).outcome ==
							      PEP_OUTCOME_CHAIN_BOUND ||
						      !bed_meets(index, &s),
					      "%s is reached\n%s", bed.set->policy[index]->id,
					      bed.text);
		}
	}
}

#define FIRST 0
#define SECOND 1
#define SAFE 0

/* Two policies, and what is found of which of them. */
static const struct {
	const char *first, *second;
	enum finding_kind kind; /* FINDINGS: nothing */
	size_t policy, other;
} pairs[] = {
	{ "'action':'BLOCK','src':{'ip':'10.0.0.0/8'},'priority':1",
	  "'action':'ALLOW','src':{'ip':'10.1.0.0/16'}", FINDING_SHADOWED, SECOND, FIRST },
	{ "'action':'BLOCK','src':{'ip':'10.0.0.0/8'}",
	  "'action':'ALLOW','src':{'ip':'10.0.0.0/8'}", FINDING_CONTRADICTORY, SECOND, FIRST },
	{ "'action':'BLOCK','src':{'ip':'10.1.0.0/16'}",
	  "'action':'BLOCK','src':{'ip':'10.0.0.0/8'}", FINDING_REDUNDANT, FIRST, SECOND },
	{ "'action':'BLOCK','src':{'ip':'10.0.0.0/8'},'priority':1",
	  "'action':'BLOCK','src':{'ip':'10.1.0.0/16'}", FINDING_REDUNDANT, SECOND, FIRST },
	{ "'action':'BLOCK','src':{'ip':'10.0.0.0/8'},'priority':1",
	  "'action':'LOG_ONLY','src':{'ip':'10.1.0.0/16'}", FINDING_SHADOWED, SECOND, FIRST },
	/* what is logged or watched is not the same, nor is what a failsafe policy may override */
	{ "'action':'BLOCK','src':{'ip':'10.1.0.0/16'},'log':true",
	  "'action':'BLOCK','src':{'ip':'10.0.0.0/8'}", FINDINGS, 0, 0 },
	{ "'action':'BLOCK','protocol':'udp','src':{'ip':'10.1.0.0/16'}",
	  "'action':'BLOCK','protocol':'udp'", FINDINGS, 0, 0 },
	/* neither holds the other */
	{ "'action':'ALLOW','src':{'ip':'10.0.0.0/8'},'priority':1",
	  "'action':'BLOCK','dst':{'ip':'10.0.0.0/8'},'protocol':'udp'", FINDING_PARTLY_SHADOWED,
	  SECOND, FIRST },
	/* an exception in front */
	{ "'action':'ALLOW','src':{'ip':'10.1.0.0/16'}",
	  "'action':'BLOCK','src':{'ip':'10.0.0.0/8'}", FINDINGS, 0, 0 },
	{ "'action':'BLOCK','src':{'ip':'10.0.0.0/8'}",
	  "'action':'ALLOW','src':{'ip':'10.1.0.0/16'}", FINDING_ORDER, SECOND, FIRST },
	{ "'action':'RATE_LIMIT','rate_limit_bytes_per_second':10000,'src':{'ip':'10.1.0.0/16'}",
	  "'action':'BLOCK','src':{'ip':'10.0.0.0/8'}", FINDING_LIMIT_PASSES, SECOND, FIRST },
	{ "'action':'RATE_LIMIT','rate_limit_bytes_per_second':10000,'conform':'continue',"
	  "'src':{'ip':'10.1.0.0/16'}",
	  "'action':'BLOCK','src':{'ip':'10.0.0.0/8'}", FINDINGS, 0, 0 },
	{ "'action':'RATE_LIMIT','rate_limit_bytes_per_second':10000,'burst_bytes':1499,"
	  "'protocol':'udp'",
	  "'action':'ALLOW','enabled':false", FINDING_BURST, FIRST, FINDING_NONE },
	{ "'action':'RATE_LIMIT','rate_limit_bytes_per_second':10000,'burst_bytes':1500,"
	  "'protocol':'udp'",
	  "'action':'ALLOW','enabled':false", FINDINGS, 0, 0 },
	{ "'action':'RATE_LIMIT','rate_limit_bytes_per_second':100,'length':'0-100',"
	  "'protocol':'udp'",
	  "'action':'ALLOW','enabled':false", FINDINGS, 0, 0 },
	{ "'action':'BLOCK','protocol':'tcp'", "'action':'ALLOW','enabled':false",
	  FINDING_OVERRIDDEN, FIRST, SAFE },
	{ "'action':'BLOCK','length':'0-19','protocol':'udp'", "'action':'ALLOW','enabled':false",
	  FINDING_IMPOSSIBLE, FIRST, FINDING_NONE },
	/* one that ends sooner hides nothing */
	{ "'action':'BLOCK','protocol':'udp','priority':1,'expires_at':'2090-01-01T00:00:00Z'",
	  "'action':'LOG_ONLY','protocol':'udp'", FINDINGS, 0, 0 },
	{ "'action':'BLOCK','protocol':'udp','priority':1,'expires_at':'2090-01-01T00:00:00Z'",
	  "'action':'LOG_ONLY','protocol':'udp','expires_at':'2080-01-01T00:00:00Z'",
	  FINDING_SHADOWED, SECOND, FIRST },
	/* one does not count */
	{ "'action':'BLOCK','protocol':'udp','priority':1,'enabled':false",
	  "'action':'ALLOW','protocol':'udp'", FINDINGS, 0, 0 },
	{ "'action':'BLOCK','protocol':'udp','priority':1,'expires_at':'2020-01-01T00:00:00Z'",
	  "'action':'ALLOW','protocol':'udp'", FINDINGS, 0, 0 },
};

START_TEST(a_pair)
{
	const struct finding *finding;
	char text[1024];

	snprintf(text, sizeof(text), "[{'id':'a',%s},{'id':'b',%s}]", pairs[_i].first,
		 pairs[_i].second);
	bed_parse(text);
	ck_assert_uint_eq(bed.findings.unknown, 0);
	ck_assert_msg(bed.findings.count == (pairs[_i].kind != FINDINGS), "%zu of kind %d: %s",
		      bed.findings.count,
		      bed.findings.count ? (int)bed.findings.finding[0].kind : -1, text);
	if (pairs[_i].kind == FINDINGS)
		return;
	finding = &bed.findings.finding[0];
	ck_assert_int_eq(finding->kind, pairs[_i].kind);
	ck_assert_uint_eq(finding->policy, pairs[_i].policy);
	ck_assert_uint_eq(finding->other, pairs[_i].other);
	bed_check(finding);
}
END_TEST

/* Hidden by three, none of which hides it alone. */
START_TEST(by_several)
{
	bed_parse("[{'id':'a','action':'BLOCK','protocol':'udp','dst':{'port':'0-99'}},"
		  "{'id':'b','action':'ALLOW','protocol':'udp','dst':{'port':'100-65535'},"
		  "'src':{'ip':'0.0.0.0/1'},'priority':1},"
		  "{'id':'c','action':'ALLOW','protocol':'udp','dst':{'port':'90-65535'},"
		  "'src':{'ip':'128.0.0.0/1'},'priority':1},"
		  "{'id':'d','action':'LOG_ONLY','protocol':'udp','src':{'ip':'0.0.0.0/0'},"
		  "'dst':{'ip':'192.0.2.0/24'},'priority':2000}]");
	ck_assert(!bed.findings.is_reached[3]);
	ck_assert(is_out_of_reach(3));
	bed_clear();
	bed_parse("[{'id':'a','action':'BLOCK','protocol':'udp','dst':{'port':'0-99'}},"
		  "{'id':'b','action':'ALLOW','protocol':'udp','dst':{'port':'101-65535'},"
		  "'priority':1},"
		  "{'id':'d','action':'LOG_ONLY','protocol':'udp','priority':2000}]");
	ck_assert(bed.findings.is_reached[2]);
	ck_assert_uint_eq((uint64_t)bed.findings.reached[2].value[REGION_SECOND], 100);
}
END_TEST

#define MANY 4096 /* addresses of a set */
#define POLICIES 1000

/* Puts a set in of every fourth address from the first on. */
static void add_set(struct address_sets **sets, const char *name, unsigned int first)
{
	CLEANUP(address_sets_put) struct address_sets *before = *sets;
	CLEANUP(address_set_put) struct address_set *set = NULL;
	struct address_draft draft = { 0 };

	for (unsigned int i = 0; i < MANY; i++) {
		struct address_range range = { .family = PEP_IPV4, .prefix_bits = 32 };

		range.low.word[0] = range.high.word[0] = 0x0a000000 + 4 * i + first;
		ck_assert_int_eq(address_draft_add(&draft, &range, 0), 0);
	}
	ck_assert_int_eq(address_set_make(name, &draft, &set), 0);
	ck_assert_int_eq(address_sets_with(before, set, sets), 0);
}

/* "@even" and "@odd". */
static struct address_sets *interleaved_sets(void)
{
	struct address_sets *sets = address_sets_new();

	ck_assert_ptr_nonnull(sets);
	add_set(&sets, "even", 0);
	add_set(&sets, "odd", 2);
	return sets;
}

static int look_with_sets(const char *text, const bool *cancelled)
{
	CLEANUP(address_sets_put) struct address_sets *sets = interleaved_sets();
	struct findings_question question = { .sets = sets, .cancelled = cancelled };

	bed.set = parse_set(text, false);
	question.policy = bed.set->policy;
	question.count = bed.set->count;
	return findings_make(&question, &bed.findings);
}

/* Policies of the two, of which four match what none does before. The caller frees it. */
static char *interleaved_policies(unsigned int count)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	for (unsigned int i = 0; i < count; i++)
		fprintf(out,
			"%s{\"id\":\"p%04u\",\"action\":\"%s\",\"priority\":%u,"
			"\"src\":{\"ip\":\"@%s\"},\"dst\":{\"ip\":\"@%s\"}}",
			i ? "," : "[", i, i % 3 ? "ALLOW" : "BLOCK", 1 + i, i % 2 ? "even" : "odd",
			i % 5 ? "even" : "odd");
	fputc(']', out);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

/* Few of them are judged, all of them. */
START_TEST(few_of_large_sets)
{
	CLEANUP(cleanup_free) char *text = interleaved_policies(40);

	ck_assert_int_eq(look_with_sets(text, NULL), 0);
	ck_assert_uint_eq(bed.findings.unknown, 0);
	for (size_t i = 0; i < bed.set->count; i++) {
		bool first = i < 3 || i == 5; /* of its two sets */

		ck_assert(bed.findings.is_reached[i] == first);
		ck_assert(is_out_of_reach(i) == !first);
	}
}
END_TEST

/* Of many it is said how many are not, and it neither takes long nor much. */
START_TEST(many_of_large_sets)
{
	CLEANUP(cleanup_free) char *text = interleaved_policies(POLICIES);
	clock_t begun = clock();

	ck_assert_int_eq(look_with_sets(text, NULL), 0);
	ck_assert_uint_gt(bed.findings.unknown, 0);
	ck_assert_uint_eq(bed.findings.work, FINDINGS_WORK);
	ck_assert_uint_le(bed.findings.spans, POLICIES * 100 + 2 * MANY);
	ck_assert_int_le((clock() - begun) / CLOCKS_PER_SEC, 15);
}
END_TEST

/* A stop of the daemon. */
START_TEST(cancelled)
{
	CLEANUP(cleanup_free) char *text = interleaved_policies(POLICIES);
	const bool yes = true;

	ck_assert_int_eq(look_with_sets(text, &yes), -ECANCELED);
	ck_assert_uint_lt(bed.findings.work, FINDINGS_WORK / 1000);
}
END_TEST

/* All that is done with two regions is counted, and ends with the work. */
START_TEST(work_is_counted)
{
	CLEANUP(address_sets_put) struct address_sets *sets = interleaved_sets();
	CLEANUP(span_arena_clear) struct span_arena spans = { 0 }, arena = { 0 };
	const struct region_names names = { .sets = sets };
	struct region region[2], all;
	size_t work = 1000000;
	const struct region *out[] = { &region[1] };
	struct region_search search = { .in = { &region[0] },
					.ins = 1,
					.out = out,
					.outs = 1,
					.arena = &arena,
					.work = &work };
	struct region_point packet;

	bed.set = parse_set("[{\"id\":\"a\",\"action\":\"BLOCK\",\"src\":{\"ip\":\"@even\"}},"
			    "{\"id\":\"b\",\"action\":\"BLOCK\",\"src\":{\"ip\":\"@odd\"}},"
			    "{\"id\":\"c\",\"action\":\"BLOCK\"}]",
			    false);
	ck_assert_int_eq(span_arena_make(REGION_SPANS, &spans), 0);
	ck_assert_int_eq(span_arena_make(REGION_SEARCH_SPANS, &arena), 0);
	for (size_t i = 0; i < 2; i++)
		ck_assert_int_eq(region_make(bed.set->policy[i], &names, &spans, &work, &region[i]),
				 0);
	ck_assert_int_eq(region_make(bed.set->policy[2], &names, &spans, &work, &all), 0);
	ck_assert_uint_le(work, 1000000 - 2 * MANY);

	work = 1000000;
	ck_assert(!region_meets(&region[0], &region[1], PEP_IPV4, &work));
	ck_assert_uint_le(work, 1000000 - MANY); /* in one part at least */
	work = 1000000;
	ck_assert(region_contains(&all, &region[0], PEP_IPV4, &work));
	ck_assert_uint_le(work, 1000000 - MANY);
	work = 1000000;
	ck_assert_int_eq(region_search(&search, &packet), 1);
	ck_assert_uint_le(work, 1000000 - MANY);
	search.in[1] = &region[1];
	search.ins = 2;
	work = 1000000;
	ck_assert_int_eq(region_search(&search, &packet), 0);
	ck_assert_uint_le(work, 1000000 - MANY);

	work = 10;
	ck_assert(!region_contains(&all, &region[0], PEP_IPV4, &work));
	ck_assert_uint_eq(work, 0);
	ck_assert(region_meets(&region[0], &region[1], PEP_IPV4, &work));
	ck_assert_int_eq(region_search(&search, &packet), -E2BIG);
}
END_TEST

START_TEST(random_sets)
{
	size_t found[FINDINGS] = { 0 };
	int sets = getenv("TEST_SLOW") ? SETS : SETS_QUICK;
	char seed[16];

	snprintf(seed, sizeof(seed), "%d", _i + 1);
	ck_assert_int_eq(setenv("PEPCTL_SEED", seed, 1), 0);
	for (int n = 0; n < sets; n++) {
		bed_draw();
		ck_assert_uint_eq(bed.findings.unknown, 0);
		for (size_t i = 0; i < bed.findings.count; i++) {
			found[bed.findings.finding[i].kind]++;
			bed_check(&bed.findings.finding[i]);
		}
		check_reach();
		check_samples();
		bed_clear();
	}
	for (int kind = FINDING_REDUNDANT; kind < FINDING_BURST; kind++)
		ck_assert_msg(found[kind] > 0, "kind %d never occurs", kind);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("findings");

	tcase_add_checked_fixture(tcase, NULL, bed_clear);
	tcase_set_timeout(tcase, 300);
	tcase_add_loop_test(tcase, a_pair, 0, ARRAY_SIZE(pairs));
	tcase_add_test(tcase, by_several);
	tcase_add_test(tcase, few_of_large_sets);
	tcase_add_test(tcase, many_of_large_sets);
	tcase_add_test(tcase, cancelled);
	tcase_add_test(tcase, work_is_counted);
	tcase_add_loop_test(tcase, random_sets, 0, LOOPS);
	return run_case("findings", tcase);
}
