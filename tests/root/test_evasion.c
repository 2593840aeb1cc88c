// SPDX-License-Identifier: Apache-2.0
/*
 * Ways around a policy that were found by reading: real runs of the programs,
 * which use the flow cache, fragments and buckets, on one CPU.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "datapath_maps.h"
#include "dry_bed.h"
#include "problem.h"
#include "random_policies.h"

#define LOOPBACK 1 /* the interface that BPF_PROG_TEST_RUN uses */
#define TC_SHOT 2

static void check(struct dry_bed *bed, bool ok, const char *what)
{
	bed->passed += ok;
	bed->failed += !ok;
	if (!ok)
		fprintf(stderr, "FAILED: %s: %s\n", what, bed->state);
}

static bool run(struct dry_bed *bed, const void *frame, size_t bytes, struct __sk_buff *skb)
{
	enum datapath_program program = skb ? PROGRAM_TC_INGRESS : PROGRAM_XDP_FRAGS;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (uint32_t)bytes,
		    .ctx_in = skb, .ctx_size_in = skb ? sizeof(*skb) : 0, .repeat = 1);
	int fd = datapath_program(bed->datapath, program, NULL);

	if (fd < 0 || bpf_prog_test_run_opts(fd, &options)) {
		fprintf(stderr, "cannot run: %s\n", strerror(errno));
		exit(1);
	}
	return options.retval == (skb ? TC_SHOT : XDP_DROP);
}

static bool dropped(struct dry_bed *bed, struct sample *sample)
{
	unsigned char frame[FRAME_BYTES_MAX];

	return run(bed, frame, frame_build(sample, false, frame), NULL);
}

static struct sample udp(uint16_t dport)
{
	struct sample s = { .interface = "lo", .outer_vlan = PEP_VLAN_NONE,
			    .inner_vlan = PEP_VLAN_NONE, .src = { 0x0a010203 },
			    .dst = { 0x0a010204 }, .protocol = 17, .sport = 1000, .dport = dport,
			    .ttl = 64, .payload = 92 };

	return s;
}

static void publish(struct dry_bed *bed, const char *json)
{
	struct policyset *set = parse_set(json, false), *none = policyset_new();

	bed->state = json;
	dry_bed_publish(bed, set, none, false);
	policyset_put(&set);
	policyset_put(&none);
}

static void pause_ms(long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&time, &time) && errno == EINTR)
		;
}

/* ---- answers that are kept */

/* What exceeds a limit is dropped by it, what conforms goes on: not to be cached. */
static void limit_that_continues(struct dry_bed *bed)
{
	struct sample s = udp(53);

	publish(bed, "[{\"id\":\"limit\",\"action\":\"RATE_LIMIT\",\"protocol\":\"udp\","
		     "\"rate_limit_packets_per_second\":50,\"burst_packets\":1,"
		     "\"conform\":\"continue\",\"priority\":1},"
		     "{\"id\":\"port\",\"action\":\"BLOCK\",\"protocol\":\"udp\","
		     "\"dst\":{\"port\":53}}]");
	for (int i = 0; i < 4; i++)
		check(bed, dropped(bed, &s), "blocked behind a limit that is exceeded");
	pause_ms(60);
	check(bed, dropped(bed, &s), "blocked behind a limit that conforms again");
}

/* What is asked behind a policy that only reports may look at more than the cache knows. */
static void field_behind_report(struct dry_bed *bed)
{
	struct sample ack = udp(53), syn = udp(53);

	publish(bed, "[{\"id\":\"log\",\"action\":\"LOG_ONLY\",\"priority\":1},"
		     "{\"id\":\"syn\",\"action\":\"BLOCK\",\"protocol\":\"tcp\","
		     "\"tcp_flags\":\"syn,!ack\"}]");
	ack.protocol = syn.protocol = 6;
	ack.tcp_flags = 0x10;
	syn.tcp_flags = 0x02;
	for (int i = 0; i < 3; i++)
		check(bed, !dropped(bed, &ack), "ACK passes behind LOG_ONLY");
	check(bed, dropped(bed, &syn), "SYN is blocked behind LOG_ONLY");
}

