// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Lookups alone: each program takes a slice of a trace, header by header,
 * makes of each what the pipeline has when it comes to classify, and asks one
 * structure about it.  The classifier is the very code of the datapath, on
 * the datapath's maps.
 */
#include "bench.h"
#include "classify.h"

#include <bpf/bpf_endian.h>

#define SOURCE_BYTES 4 /* of what the trie finds */

const volatile bool ipv6;

__u32 first; /* of the slice */
__u32 sink; /* what was found ends here, so that it is not left out */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BENCH_TRACE * 2);
	__type(key, __u32);
	__type(value, struct bench_header);
} headers SEC(".maps");

/* Slots by header, as bench_check found them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BENCH_TRACE);
	__type(key, __u32);
	__type(value, __u64);
} found_slots SEC(".maps");

/* As many entries as there are rules; and one for every header.  Sizes are set when they are known. */
struct hash {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct pep_key));
	__uint(value_size, sizeof(struct bench_found));
};
struct hash hash_rules SEC(".maps");
struct hash hash_headers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct bench_prefix));
	__uint(value_size, SOURCE_BYTES);
} sources SEC(".maps");

struct batch {
	__u64 word; /* of the control record */
	__u32 first;
	__u32 sum;
};

static __always_inline bool packet_read(struct packet *p, const struct batch *batch, __u32 index)
{
	__u32 at = batch->first + index;
	const struct bench_header *header = bpf_map_lookup_elem(&headers, &at);

	if (!header)
		return false;
	p->key = header->key;
	p->word = batch->word;
	p->vlans = VLANS_NONE;
	p->slot = PEP_SLOT_NONE;
	p->rank = NO_RANK;
	p->failsafe_for = PEP_SLOT_NONE;
	p->protocol = p->key.word[PEP_KEY_PROTOCOL] & PEP_PROTOCOL_NUMBER;
	if (ipv6)
		p->flags |= PACKET_IPV6;
	asm volatile("" : : "r"(p) : "memory"); /* all of it is in memory, also when nobody asks */
	return true;
}

static long step_empty(__u32 index, struct batch *batch)
{
	struct packet p = { 0 };

	if (!packet_read(&p, batch, index))
		return 1;
	batch->sum += p.slot;
	return 0;
}

static long step_classify(__u32 index, struct batch *batch)
{
	struct packet p = { 0 };

	if (!packet_read(&p, batch, index) || classify(&p, PEP_RULES_POLICY))
		return 1;
	batch->sum += p.slot;
	return 0;
}

static long step_check(__u32 index, struct batch *batch)
{
	__u32 at = batch->first + index;
	__u64 *slot = bpf_map_lookup_elem(&found_slots, &at);
	struct packet p = { 0 };

	if (!slot || !packet_read(&p, batch, index) || classify(&p, PEP_RULES_POLICY))
		return 1;
	*slot = p.slot;
	batch->sum += p.slot;
	return 0;
}

/* The key of the hashes is packed for IPv4, as anybody would have it. */
static __always_inline const void *hash_key(const struct packet *p, struct bench_key4 *packed)
{
	if (ipv6)
		return &p->key;
	packed->src = p->key.word[PEP_KEY_SRC];
	packed->dst = p->key.word[PEP_KEY_DST];
	packed->ports = p->key.word[PEP_KEY_PORTS];
	packed->protocol = p->key.word[PEP_KEY_PROTOCOL];
	return packed;
}

static __always_inline long step_hash(void *map, __u32 index, struct batch *batch)
{
	struct packet p = { 0 };
	const struct bench_found *found;
	struct bench_key4 packed;

	if (!packet_read(&p, batch, index))
		return 1;
	found = bpf_map_lookup_elem(map, hash_key(&p, &packed));
	if (!found)
		return 1;
	batch->sum += found->drop;
	return 0;
}

static long step_hash_rules(__u32 index, struct batch *batch)
{
	return step_hash(&hash_rules, index, batch);
}

static long step_hash_headers(__u32 index, struct batch *batch)
{
	return step_hash(&hash_headers, index, batch);
}

static long step_lpm(__u32 index, struct batch *batch)
{
	struct bench_prefix prefix = { .bits = ipv6 ? 128 : 32 };
	struct packet p = { 0 };
	const __u32 *found;

	if (!packet_read(&p, batch, index))
		return 1;
	for (int i = 0; i < (ipv6 ? 4 : 1); i++)
		prefix.address[i] = bpf_htonl(p.key.word[PEP_KEY_SRC + i]);
	found = bpf_map_lookup_elem(&sources, &prefix);
	if (found)
		batch->sum += *found;
	return 0;
}

/* A slice.  Drop: it was gone through to its end. */
static __always_inline int run(void *step)
{
	const struct pep_control *record;
	struct batch batch = { .first = first };
	__u32 zero = 0;

	record = bpf_map_lookup_elem(&control, &zero);
	if (!record)
		return XDP_ABORTED;
	batch.word = record->word_now;
	if (bpf_loop(BENCH_SLICE, step, &batch, 0) != BENCH_SLICE)
		return XDP_ABORTED;
	sink = batch.sum;
	return XDP_DROP;
}

SEC("xdp")
int bench_empty(struct xdp_md *ctx)
{
	return run(step_empty);
}

SEC("xdp")
int bench_classify(struct xdp_md *ctx)
{
	return run(step_classify);
}

SEC("xdp")
int bench_check(struct xdp_md *ctx)
{
	return run(step_check);
}

SEC("xdp")
int bench_hash(struct xdp_md *ctx)
{
	return run(step_hash_rules);
}

SEC("xdp")
int bench_hash_all(struct xdp_md *ctx)
{
	return run(step_hash_headers);
}

SEC("xdp")
int bench_lpm(struct xdp_md *ctx)
{
	return run(step_lpm);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
