// SPDX-License-Identifier: Apache-2.0
#include "dry_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath_interfaces.h"
#include "datapath_pending.h"
#include "problem.h"

#define SHOWN 10 /* mismatches */

int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void show(const struct dry_bed *bed, const struct sample *s,
		 const struct oracle_answer *want, const struct pep_trace *trace, int program)
{
	if (bed->failed > SHOWN)
		return;
	fprintf(stderr,
		"program %d family %d direction %d %s vlan %d/%d %08x:%x -> %08x:%x proto %d "
		"flags %02x dscp %d ttl %d length %u frag %d/%d\n",
		program, s->family, s->direction, s->interface, s->outer_vlan, s->inner_vlan,
		s->src[0], s->sport, s->dst[0], s->dport, s->protocol, s->tcp_flags, s->dscp,
		s->ttl, s->length, s->first_fragment, s->later_fragment);
	fprintf(stderr, "  oracle: outcome %d policy %s steps %u\n", want->outcome,
		want->policy ? want->policy : "-", want->steps);
	fprintf(stderr, "  kernel: outcome %u slot %u (%s) steps %u length %u\n", trace->outcome,
		trace->slot, trace->slot == PEP_SLOT_NONE ? "-" :
		datapath_slot_policy(bed->datapath, trace->slot) ?: "?", trace->steps,
		trace->length);
	if (bed->failed <= 2)
		fprintf(stderr, "%s\n", bed->state);
}

static bool agrees(const struct dry_bed *bed, const struct oracle_answer *want,
		   const struct pep_trace *trace, const struct sample *s)
{
	const char *policy = trace->slot == PEP_SLOT_NONE
				     ? NULL
				     : datapath_slot_policy(bed->datapath, trace->slot);
	bool named = want->outcome == PEP_OUTCOME_POLICY_ALLOW ||
		     want->outcome == PEP_OUTCOME_POLICY_BLOCK ||
		     want->outcome == PEP_OUTCOME_LIMIT_CONFORM ||
		     want->outcome == PEP_OUTCOME_FAILSAFE;

	if (trace->outcome != want->outcome || trace->length != s->length)
		return false;
	if (!named)
		return policy == NULL;
	return policy && !strcmp(policy, want->policy);
}

void dry_bed_run(struct dry_bed *bed, const struct datapath_packet *packet, struct pep_trace *ret)
{
	int error = datapath_dry_run(bed->datapath, packet, ret);

	if (!error)
		return;
	fprintf(stderr, "dry run of %zu bytes: %s\n", packet->bytes, strerror(-error));
	exit(1);
}

void dry_bed_ask(struct dry_bed *bed, const struct oracle *oracle, struct sample *s,
		 enum datapath_program program)
{
	bool l3 = s->outer_vlan == PEP_VLAN_NONE && s->ttl == 63;
	unsigned char frame[FRAME_BYTES_MAX];
	struct datapath_packet packet = {
		.frame = frame,
		.bytes = frame_build(s, l3, frame),
		.program = program,
		.ifindex = DRY_IFINDEX + (uint32_t)(s->interface[3] - '0'),
		.direction = s->direction,
		.l3 = l3,
		.vlan = PEP_VLAN_NONE,
		.time_ns = bed->time_ns,
	};
	struct oracle_answer want;
	struct pep_trace trace;

	oracle_ask(oracle, s, &want);
	dry_bed_run(bed, &packet, &trace);
	bed->outcomes[want.outcome]++;
	if (agrees(bed, &want, &trace, s)) {
		bed->passed++;
		return;
	}
	bed->failed++;
	show(bed, s, &want, &trace, (int)program);
}

void dry_bed_open(struct dry_bed *bed)
{
	struct datapath_options options = { .flow_cache_entries = 1024,
					    .layer_policies = 8,
					    .best_image = true };
	char *why = NULL;

	memset(bed, 0, sizeof(*bed));
	if (datapath_open(&options, &bed->datapath, &why)) {
		fprintf(stderr, "%s\n", why ? why : "no datapath");
		exit(1);
	}
	if (datapath_interface_add(bed->datapath, DRY_IFINDEX, "orc0", false) ||
	    datapath_interface_add(bed->datapath, DRY_IFINDEX + 1, "orc1", false)) {
		fprintf(stderr, "no interfaces\n");
		exit(1);
	}
}

void dry_bed_publish(struct dry_bed *bed, const struct policyset *set,
		     const struct policyset *failsafe, bool default_block)
{
	struct datapath_state state = { .set = set,
					.failsafe = failsafe,
					.max_rules = 4000000,
					.flags = default_block ? PEP_IMAGE_DEFAULT_BLOCK : 0 };
	struct datapath_change *change = NULL;
	struct problems problems = { 0 };
	int error = datapath_prepare(bed->datapath, &state, &change, &problems);

	if (!error)
		error = datapath_promote(bed->datapath, change);
	if (error) {
		fprintf(stderr, "cannot publish %s: %s\n", bed->state, strerror(-error));
		for (size_t i = 0; i < problems.count; i++)
			fprintf(stderr, "  %s\n", problems.list[i].detail);
		exit(1);
	}
	datapath_commit(bed->datapath, &change);
	problems_clear(&problems);
}

void dry_bed_withdraw(struct dry_bed *bed, struct datapath_change *change)
{
	int error = datapath_withdraw(bed->datapath, change);

	if (error) {
		fprintf(stderr, "cannot withdraw %s: %s\n", bed->state, strerror(-error));
		exit(1);
	}
	datapath_return(bed->datapath, change);
	datapath_dispose(&change);
}

/* Dry runs must not count anywhere. */
static bool still(const struct dry_bed *bed)
{
	struct pep_tally tally[PEP_OUTCOME_MAX];
	struct pep_totals totals, zero = { 0 };
	uint64_t packets = 0;

	datapath_totals(bed->datapath, &totals);
	for (int i = 0; i < 4; i++) {
		datapath_interface_tally(bed->datapath, i % 2 ? "orc0" : "orc1",
					 (enum pep_direction)(i / 2), tally);
		for (int o = 0; o < PEP_OUTCOME_MAX; o++)
			packets += tally[o].packets;
	}
	return packets == 0 && !memcmp(&totals, &zero, sizeof(totals));
}

void dry_bed_check_still(struct dry_bed *bed)
{
	bool ok = still(bed);

	bed->passed += ok;
	bed->failed += !ok;
	if (!ok)
		fprintf(stderr, "a dry run moved a counter\n");
}

int dry_bed_close(struct dry_bed *bed)
{
	for (int i = 0; i < PEP_OUTCOME_COUNT; i++) {
		if (bed->outcomes[i])
			printf("outcome %d: %lu\n", i, bed->outcomes[i]);
	}
	printf("%lu passed, %lu failed\n", bed->passed, bed->failed);
	datapath_free(&bed->datapath);
	return bed->failed != 0;
}
