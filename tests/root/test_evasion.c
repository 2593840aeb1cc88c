// SPDX-License-Identifier: Apache-2.0
/*
 * Answers that are kept for later packets must not let through what a policy
 * forbids, nor drop what it allows: flows, fragments, interfaces, buckets.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "datapath_interfaces.h"
#include "datapath_maps.h"
#include "problem.h"
#include "random_policies.h"
#include "real_bed.h"

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
	struct sample s = real_bed_udp(53);

	real_bed_publish(bed, "[{\"id\":\"limit\",\"action\":\"RATE_LIMIT\",\"protocol\":\"udp\","
			      "\"rate_limit_packets_per_second\":50,\"burst_packets\":1,"
			      "\"conform\":\"continue\",\"priority\":1},"
			      "{\"id\":\"port\",\"action\":\"BLOCK\",\"protocol\":\"udp\","
			      "\"dst\":{\"port\":53}}]");
	for (int i = 0; i < 4; i++)
		real_bed_check(bed, real_bed_drops(bed, &s),
			       "blocked behind a limit that is exceeded");
	pause_ms(60);
	real_bed_check(bed, real_bed_drops(bed, &s), "blocked behind a limit that conforms again");
}

/* What is asked behind a policy that only reports may look at more than the cache knows. */
static void field_behind_report(struct dry_bed *bed)
{
	struct sample ack = real_bed_udp(53), syn = real_bed_udp(53);

	real_bed_publish(bed, "[{\"id\":\"log\",\"action\":\"LOG_ONLY\",\"priority\":1},"
			      "{\"id\":\"syn\",\"action\":\"BLOCK\",\"protocol\":\"tcp\","
			      "\"tcp_flags\":\"syn,!ack\"}]");
	ack.protocol = syn.protocol = 6;
	ack.tcp_flags = 0x10;
	syn.tcp_flags = 0x02;
	for (int i = 0; i < 3; i++)
		real_bed_check(bed, !real_bed_drops(bed, &ack), "ACK passes behind LOG_ONLY");
	real_bed_check(bed, real_bed_drops(bed, &syn), "SYN is blocked behind LOG_ONLY");
}

/* As above, for later fragments. */
static void fragment_behind_limit(struct dry_bed *bed)
{
	struct sample first = real_bed_udp(53), later = real_bed_udp(53);

	real_bed_publish(bed, "[{\"id\":\"limit\",\"action\":\"RATE_LIMIT\",\"protocol\":\"udp\","
			      "\"rate_limit_packets_per_second\":50,\"burst_packets\":1,"
			      "\"conform\":\"continue\",\"priority\":1},"
			      "{\"id\":\"port2\",\"action\":\"BLOCK\",\"protocol\":\"udp\","
			      "\"dst\":{\"port\":53}}]");
	first.first_fragment = true;
	later.later_fragment = true;
	for (int i = 0; i < 4; i++)
		real_bed_check(bed, real_bed_drops(bed, &first), "first fragment exceeds");
	pause_ms(60);
	real_bed_check(bed, real_bed_drops(bed, &later), "later fragment conforms and is blocked");
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
	struct sample first = real_bed_udp(53), later = real_bed_udp(53);
	char json[512], when[64];

	expires_text(when, sizeof(when), 200);
	snprintf(json, sizeof(json),
		 "[{\"id\":\"open\",\"action\":\"ALLOW\",\"protocol\":\"udp\",\"priority\":1,"
		 "\"expires_at\":\"%s\"},{\"id\":\"closed\",\"action\":\"BLOCK\","
		 "\"protocol\":\"udp\"}]",
		 when);
	real_bed_publish(bed, json);
	first.src[0]++;
	later.src[0]++;
	first.first_fragment = true;
	later.later_fragment = true;
	real_bed_check(bed, !real_bed_drops(bed, &first), "first fragment passes");
	real_bed_check(bed, !real_bed_drops(bed, &later), "later fragment passes");
	pause_ms(300);
	real_bed_check(bed, real_bed_drops(bed, &later),
		       "later fragment meets the next policy after the expiry");
}

static void far_expiry(struct dry_bed *bed)
{
	struct sample s = real_bed_udp(53);

	real_bed_publish(bed, "{\"id\":\"far\",\"action\":\"BLOCK\",\"protocol\":\"udp\","
			      "\"expires_at\":\"9999-12-31T23:59:59Z\"}");
	real_bed_check(bed, real_bed_drops(bed, &s), "an expiry in the year 9999 is not past");
}

/* An index may come to stand for another name. */
static void interface_renamed(struct dry_bed *bed)
{
	struct sample s = real_bed_udp(53);

	real_bed_publish(bed, "{\"id\":\"one\",\"action\":\"BLOCK\",\"interface\":\"rev1\"}");
	datapath_interface_add(bed->datapath, LOOPBACK, "rev0", false);
	for (int i = 0; i < 3; i++)
		real_bed_check(bed, !real_bed_drops(bed, &s), "another interface");
	datapath_interface_remove(bed->datapath, LOOPBACK);
	datapath_interface_add(bed->datapath, LOOPBACK, "rev1", false);
	real_bed_check(bed, real_bed_drops(bed, &s),
		       "the interface of the policy, with an index seen before");
	datapath_interface_add(bed->datapath, LOOPBACK, "lo", false);
	real_bed_check(bed, !real_bed_drops(bed, &s), "renamed");
}

