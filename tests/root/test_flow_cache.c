// SPDX-License-Identifier: Apache-2.0
/*
 * The flow cache cannot be fooled: packets of one five-tuple that differ in a
 * field that some policy asks for, in both orders, each often enough to have
 * been cached; changes of state and expiry; and that it is used at all.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "datapath_interfaces.h"
#include "dry_bed.h"
#include "random_policies.h"

#define LOOPBACK 1 /* the interface that BPF_PROG_TEST_RUN uses for XDP */
#define TIMES 5 /* it is kept from the second on */

static void check(struct dry_bed *bed, bool ok, const char *what)
{
	bed->passed += ok;
	bed->failed += !ok;
	if (!ok)
		fprintf(stderr, "FAILED: %s: %s\n", bed->state, what);
}

/* A real run, which uses the cache and counts: whether the packet is dropped. */
static bool dropped(struct dry_bed *bed, const struct sample *sample, bool tc)
{
	enum datapath_program program = tc ? PROGRAM_TC_INGRESS : PROGRAM_XDP_FRAGS;
	unsigned char frame[FRAME_BYTES_MAX];
	struct sample copy = *sample;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .repeat = 1);
	char *why = NULL;
	int fd = datapath_program(bed->datapath, program, &why);

	options.data_size_in = (uint32_t)frame_build(&copy, false, frame);
	if (fd < 0 || bpf_prog_test_run_opts(fd, &options)) {
		fprintf(stderr, "cannot run: %s\n", why ? why : strerror(errno));
		exit(1);
	}
	return tc ? options.retval == 2 : options.retval == XDP_DROP;
}

static struct sample plain(void)
{
	struct sample s = { .interface = "lo",
			    .outer_vlan = PEP_VLAN_NONE,
			    .inner_vlan = PEP_VLAN_NONE,
			    .src = { 0x0a010203 },
			    .dst = { 0x0a010204 },
			    .protocol = 6,
			    .sport = 1000,
			    .dport = 80,
			    .ttl = 64,
			    .tcp_flags = 0x10,
			    .payload = 10 };

	return s;
}

static uint64_t hits(struct dry_bed *bed)
{
	struct pep_totals totals;

	datapath_totals(bed->datapath, &totals);
	return totals.cache_hits;
}

static void publish(struct dry_bed *bed, const char *json)
{
	struct policyset *set = parse_set(json, false), *none = policyset_new();

	bed->state = json;
	dry_bed_publish(bed, set, none, false);
	policyset_put(&set);
	policyset_put(&none);
}

/* ---- a field that differs, and a policy that asks for it */

static void other_flags(struct sample *s)
{
	s->tcp_flags = 0x02;
}
static void other_dscp(struct sample *s)
{
	s->dscp = 46;
}
static void other_ttl(struct sample *s)
{
	s->ttl = 3;
}
static void other_length(struct sample *s)
{
	s->payload = 400;
}
static void other_vlan(struct sample *s)
{
	s->outer_vlan = 100;
}
static void other_inner_vlan(struct sample *s)
{
	s->outer_vlan = 7;
	s->inner_vlan = 9;
}
static void other_protocol(struct sample *s)
{
	s->protocol = 17;
}
static void other_fragment(struct sample *s)
{
	s->first_fragment = true;
}
static void other_type(struct sample *s)
{
	s->protocol = 1;
	s->sport = 8;
	s->dport = 0;
}
static void other_code(struct sample *s)
{
	s->protocol = 1;
	s->sport = 3;
	s->dport = 4;
}