/* As above, for later fragments. */
static void fragment_behind_limit(struct dry_bed *bed)
{
	struct sample first = udp(53), later = udp(53);

	publish(bed, "[{\"id\":\"limit\",\"action\":\"RATE_LIMIT\",\"protocol\":\"udp\","
		     "\"rate_limit_packets_per_second\":50,\"burst_packets\":1,"
		     "\"conform\":\"continue\",\"priority\":1},"
		     "{\"id\":\"port2\",\"action\":\"BLOCK\",\"protocol\":\"udp\","
		     "\"dst\":{\"port\":53}}]");
	first.first_fragment = true;
	later.later_fragment = true;
	for (int i = 0; i < 4; i++)
		check(bed, dropped(bed, &first), "first fragment exceeds");
	pause_ms(60);
	check(bed, dropped(bed, &later), "later fragment conforms and is blocked");
}

static void expires_text(char *text, size_t size, int64_t after_ms)
{
	struct timespec now;
	struct tm utc;
	time_t seconds;
	size_t length;
	int64_t ms;

	clock_gettime(CLOCK_REALTIME, &now);
	ms = now.tv_sec * 1000LL + now.tv_nsec / 1000000 + after_ms;
	seconds = ms / 1000;
	gmtime_r(&seconds, &utc);
	length = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + length, size - length, ".%03dZ", (int)(ms % 1000));
}

/* What the first fragment met may have expired when the next one comes. */
static void fragment_of_expired(struct dry_bed *bed)
{
	struct sample first = udp(53), later = udp(53);
	char json[512], when[64];

	expires_text(when, sizeof(when), 200);
	snprintf(json, sizeof(json),
		 "[{\"id\":\"open\",\"action\":\"ALLOW\",\"protocol\":\"udp\",\"priority\":1,"
		 "\"expires_at\":\"%s\"},{\"id\":\"closed\",\"action\":\"BLOCK\","
		 "\"protocol\":\"udp\"}]", when);
	publish(bed, json);
	first.src[0]++;
	later.src[0]++;
	first.first_fragment = true;
	later.later_fragment = true;
	check(bed, !dropped(bed, &first), "first fragment passes");
	check(bed, !dropped(bed, &later), "later fragment passes");
	pause_ms(300);
	check(bed, dropped(bed, &later), "later fragment meets the next policy after the expiry");
}

static void far_expiry(struct dry_bed *bed)
{
	struct sample s = udp(53);

	publish(bed, "{\"id\":\"far\",\"action\":\"BLOCK\",\"protocol\":\"udp\","
		     "\"expires_at\":\"9999-12-31T23:59:59Z\"}");
	check(bed, dropped(bed, &s), "an expiry in the year 9999 is not past");
}

/* An index may come to stand for another name. */
static void interface_renamed(struct dry_bed *bed)
{
	struct sample s = udp(53);

	publish(bed, "{\"id\":\"one\",\"action\":\"BLOCK\",\"interface\":\"rev1\"}");
	datapath_interface_add(bed->datapath, LOOPBACK, "rev0", false);
	for (int i = 0; i < 3; i++)
		check(bed, !dropped(bed, &s), "another interface");
	datapath_interface_remove(bed->datapath, LOOPBACK);
	datapath_interface_add(bed->datapath, LOOPBACK, "rev1", false);
	check(bed, dropped(bed, &s), "the interface of the policy, with an index seen before");
	datapath_interface_add(bed->datapath, LOOPBACK, "lo", false);
	check(bed, !dropped(bed, &s), "renamed");
}

/* A new interface while a change waits must not make parts of the change current. */
static void interface_during_change(struct dry_bed *bed)
{
	struct policyset *set = parse_set("{\"id\":\"w\",\"action\":\"BLOCK\"}", false);
	struct policyset *none = policyset_new();
	struct datapath_state state = { .set = set, .failsafe = none, .max_rules = 100 };
	struct datapath_change *change = NULL;
	struct problems problems = { 0 };
	struct datapath_figures figures;
	struct sample s = udp(53);

	publish(bed, "{\"id\":\"w\",\"action\":\"ALLOW\"}");
	check(bed, !dropped(bed, &s), "before");
	if (datapath_prepare(bed->datapath, &state, &change, &problems))
		exit(1);
	datapath_interface_add(bed->datapath, 4000, "rev2", false);
	datapath_refresh(bed->datapath);
	check(bed, !dropped(bed, &s), "the state in force is the old one");
	datapath_commit(bed->datapath, &change);
	check(bed, dropped(bed, &s), "the new state is in force");
	datapath_figures(bed->datapath, &figures);
	check(bed, figures.generation == PEP_WORD_GENERATION(bed->datapath->control->word_now),
	      "the generation that is told is in force");
	datapath_interface_remove(bed->datapath, 4000);
	policyset_put(&set);
	policyset_put(&none);
}