/* More names in a daemon's life than there are ids: what is in use keeps its own. */
static void names_without_end(struct dry_bed *bed)
{
	struct datapath *datapath = bed->datapath;
	struct pep_tally tally[PEP_OUTCOME_MAX];
	struct sample s = real_bed_udp(53);
	char name[16];
	int guarded;

	real_bed_publish(bed, "{\"id\":\"one\",\"action\":\"BLOCK\",\"interface\":\"guarded\"}");
	guarded = datapath_interface_id(datapath, "guarded");
	datapath_interface_add(datapath, LOOPBACK, "busy0", false);
	for (int i = 0; i < 3; i++)
		real_bed_drops(bed, &s);
	for (int i = 0; i < 2 * PEP_INTERFACES; i++) {
		snprintf(name, sizeof(name), "veth%d", i);
		if (datapath_interface_id(datapath, name) < 0)
			break;
	}
	real_bed_check(bed, !strcmp(name, "veth8191"), "every interface gets an id");
	real_bed_check(bed, datapath_interface_id(datapath, "guarded") == guarded,
		       "a name in a policy keeps its id");
	real_bed_check(bed, !real_bed_drops(bed, &s), "an attached one is not taken for another");
	datapath_interface_add(datapath, LOOPBACK, "guarded", false);
	real_bed_check(bed, real_bed_drops(bed, &s), "the policy's interface");
	datapath_interface_add(datapath, LOOPBACK, "fresh0", false);
	datapath_interface_tally(datapath, "fresh0", PEP_INGRESS, tally);
	real_bed_check(bed, !tally[PEP_OUTCOME_DEFAULT_ALLOW].packets, "a new name counts from 0");
	datapath_interface_add(datapath, LOOPBACK, "lo", false);
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
	struct sample s = real_bed_udp(53);

	real_bed_publish(bed, "{\"id\":\"w\",\"action\":\"ALLOW\"}");
	real_bed_check(bed, !real_bed_drops(bed, &s), "before");
	if (datapath_prepare(bed->datapath, &state, &change, &problems))
		exit(1);
	datapath_interface_add(bed->datapath, 4000, "rev2", false);
	datapath_refresh(bed->datapath);
	real_bed_check(bed, !real_bed_drops(bed, &s), "the state in force is the old one");
	if (datapath_promote(bed->datapath, change))
		exit(1);
	datapath_commit(bed->datapath, &change);
	real_bed_check(bed, real_bed_drops(bed, &s), "the new state is in force");
	datapath_figures(bed->datapath, &figures);
	real_bed_check(bed,
		       figures.generation == PEP_WORD_GENERATION(bed->datapath->control->word_now),
		       "the generation that is told is in force");
	datapath_interface_remove(bed->datapath, 4000);
	policyset_put(&set);
	policyset_put(&none);
}

/* ---- limits */

static void limit_is_raised(struct dry_bed *bed)
{
	struct sample s = real_bed_udp(53);

	real_bed_publish(
		bed, "{\"id\":\"r\",\"action\":\"RATE_LIMIT\",\"rate_limit_bytes_per_second\":10,"
		     "\"burst_bytes\":1000}");
	for (int i = 0; i < 20; i++)
		real_bed_drops(bed, &s);
	real_bed_check(bed, real_bed_drops(bed, &s), "the slow limit is exceeded");
	real_bed_publish(bed, "{\"id\":\"r\",\"action\":\"RATE_LIMIT\","
			      "\"rate_limit_bytes_per_second\":1000000}");
	pause_ms(20);
	real_bed_check(bed, !real_bed_drops(bed, &s),
		       "a raised limit does not collect the old one's debt");
	real_bed_publish(
		bed, "{\"id\":\"r\",\"action\":\"RATE_LIMIT\",\"rate_limit_bytes_per_second\":10,"
		     "\"burst_bytes\":100}");
	real_bed_drops(bed, &s);
	real_bed_check(bed, real_bed_drops(bed, &s), "a lowered limit has its own burst at most");
	real_bed_publish(bed, "{\"id\":\"r\",\"action\":\"ALLOW\"}");
	real_bed_check(bed, !real_bed_drops(bed, &s), "no limit");
	real_bed_publish(
		bed, "{\"id\":\"r\",\"action\":\"RATE_LIMIT\",\"rate_limit_packets_per_second\":10,"
		     "\"rate_limit_bytes_per_second\":1000000}");
	real_bed_check(bed, !real_bed_drops(bed, &s), "a limit that is set again");
}

int main(void)
{
	static void (*const tests[])(struct dry_bed * bed) = {
		limit_that_continues,	 field_behind_report, fragment_behind_limit,
		fragment_of_expired,	 far_expiry,	      interface_renamed,
		interface_during_change, limit_is_raised,     names_without_end,
	};
	struct dry_bed bed;

	real_bed_open(&bed);
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		tests[i](&bed);
	return dry_bed_close(&bed);
}