static const struct {
	const char *json; /* drops the other one, not the plain one */
	void (*change)(struct sample *sample);
} fields[] = {
	{ "{\"id\":\"a\",\"action\":\"BLOCK\",\"protocol\":\"tcp\",\"tcp_flags\":\"syn,!ack\"}",
	  other_flags },
	{ "{\"id\":\"a\",\"action\":\"BLOCK\",\"dscp\":46}", other_dscp },
	{ "{\"id\":\"a\",\"action\":\"BLOCK\",\"ttl\":\"0-9\"}", other_ttl },
	{ "{\"id\":\"a\",\"action\":\"BLOCK\",\"length\":\"200-65535\"}", other_length },
	{ "{\"id\":\"a\",\"action\":\"BLOCK\",\"vlan\":100}", other_vlan },
	{ "{\"id\":\"a\",\"action\":\"BLOCK\",\"vlan\":7}", other_inner_vlan },
	{ "{\"id\":\"a\",\"action\":\"BLOCK\",\"protocol\":\"udp\"}", other_protocol },
	{ "{\"id\":\"a\",\"action\":\"BLOCK\",\"fragment\":true}", other_fragment },
	{ "{\"id\":\"a\",\"action\":\"BLOCK\",\"protocol\":\"icmp\",\"icmp_type\":8}", other_type },
	{ "{\"id\":\"a\",\"action\":\"BLOCK\",\"protocol\":\"icmp\",\"icmp_type\":3,\"icmp_code\":4}",
	  other_code },
	/* the one that wins asks for nothing more, the one before it does */
	{ "[{\"id\":\"a\",\"action\":\"BLOCK\",\"priority\":1,\"dscp\":46},"
	  "{\"id\":\"b\",\"action\":\"ALLOW\",\"src\":{\"ip\":\"10.0.0.0/8\"}}]",
	  other_dscp },
	/* the other way round: the one that asks allows */
	{ "[{\"id\":\"a\",\"action\":\"ALLOW\",\"priority\":1,\"ttl\":64},"
	  "{\"id\":\"b\",\"action\":\"BLOCK\",\"src\":{\"ip\":\"10.0.0.0/8\"}}]",
	  other_ttl },
};

static void run_field(struct dry_bed *bed, size_t index, bool other_first, bool tc)
{
	struct sample one = plain(), other = plain();

	fields[index].change(&other);
	publish(bed, fields[index].json);
	for (int i = 0; i < 2 * TIMES; i++) {
		bool now_other = other_first ? i < TIMES : i >= TIMES;

		check(bed, dropped(bed, now_other ? &other : &one, tc) == now_other,
		      other_first ? "other first" : "other last");
	}
	for (int i = 0; i < 2 * TIMES; i++)
		check(bed, dropped(bed, i % 2 ? &other : &one, tc) == i % 2, "taking turns");
}

/* ---- what the cache is for, and what must empty it */

static void run_use(struct dry_bed *bed)
{
	struct sample s = plain();
	uint64_t before;

	publish(bed, "{\"id\":\"a\",\"action\":\"BLOCK\",\"src\":{\"ip\":\"10.1.2.3\"}}");
	dropped(bed, &s, false);
	dropped(bed, &s, false);
	before = hits(bed);
	for (int i = 0; i < TIMES; i++)
		check(bed, dropped(bed, &s, false), "hit drops");
	check(bed, hits(bed) == before + TIMES, "packets of a flow hit the cache");
}

static void run_change(struct dry_bed *bed)
{
	struct sample s = plain();

	publish(bed, "{\"id\":\"a\",\"action\":\"BLOCK\",\"src\":{\"ip\":\"10.1.2.3\"}}");
	for (int i = 0; i < TIMES; i++)
		check(bed, dropped(bed, &s, false), "before the change");
	publish(bed, "{\"id\":\"a\",\"action\":\"ALLOW\",\"src\":{\"ip\":\"10.1.2.3\"}}");
	for (int i = 0; i < TIMES; i++)
		check(bed, !dropped(bed, &s, false), "after the change");
}

static void run_expiry(struct dry_bed *bed)
{
	struct timespec now, step = { .tv_nsec = 5000000 };
	struct sample s = plain();
	char json[160], when[32];
	time_t end;
	struct tm utc;

	clock_gettime(CLOCK_REALTIME, &now);
	end = now.tv_sec + 2;
	gmtime_r(&end, &utc);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
	snprintf(json, sizeof(json), "{\"id\":\"a\",\"action\":\"BLOCK\",\"expires_at\":\"%s\"}",
		 when);
	publish(bed, json);
	while (now.tv_sec < end) {
		bool drop = dropped(bed, &s, false);

		clock_gettime(CLOCK_REALTIME, &now);
		if (now.tv_sec < end)
			check(bed, drop, "blocks until it expires");
		nanosleep(&step, NULL);
	}
	while (now.tv_sec == end && now.tv_nsec < 20000000) {
		clock_gettime(CLOCK_REALTIME, &now);
	}
	check(bed, !dropped(bed, &s, false), "ended 20 ms after its time");
}

/* A CPU has a cache of its own. */
static void stay(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)sched_getcpu(), &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus)) {
		perror("sched_setaffinity");
		exit(1);
	}
}

int main(void)
{
	struct dry_bed bed;

	stay();
	dry_bed_open(&bed);
	if (datapath_interface_add(bed.datapath, LOOPBACK, "lo", false))
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		for (int variant = 0; variant < 4; variant++)
			run_field(&bed, i, variant & 1, variant & 2);
	}
	run_use(&bed);
	run_change(&bed);
	run_expiry(&bed);
	return dry_bed_close(&bed);
}