/* ---- limits */

static void limit_is_raised(struct dry_bed *bed)
{
	struct sample s = udp(53);

	publish(bed, "{\"id\":\"r\",\"action\":\"RATE_LIMIT\",\"rate_limit_bytes_per_second\":10,"
		     "\"burst_bytes\":1000}");
	for (int i = 0; i < 20; i++)
		dropped(bed, &s);
	check(bed, dropped(bed, &s), "the slow limit is exceeded");
	publish(bed, "{\"id\":\"r\",\"action\":\"RATE_LIMIT\","
		     "\"rate_limit_bytes_per_second\":1000000}");
	pause_ms(20);
	check(bed, !dropped(bed, &s), "a raised limit does not collect the old one's debt");
	publish(bed, "{\"id\":\"r\",\"action\":\"RATE_LIMIT\",\"rate_limit_bytes_per_second\":10,"
		     "\"burst_bytes\":100}");
	dropped(bed, &s);
	check(bed, dropped(bed, &s), "a lowered limit has its own burst at most");
	publish(bed, "{\"id\":\"r\",\"action\":\"ALLOW\"}");
	check(bed, !dropped(bed, &s), "no limit");
	publish(bed, "{\"id\":\"r\",\"action\":\"RATE_LIMIT\",\"rate_limit_packets_per_second\":10,"
		     "\"rate_limit_bytes_per_second\":1000000}");
	check(bed, !dropped(bed, &s), "a limit that is set again");
}

/* ---- headers */

static size_t put_ethernet(unsigned char *frame, const uint16_t *types, size_t count)
{
	size_t at = 12;

	memset(frame, 0, 12);
	for (size_t i = 0; i < count; i++, at += 2) {
		uint16_t type = htons(types[i]);

		memcpy(frame + at, &type, 2);
	}
	return at;
}

/*
 * A tun device may say that segments hold a byte each; each is charged its
 * headers, here 2 kB, and what that costs must not wrap around.
 */
static void many_segments(struct dry_bed *bed)
{
	static const uint16_t type[] = { 0x86dd };
	struct __sk_buff skb = { .gso_size = 1, .gso_segs = 65535 };
	const double seconds = 65535.0 * (40 + 2048 + 20) / 10000000;
	unsigned char frame[3000] = { 0 };
	unsigned char *ip = frame + put_ethernet(frame, type, 1);
	const struct pep_slot *slot;
	struct timespec now;
	double debt;

	publish(bed, "{\"id\":\"g\",\"action\":\"RATE_LIMIT\","
		     "\"rate_limit_bytes_per_second\":10000000}");
	ip[0] = 0x60;
	ip[4] = (2048 + 120) >> 8;
	ip[5] = (2048 + 120) & 0xff;
	ip[6] = 60; /* destination options */
	ip[40] = 6;
	ip[41] = 255;
	ip[40 + 2048 + 12] = 5 << 4;
	run(bed, frame, 14 + 40 + 2048 + 120, &skb);
	clock_gettime(CLOCK_MONOTONIC, &now);
	slot = datapath_slot_at(bed->datapath, datapath_policy_slot(bed->datapath, "g"));
	debt = (double)slot->bytes_tat / 64e9 - (double)now.tv_sec;
	check(bed, debt > seconds - 1 && debt < seconds + 2, "each segment is charged its headers");
}

static bool tagged_dropped(struct dry_bed *bed, const uint16_t *types, size_t count,
			   struct __sk_buff *skb)
{
	unsigned char frame[FRAME_BYTES_MAX], whole[FRAME_BYTES_MAX];
	struct sample s = udp(53);
	size_t link = put_ethernet(frame, types, count), bytes = frame_build(&s, false, whole);

	memcpy(frame + link, whole + 14, bytes - 14);
	return run(bed, frame, link + bytes - 14, skb);
}

