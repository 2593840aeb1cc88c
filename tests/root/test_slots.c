// SPDX-License-Identifier: Apache-2.0
/*
 * Slots, their counters and limits: what the flow cache decides alone is counted and reported like
 * everything else, and the kernel's memory grows with what is used and not with what was.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "datapath_maps.h"
#include "datapath_steady.h"
#include "real_bed.h"

#define PACKETS 10
#define UNKNOWN 2 /* that come before a flow is in the cache */
#define L3_BYTES 38 /* of real_bed_udp(), with its payload */
#define MANY 5000 /* more than have all stripes */
#define LIMITED 600
#define PORTS 60000
#define POLICY_BYTES 160

static void send(struct dry_bed *bed, uint16_t dport, bool drop)
{
	struct sample s = real_bed_udp(dport);

	s.payload = L3_BYTES - 28;
	for (int i = 0; i < PACKETS; i++)
		real_bed_check(bed, real_bed_drops(bed, &s) == drop, "each packet has its verdict");
}

static bool counted(struct dry_bed *bed, const char *id, uint64_t packets, uint64_t dropped)
{
	struct pep_counters counters;

	datapath_policy_counters(bed->datapath, id, &counters);
	return counters.packets == packets && counters.bytes == packets * L3_BYTES &&
	       counters.dropped_packets == dropped && counters.dropped_bytes == dropped * L3_BYTES;
}

static uint64_t tally(struct dry_bed *bed, enum pep_outcome outcome)
{
	struct pep_tally tallies[PEP_OUTCOME_MAX];

	datapath_interface_tally(bed->datapath, "lo", PEP_INGRESS, tallies);
	return tallies[outcome].packets;
}

static void plain_hits(struct dry_bed *bed)
{
	struct pep_totals before, after;

	real_bed_publish(bed, "[{\"id\":\"b\",\"action\":\"BLOCK\",\"dst\":{\"port\":53},"
			      "\"src\":{\"ip\":\"10.1.2.3\"}},"
			      "{\"id\":\"a\",\"action\":\"ALLOW\",\"dst\":{\"port\":54}}]");
	datapath_reset(bed->datapath);
	datapath_totals(bed->datapath, &before);
	send(bed, 53, true);
	send(bed, 54, false);
	send(bed, 55, false);
	datapath_totals(bed->datapath, &after);
	real_bed_check(bed, counted(bed, "b", PACKETS, PACKETS), "all that were blocked count");
	real_bed_check(bed, counted(bed, "a", PACKETS, 0), "all that were allowed count");
	real_bed_check(bed, tally(bed, PEP_OUTCOME_POLICY_BLOCK) == PACKETS, "by policy, blocked");
	real_bed_check(bed, tally(bed, PEP_OUTCOME_POLICY_ALLOW) == PACKETS, "by policy, allowed");
	real_bed_check(bed, tally(bed, PEP_OUTCOME_DEFAULT_ALLOW) == PACKETS, "by default");
	real_bed_check(bed, after.cache_misses - before.cache_misses == 3 * UNKNOWN,
		       "a flow is kept when it is seen for the second time");
	real_bed_check(bed, after.cache_hits - before.cache_hits == 3 * (PACKETS - UNKNOWN),
		       "then it is known");
}

static int count_event(void *context, void *data, size_t bytes)
{
	(void)data;
	(void)bytes;
	++*(int *)context;
	return 0;
}

static void hits_are_sampled(struct dry_bed *bed)
{
	int events = 0;
	struct ring_buffer *ring =
		ring_buffer__new(datapath_map(bed->datapath, "events"), count_event, &events, NULL);

	real_bed_publish(bed, "{\"id\":\"b\",\"action\":\"BLOCK\",\"dst\":{\"port\":53},"
			      "\"src\":{\"ip\":\"10.1.2.3\"}}");
	send(bed, 53, true);
	ring_buffer__consume(ring);
	real_bed_check(bed, events == 0, "nobody reads, nothing is reported");
	datapath_set_event_readers(bed->datapath, 1);
	send(bed, 53, true);
	datapath_set_event_readers(bed->datapath, 0);
	ring_buffer__consume(ring);
	real_bed_check(bed, events > 0, "drops that the cache knows are sampled, too");
	ring_buffer__free(ring);
}

/* @count policies by source, of which those from @limited on have a limit. */
static void publish_many(struct dry_bed *bed, const char *prefix, unsigned int count,
			 unsigned int limited)
{
	CLEANUP(cleanup_free) char *json = malloc((size_t)count * POLICY_BYTES + 2);
	size_t used = 0;

	if (!json)
		exit(1);
	json[used++] = '[';
	for (unsigned int i = 0; i < count; i++)
		used += (size_t)snprintf(
			json + used, POLICY_BYTES,
			"%s{\"id\":\"%s%u\",%s,\"src\":{\"ip\":\"10.1.2.%u\"},\"dst\":{\"port\":%u}}",
			i ? "," : "", prefix, i,
			i < limited ? "\"action\":\"BLOCK\""
				    : "\"action\":\"RATE_LIMIT\",\"rate_limit_bytes_per_second\":9",
			3 + i / PORTS, 1000 + i % PORTS);
	json[used++] = ']';
	json[used] = '\0';
	real_bed_publish(bed, json);
	bed->state = prefix;
}

static void later_slots(struct dry_bed *bed)
{
	struct datapath_memory memory;

	publish_many(bed, "m", MANY, MANY);
	send(bed, 1000 + MANY - 1, true);
	send(bed, 1000, true);
	real_bed_check(bed, counted(bed, "m4999", PACKETS, PACKETS), "a late slot counts");
	real_bed_check(bed, counted(bed, "m0", PACKETS, PACKETS), "an early slot counts");
	datapath_memory(bed->datapath, &memory);
	real_bed_check(bed, memory.slots >= MANY, "slots are counted");
	real_bed_check(bed,
		       memory.slot_bytes >= memory.slots * sizeof(struct pep_slot) &&
			       memory.slot_bytes <
				       (memory.slots + PEP_CHUNK) * sizeof(struct pep_slot),
		       "chunks of slots are what they need");
	real_bed_check(bed, memory.limit_bytes == 0, "no limits, no memory for them");
}

/* Of two sets at a time, as the old slots are still seen while the new ones are filled. */
static void limits_come_and_go(struct dry_bed *bed)
{
	struct datapath_memory memory, later;

	publish_many(bed, "x", LIMITED, 0);
	datapath_memory(bed->datapath, &memory);
	real_bed_check(bed, memory.limit_bytes == PEP_CHUNK * sizeof(struct pep_limits),
		       "limits take one chunk");
	for (int i = 0; i < 20; i++)
		publish_many(bed, i % 2 ? "x" : "y", LIMITED, 0);
	datapath_memory(bed->datapath, &later);
	for (int i = 0; i < 40; i++)
		publish_many(bed, i % 2 ? "x" : "y", LIMITED, 0);
	datapath_memory(bed->datapath, &memory);
	real_bed_check(bed, memory.limit_bytes == later.limit_bytes, "limits are given back");
	real_bed_check(bed, memory.slots == later.slots, "slots are given back");
}

static unsigned int count_images(const struct dry_bed *bed)
{
	unsigned int count = 0;

	for (uint32_t i = 0; i < 2 * PEP_MAIN_ENTRIES; i++) {
		uint32_t entry = i / 2, id;
		enum datapath_map_index map = i % 2 ? MAP_IMAGES_A : MAP_IMAGES_B;

		count += !bpf_map_lookup_elem(bed->datapath->map[map], &entry, &id);
	}
	return count;
}

/* Each set shares nothing with the one before, and is too large for an overlay. */
static const struct {
	const char *prefix;
	unsigned int count;
} sizes[] = { { "a", 50000 }, { "b", 110000 }, { "c", 6000 }, { "d", 50000 }, { "e", 6000 } };

static void images_take_what_they_need(struct dry_bed *bed)
{
	struct datapath_figures figures;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		publish_many(bed, sizes[i].prefix, sizes[i].count, sizes[i].count);
		send(bed, 1000, true);
		datapath_figures(bed->datapath, &figures);
		real_bed_check(bed,
			       figures.image_capacity == 1 << 20 ||
				       2 * figures.image_capacity <= 5 * figures.image_bytes,
			       "the map is not much larger than the image");
		if (i % 2)
			continue;
		real_bed_check(bed, !datapath_rest(bed->datapath), "rests");
		real_bed_check(bed, count_images(bed) == 1, "only the image in force is there");
		send(bed, 1001, true);
		send(bed, 1000 + PORTS, false);
	}
}

/* The slots of many policies that are gone. */
static void slots_are_given_up(struct dry_bed *bed)
{
	uint32_t most = datapath_slot_limit(bed->datapath);

	real_bed_check(bed, most > 50000, "there were many");
	real_bed_check(bed, datapath_slots_trim(bed->datapath), "gives up");
	real_bed_check(bed, datapath_slot_limit(bed->datapath) < most, "there are fewer");
	real_bed_check(bed, !datapath_slots_trim(bed->datapath), "there is no more to give up");
	send(bed, 1000, true);
	real_bed_check(bed, counted(bed, "e0", 2 * PACKETS, 2 * PACKETS), "what stays counts on");
	publish_many(bed, "f", 20000, 20000);
	send(bed, 1000 + 19999, true);
	real_bed_check(bed, counted(bed, "f19999", PACKETS, PACKETS), "they are taken again");
	real_bed_check(bed, counted(bed, "f0", 0, 0), "with no counts of others");
}

/* A policy's slot and counts stay when it gets limits, and when they go. */
static void limit_of_one(struct dry_bed *bed)
{
	struct sample s = real_bed_udp(2000);
	uint32_t slot;

	s.payload = L3_BYTES - 28;
	real_bed_publish(bed, "{\"id\":\"l\",\"action\":\"ALLOW\",\"dst\":{\"port\":2000}}");
	slot = datapath_policy_slot(bed->datapath, "l");
	send(bed, 2000, false);
	real_bed_publish(bed, "{\"id\":\"l\",\"action\":\"RATE_LIMIT\",\"dst\":{\"port\":2000},"
			      "\"rate_limit_packets_per_second\":1,\"burst_packets\":3}");
	for (int i = 0; i < PACKETS; i++)
		real_bed_check(bed, real_bed_drops(bed, &s) == (i >= 3), "three, then no more");
	real_bed_check(bed, counted(bed, "l", 2 * PACKETS, PACKETS - 3), "counts go on");
	real_bed_publish(bed, "{\"id\":\"l\",\"action\":\"BLOCK\",\"dst\":{\"port\":2000}}");
	send(bed, 2000, true);
	real_bed_check(bed, counted(bed, "l", 3 * PACKETS, 2 * PACKETS - 3), "and on");
	real_bed_check(bed, slot == datapath_policy_slot(bed->datapath, "l"), "in the same slot");
}

int main(void)
{
	struct dry_bed bed;

	real_bed_open(&bed);
	plain_hits(&bed);
	hits_are_sampled(&bed);
	later_slots(&bed);
	limits_come_and_go(&bed);
	limit_of_one(&bed);
	images_take_what_they_need(&bed);
	slots_are_given_up(&bed);
	return dry_bed_close(&bed);
}