/* A tag with the id 0 has a priority and names no VLAN: the stack takes it off. */
static void priority_tags(struct dry_bed *bed)
{
	static const uint16_t priority[] = { 0x8100, 3 << 13, 0x0800 };
	static const uint16_t inner[] = { 0x8100, 3 << 13, 0x8100, 5, 0x0800 };
	static const uint16_t plain[] = { 0x0800 };
	static const uint16_t five[] = { 0x8100, 5, 0x0800 };
	struct __sk_buff skb = { 0 };

	publish(bed, "{\"id\":\"v\",\"action\":\"BLOCK\",\"vlan\":\"none\"}");
	for (int tc = 0; tc < 2; tc++) {
		struct __sk_buff *context = tc ? &skb : NULL;

		check(bed, tagged_dropped(bed, plain, 1, context), "no tag");
		check(bed, tagged_dropped(bed, priority, 3, context), "a priority tag is no VLAN");
		check(bed, !tagged_dropped(bed, inner, 5, context), "VLAN 5 behind a priority tag");
		check(bed, !tagged_dropped(bed, five, 3, context), "VLAN 5");
	}
	publish(bed, "{\"id\":\"v\",\"action\":\"BLOCK\",\"vlan\":5}");
	for (int tc = 0; tc < 2; tc++) {
		struct __sk_buff *context = tc ? &skb : NULL;

		check(bed, tagged_dropped(bed, inner, 5, context), "VLAN 5 behind a priority tag");
		check(bed, !tagged_dropped(bed, priority, 3, context), "priority tag alone");
	}
	publish(bed, "{\"id\":\"v\",\"action\":\"BLOCK\",\"vlan\":\"0-4\"}");
	check(bed, tagged_dropped(bed, priority, 3, NULL), "0 is what a priority tag has");
	check(bed, tagged_dropped(bed, plain, 1, NULL), "which is no VLAN");
	check(bed, !tagged_dropped(bed, five, 3, NULL), "VLAN 5");
}

/* IPv6, a first fragment header, an atomic one, UDP: 16 bytes of headers. */
static size_t nested_fragment(unsigned char *frame, uint16_t offset, bool more, uint8_t next)
{
	static const uint16_t type[] = { 0x86dd };
	unsigned char *ip = frame + put_ethernet(frame, type, 1), *at = ip + 40;
	size_t body = offset ? 16 : 8 + 8 + 16;
	uint16_t word = htons((uint16_t)(offset | more));

	memset(ip, 0, 40 + 8 + body);
	ip[0] = 0x60;
	ip[5] = (unsigned char)(8 + body);
	ip[6] = 44;
	ip[7] = 64;
	ip[8] = 0x20;
	ip[24] = 0x20;
	ip[39] = 1;
	at[0] = next;
	memcpy(at + 2, &word, 2);
	at[7] = 9; /* identification */
	at += 8;
	if (!offset) {
		at[0] = 17;
		at += 8;
	}
	at[0] = 4;
	at[3] = 53;
	at[5] = 24;
	return (size_t)(ip - frame) + 40 + 8 + body;
}

static void overlap_behind_atomic_header(struct dry_bed *bed)
{
	unsigned char frame[256];
	size_t bytes;

	publish(bed, "{\"id\":\"x\",\"action\":\"BLOCK\",\"protocol\":\"tcp\"}");
	bytes = nested_fragment(frame, 0, true, 44);
	check(bed, !run(bed, frame, bytes, NULL), "first fragment with an atomic header inside");
	bytes = nested_fragment(frame, 8, true, 44);
	check(bed, run(bed, frame, bytes, NULL), "a later one may not rewrite the ports");
	bytes = nested_fragment(frame, 32, false, 44);
	check(bed, !run(bed, frame, bytes, NULL), "a later one behind the headers");
}

int main(void)
{
	static void (*const tests[])(struct dry_bed *bed) = {
		limit_that_continues, field_behind_report, fragment_behind_limit, fragment_of_expired, far_expiry,
		interface_renamed, interface_during_change, limit_is_raised, priority_tags, overlap_behind_atomic_header,
		many_segments,
	};
	struct dry_bed bed;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus); /* one flow cache */
	dry_bed_open(&bed);
	if (datapath_interface_add(bed.datapath, LOOPBACK, "lo", false))
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		tests[i](&bed);
	return dry_bed_close(&bed);
}
