/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel programs and the daemon share: the layout of every map and
 * of the classifier's image.  This is ABI: programs and maps outlive the
 * process, and a newer daemon finds an older one's.  A change of meaning or
 * of layout raises PEP_ABI_VERSION; reserved members are zero.  What a new
 * process reads of an old one (datapath_past.c) only grows, at its end.
 *
 * Everything is in host byte order unless its type says otherwise.
 */
#ifndef PEP_H
#define PEP_H

#include <linux/types.h>

/* 1: records end with more than today's, as a later version's may; for tests of upgrades. */
#define PEP_GROWN 0
#if PEP_GROWN
#define PEP_GROWTH __u64 grown[2]
#else
#define PEP_GROWTH
#endif

#define PEP_ABI_VERSION (4 + PEP_GROWN)
#define PEP_MAGIC 0x70657031u /* "pep1" */

/* ---- words ------------------------------------------------------------ */

enum pep_direction { PEP_INGRESS, PEP_EGRESS, PEP_DIRECTIONS };
enum pep_family { PEP_IPV4, PEP_IPV6, PEP_FAMILIES };

enum pep_action {
	PEP_ACTION_ALLOW,
	PEP_ACTION_BLOCK,
	PEP_ACTION_REJECT, /* reserved: refused by the policy parser */
	PEP_ACTION_RATE_LIMIT,
	PEP_ACTION_LOG_ONLY,
};

enum pep_verdict { PEP_PASS, PEP_DROP };

/*
 * Why a packet passed or was dropped: one row each, of which the enumeration,
 * the names in the API, the labels of the metrics and the manual's table are
 * made.  X(NAME, verdict, "label", "what it means").  Append only.
 */
#define PEP_OUTCOMES(X)                                                                            \
	X(POLICY_ALLOW, PEP_PASS, "policy", "an ALLOW policy matched")                             \
	X(LIMIT_CONFORM, PEP_PASS, "limit", "within the limit of a RATE_LIMIT policy")             \
	X(DEFAULT_ALLOW, PEP_PASS, "default", "no policy decided, the default action is ALLOW")    \
	X(FAILSAFE, PEP_PASS, "failsafe", "a failsafe policy saved it from a broad drop")          \
	X(NON_IP_ARP, PEP_PASS, "arp", "ARP")                                                      \
	X(NON_IP_LLDP, PEP_PASS, "lldp", "link layer discovery")                                   \
	X(NON_IP_SLOW, PEP_PASS, "lacp", "slow protocols: LACP, OAM")                              \
	X(NON_IP_STP, PEP_PASS, "stp", "spanning tree and other 802.2 frames")                     \
	X(NON_IP_EAPOL, PEP_PASS, "eapol", "802.1X authentication")                                \
	X(NON_IP_PTP, PEP_PASS, "ptp", "precision time protocol")                                  \
	X(NON_IP_OTHER, PEP_PASS, "non_ip", "another protocol than IP")                            \
	X(MALFORMED_PASS, PEP_PASS, "malformed", "malformed, and datapath.malformed is pass")      \
	X(UNTRACKED_PASS, PEP_PASS, "untracked_fragment",                                          \
	  "fragment without a known first one, and datapath.untracked_fragment is pass")           \
	X(POLICY_BLOCK, PEP_DROP, "policy", "a BLOCK policy matched")                              \
	X(LIMIT_EXCEED, PEP_DROP, "limit", "exceeds the limit of a RATE_LIMIT policy")             \
	X(DEFAULT_BLOCK, PEP_DROP, "default", "no policy decided, the default action is BLOCK")    \
	X(NON_IP_DROP, PEP_DROP, "non_ip", "not IP nor ARP, and datapath.non_ip is drop")          \
	X(TRUNCATED, PEP_DROP, "truncated", "the frame ends before its headers do")                \
	X(IP_VERSION, PEP_DROP, "ip_version", "the IP version contradicts the EtherType")          \
	X(IP_HEADER, PEP_DROP, "ip_header", "IPv4 header length below 20 or beyond the packet")    \
	X(IP_LENGTH, PEP_DROP, "ip_length", "the IP length contradicts the frame or the headers")  \
	X(EXTENSION_HEADERS, PEP_DROP, "extension_headers", "IPv6 extension headers too many")     \
	X(VLAN_DEPTH, PEP_DROP, "vlan_depth", "more than two VLAN tags")                           \
	X(TCP_HEADER, PEP_DROP, "tcp_header", "TCP data offset below 20 or beyond the packet")     \
	X(UDP_LENGTH, PEP_DROP, "udp_length", "UDP length below 8 or beyond the packet")           \
	X(FRAGMENT_FIRST, PEP_DROP, "fragment_first",                                              \
	  "first fragment without the whole transport header")                                     \
	X(FRAGMENT_OVERLAP, PEP_DROP, "fragment_overlap",                                          \
	  "later fragment that reaches into the transport header, or beyond 65535 bytes")          \
	X(FRAGMENT_CONFLICT, PEP_DROP, "fragment_conflict",                                        \
	  "a second first fragment with another transport header")                                 \
	X(UNTRACKED_FRAGMENT, PEP_DROP, "untracked_fragment",                                      \
	  "fragment without a known first one")                                                    \
	X(CHAIN_BOUND, PEP_DROP, "chain_bound", "more than 8 policies to be continued in a row")   \
	X(CLASSIFIER_BOUND, PEP_DROP, "classifier_bound", "the classifier ran into a loop bound")  \
	X(NO_STATE, PEP_DROP, "no_state", "an image or slot that should be there is not")          \
	X(LIMIT_CONTENDED, PEP_DROP, "limit_contended", "lost the race for a limit eight times")

/* clang-format off */
enum pep_outcome {
#define PEP_OUTCOME_ENUM(name, verdict, label, text) PEP_OUTCOME_##name,
	PEP_OUTCOMES(PEP_OUTCOME_ENUM)
#undef PEP_OUTCOME_ENUM
	PEP_OUTCOME_COUNT,
	PEP_OUTCOME_MAX = 64, /* room for later ones without a change of layout */
};
/* clang-format on */

/* ---- control record: map "control", one element, mmap-able ------------- */

/*
 * A word names a whole state: which entry of the images map, which of the
 * overlays, and the generation.  A packet reads word_now once.  While
 * deadline_ns is not zero and has passed, packets use word_before instead.
 * The upper bit of `main` chooses between the outer maps images_a and images_b.
 */
#define PEP_WORD(main, overlay, generation)                                                        \
	((__u64)(main) << 56 | (__u64)(overlay) << 48 | (PEP_GENERATION_MASK & (generation)))
#define PEP_WORD_MAIN(word) ((__u32)((word) >> 56))
#define PEP_WORD_OVERLAY(word) ((__u32)((word) >> 48 & 0xff))
#define PEP_WORD_GENERATION(word) (PEP_GENERATION_MASK & (word))
#define PEP_GENERATION_MASK 0xffffffffffffULL
#define PEP_MAIN_B 0x80 /* the entry is in images_b */
#define PEP_MAIN_ENTRIES 4
#define PEP_OVERLAY_NONE 0xff

/*
 * Map "overlays": an overlay is an image like the main one, of at most
 * PEP_OVERLAY_BYTES.  It holds the rules of the policies that the main image
 * does not have, or has otherwise; a slot's version says in which of the two
 * its policy's rules count.  The flags of a state are the overlay's if it has
 * one.  Failsafe policies are in the main image alone.
 */
#define PEP_OVERLAY_ENTRIES 8
#define PEP_OVERLAY_BYTES (1 << 18)

struct pep_control {
	__u64 word_now; /* 0: nothing published yet, every packet passes uncounted */
	__u64 word_before;
	__u64 deadline_ns; /* CLOCK_MONOTONIC; 0: no change is pending */
	__u64 event_readers; /* > 0: report a sample of every drop */
	__u64 reserved[4];
};

/* ---- slots: outer map "slots", one chunk (array of PEP_CHUNK) an entry --- */

#define PEP_CHUNK 1024
#define PEP_CHUNKS 2048 /* room for 2^21 slots: a million policies, and those that they replace */
#define PEP_SLOT_NONE 0xffffffffu

#define PEP_VERSION_LOG (1 << 0) /* report every match */
#define PEP_VERSION_BROAD4 (1 << 1) /* a failsafe policy may overrule its drop of IPv4 */
#define PEP_VERSION_CONTINUE (1 << 2) /* what conforms goes on to the next match */
#define PEP_VERSION_AUDIT (1 << 3) /* reserved: decide, count, go on */
#define PEP_VERSION_BYTES (1 << 4) /* bytes are limited */
#define PEP_VERSION_PACKETS (1 << 5) /* packets are limited */
#define PEP_VERSION_FAILSAFE (1 << 6) /* a failsafe policy's */
#define PEP_VERSION_BROAD6 (1 << 7) /* as BROAD4, of IPv6 */
#define PEP_VERSION_DEAD (1 << 8) /* there is no such policy any more, or it is disabled */
#define PEP_VERSION_OVERLAY (1 << 9) /* its rules are those in the overlay, not the main image's */

struct pep_version {
	__u64 from; /* first generation that it holds for; 0: never */
	__u64 expires_ns; /* CLOCK_MONOTONIC; 0: never */
	__u16 flags; /* PEP_VERSION_ */
	__u8 action; /* enum pep_action */
	__u8 reserved;
	__u32 owner; /* the lower half of the hash of the policy's id; 0: nobody's */
};

/* A packet of generation g uses the newest version that is not newer than g;
 * a slot without one is dead.  One cache line. */
struct pep_slot {
	struct pep_version version[2];
	__u64 events_tat;
	__u32 limits; /* where its limits are, if a version has any */
	__u32 owner; /* the upper half of the hash of its policy's id */
	PEP_GROWTH;
};

/* ---- limits: outer map "limits", chunks of PEP_CHUNK for slots that need them */

/*
 * Limits are GCRA: a bucket is one theoretical arrival time in units of
 * 2^-6 ns.  A packet of n bytes costs (n * cost) >> shift; it conforms while
 * arrival time + cost of one byte <= now + burst.
 */
#define PEP_LIMIT_COST_BITS 56 /* the shift is above them */

struct pep_limit {
	__u64 cost_shift;
	__u64 burst;
};

struct pep_rates {
	struct pep_limit bytes;
	struct pep_limit packets;
};

struct pep_limits {
	struct pep_rates version[2]; /* as those of the slot */
	__u64 bytes_tat;
	__u64 packets_tat;
	PEP_GROWTH;
};

/*
 * Map "steady": bit n % 64 of element n / 64 says that slot n is alive for every
 * packet under way, without a deadline, with its rules in the main image; then
 * nobody needs to read it for that.  Clear: read the slot.  It is cleared before
 * a version is written, and set when no packet sees an older one any more.
 */
#define PEP_STEADY_WORDS (PEP_CHUNKS * PEP_CHUNK / 64)

/* ---- counters ---------------------------------------------------------------- */

struct pep_tally {
	__u64 packets;
	__u64 bytes;
};

/*
 * Outer map "counters": entry chunk * stripes + stripe, an array of PEP_CHUNK.
 * A value is the sum of the stripes.  A CPU writes stripe (cpu & (stripes - 1)).
 * Only the first PEP_STRIPED_CHUNKS have them all: later chunks, of which there
 * can be many, have the first PEP_STRIPES_LATER at most.
 */
#define PEP_STRIPES_MAX 16
#define PEP_STRIPED_CHUNKS 4
#define PEP_STRIPES_LATER 2

/* What a policy matched: one of the two, each time. */
struct pep_matches {
	struct pep_tally passed; /* or were left to other policies */
	struct pep_tally dropped; /* by this policy */
	PEP_GROWTH;
};

/* ---- interfaces --------------------------------------------------------- */

/*
 * Map "interfaces": PEP_INTERFACES entries, open addressing from
 * ifindex & (PEP_INTERFACES - 1), PEP_INTERFACE_PROBES in a row.  `id` stands
 * for the name: it is what rules compare and counters are kept by.
 */
#define PEP_INTERFACES 4096
#define PEP_INTERFACE_PROBES 8
#define PEP_INTERFACE_L3 (1 << 0) /* frames begin with the IP header */
#define PEP_INTERFACE_ANY 0 /* id 0: no interface */

struct pep_interface {
	__u32 ifindex; /* 0: free */
	__u16 id;
	__u16 flags;
};

/* Outer map "interface_counters": entry id * stripes + stripe, an array of
 * PEP_DIRECTIONS * PEP_OUTCOME_MAX tallies. */
/* Map "event_limits": a bucket per outcome, for events that name no policy. */

/* Map "totals": one element a stripe. */
struct pep_totals {
	__u64 cache_hits;
	__u64 cache_misses;
	__u64 events_lost; /* no room in the ring buffer */
	__u64 events_suppressed; /* over the limit of their policy or reason */
	__u64 limit_races; /* compare-and-swap of a bucket lost */
	__u64 logged_packets; /* matched by policies that report them */
	__u64 reserved[2];
	PEP_GROWTH;
};

/* ---- the classifier's key, flow cache, fragments ------------------------- */

/* Words of the key; a cut of the tree names one by its index. */
#define PEP_KEY_SRC 0 /* 4 words; IPv4 uses the first */
#define PEP_KEY_DST 4
#define PEP_KEY_PORTS 8 /* source port << 16 | destination port; ICMP: type << 16 | code */
#define PEP_KEY_PROTOCOL 9 /* PEP_PROTOCOL_ bits */
#define PEP_KEY_WORDS 10

#define PEP_PROTOCOL_NUMBER 0xffu
#define PEP_PROTOCOL_PORTS (1u << 8) /* TCP, UDP or SCTP */
#define PEP_PROTOCOL_IPV6 (1u << 16)
#define PEP_PROTOCOL_EGRESS (1u << 17)

struct pep_key {
	union {
		__u32 word[PEP_KEY_WORDS];
		__u64 pair[PEP_KEY_WORDS / 2];
	};
};

#define PEP_FLOW_NO_FAILSAFE (1 << 0) /* no failsafe policy matches it */
#define PEP_FLOW_PLAIN (1 << 1) /* all there is to do is to count: PEP_FLOW_OUTCOME() */
#define PEP_FLOW_OUTCOME(flags) ((flags) >> 8 & (PEP_OUTCOME_MAX - 1))

/* Map "flows": entry cpu * entries + hash, one cache line each. */
struct pep_flow {
	struct pep_key key;
	__u64 where; /* VLANs << 32 | interface: its id, as an index can come to stand for another name */
	__u64 generation;
	__u32 slot;
	__u32 flags; /* PEP_FLOW_ */
};

/*
 * Map "sightings": for each place in the flow cache, 15 bits of the hash of the
 * flow that was seen there last.  A flow is kept when it is seen for the second
 * time, so that packets that are all of new flows do not go through the cache's
 * memory, which is too large to be near.
 */
#define PEP_SIGHTING_KEPT 0x8000 /* the flow is in the cache */
#define PEP_SIGHTINGS 4 /* an element */

struct pep_sightings {
	__u16 last[PEP_SIGHTINGS];
};

struct pep_fragment_key {
	__u32 ifindex;
	__u32 vlans;
	__u32 src[4];
	__u32 dst[4];
	__u32 identification;
	__u8 protocol;
	__u8 family;
	__u16 direction;
};

#define PEP_FRAGMENT_DROP (1 << 0) /* conflicting first fragments were seen */

struct pep_fragment {
	__u64 generation; /* that slot was matched in; 0: match every fragment again */
	__u64 seen_ns; /* CLOCK_MONOTONIC */
	__u32 slot;
	__u32 ports; /* as PEP_KEY_PORTS */
	__u16 header_bytes; /* from the fragmented part's start to the transport header's end */
	__u8 tcp_flags;
	__u8 flags; /* PEP_FRAGMENT_ */
	__u8 protocol; /* behind all extension headers */
	__u8 reserved[3];
};

/* ---- the image ------------------------------------------------------------ */

/*
 * An image is a header, then nodes, rules and extras at multiples of 8, named
 * by their offset from its start.  A node is a table of entries; the entry
 * that points at a node says how it is cut:
 *
 *   bit 63      leaf
 *   cut:  word:4 (59..62) bits:4 (55..58) shift:5 (50..54) threshold:18 (32..49) offset:32
 *   leaf: rules:31 (32..62)                                                      offset:32
 *
 * x = key.word[word] >> shift;
 * child = entry[(x & (2^bits - 1)) + ((x & 0xffff) >= threshold)]
 * (threshold 0x10000 and more: never).  A cut has bits or a threshold, not both.
 * An entry of 0 rules is an empty leaf.
 */
#define PEP_ENTRY_LEAF (1ULL << 63)
#define PEP_ENTRY_WORD(e) ((__u32)((e) >> 59) & 15)
#define PEP_ENTRY_BITS(e) ((__u32)((e) >> 55) & 15)
#define PEP_ENTRY_SHIFT(e) ((__u32)((e) >> 50) & 31)
#define PEP_ENTRY_THRESHOLD(e) ((__u32)((e) >> 32) & 0x3ffff)
#define PEP_ENTRY_RULES(e) ((__u32)((e) >> 32) & 0x7fffffff)
#define PEP_ENTRY_OFFSET(e) ((__u32)(e))
#define PEP_THRESHOLD_NEVER 0x3ffff

#define PEP_IMAGE_BYTES_MOST (1U << 29) /* the verifier lets no offset be larger */
#define PEP_IMAGE_SLACK 512 /* at the end of its memory: programs read some records at once */
#define PEP_TREES 4 /* of a forest */
#define PEP_TREE_DEPTH 64 /* the deepest tree a program walks */
#define PEP_LEAF_RULES (1 << 20) /* the longest leaf */
#define PEP_CHAIN 8 /* policies to be continued, in a row */

#define PEP_RULE_PROTOCOL (1 << 0) /* only packets of this protocol */
#define PEP_RULE_PORTS (1 << 1) /* only packets that have ports */
#define PEP_RULE_EXTRA (1 << 2) /* compare the extra fields too */
#define PEP_RULE_UNCACHED (1 << 3) /* they hold more than interface and VLAN */

/* Rules of a leaf are in the order of their ranks.  A rank is unique to a
 * policy within a family and not 0; ranks leave gaps, so that a later overlay
 * can order its policies between those of the main image. */
struct pep_rule {
	__u16 sport_low, sport_high;
	__u16 dport_low, dport_high;
	__u8 src_bits, dst_bits; /* prefix lengths */
	__u8 protocol;
	__u8 flags; /* PEP_RULE_ */
	__u32 rank;
	__u32 slot;
	__u32 extra; /* offset of a struct pep_extra / 8 */
};

struct pep_rule4 {
	__u32 src;
	__u32 dst;
	struct pep_rule rule;
};

struct pep_rule6 {
	__u32 src[4]; /* most significant word first */
	__u32 dst[4];
	struct pep_rule rule;
	__u8 src_open[2], dst_open[2]; /* bits of the upper and lower half beyond the prefix */
	__u32 reserved;
};

#define PEP_EXTRA_INTERFACE (1 << 0)
#define PEP_EXTRA_VLAN (1 << 1)
#define PEP_EXTRA_TCP_FLAGS (1 << 2)
#define PEP_EXTRA_DSCP (1 << 3)
#define PEP_EXTRA_LENGTH (1 << 4)
#define PEP_EXTRA_TTL (1 << 5)
#define PEP_EXTRA_FRAGMENT (1 << 6)

#define PEP_VLAN_NONE 0xffff /* the packet has no tag */

struct pep_extra {
	__u32 fields; /* PEP_EXTRA_ */
	__u16 interface; /* id */
	__u16 vlan_low, vlan_high; /* of the outermost tag; PEP_VLAN_NONE: untagged */
	__u8 tcp_flags, tcp_flags_mask;
	__u32 length_low, length_high; /* L3 bytes of one segment */
	__u32 reserved0;
	__u64 dscp; /* bit n: DSCP n matches */
	__u8 ttl_low, ttl_high;
	__u8 fragment; /* 1: only fragments, 0: only whole packets */
	__u8 reserved[5];
};

struct pep_tree {
	__u64 entry;
	__u32 best_rank;
	__u32 reserved;
};

/* Trees in the order of their best ranks; absent ones have best_rank ~0. */
struct pep_forest {
	struct pep_tree tree[PEP_TREES];
};

enum pep_ruleset { PEP_RULES_POLICY, PEP_RULES_FAILSAFE, PEP_RULESETS };

#define PEP_IMAGE_DEFAULT_BLOCK (1 << 0)
#define PEP_IMAGE_MALFORMED_PASS (1 << 1)
#define PEP_IMAGE_UNTRACKED_PASS (1 << 2)
#define PEP_IMAGE_NON_IP_DROP (1 << 3)
#define PEP_IMAGE_TRANSPARENT (1 << 4) /* no policy and default ALLOW: malformed ones pass too */

struct pep_image {
	__u32 magic; /* PEP_MAGIC */
	__u32 abi; /* PEP_ABI_VERSION */
	__u32 bytes; /* in use */
	__u32 flags; /* PEP_IMAGE_ */
	__u64 checksum; /* of everything behind this member: checksum() of image.c */
	__u64 reserved;
	struct pep_forest forest[PEP_RULESETS][PEP_FAMILIES][PEP_DIRECTIONS];
};

/* ---- events: ring buffer "events" ------------------------------------------ */

#define PEP_EVENT_SAMPLE (1 << 0) /* reported because a reader is attached */

struct pep_event {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u64 generation;
	__u32 src[4], dst[4]; /* as in the key */
	__u32 ifindex;
	__u32 slot; /* PEP_SLOT_NONE: no policy */
	__u32 length; /* L3 bytes */
	__u16 sport, dport; /* ICMP: type, code */
	__u16 vlan; /* PEP_VLAN_NONE: untagged */
	__u8 protocol;
	__u8 family;
	__u8 direction;
	__u8 outcome; /* enum pep_outcome; of a policy to be continued: see action */
	__u8 action; /* enum pep_action of the slot */
	__u8 tcp_flags;
	__u8 flags; /* PEP_EVENT_ */
	__u8 reserved[7];
};

/* ---- dry run ------------------------------------------------------------- */

/*
 * A dry run reads everything and writes nothing but a trace.  It is asked for
 * by this block in front of a packet given to BPF_PROG_TEST_RUN: as metadata
 * for XDP, where the time follows at the end, and as skb->cb for TC, where the
 * time is the packet's timestamp.
 */
#define PEP_DRY_EGRESS (1 << 0)
#define PEP_DRY_L3 (1 << 1)
#define PEP_DRY_VLAN (1 << 2) /* `vlans` stands for tags that hardware took off */

struct pep_dry {
	__u32 nonce[2]; /* as in .rodata of the program */
	__u32 ifindex;
	__u32 vlans; /* outer << 16 | inner, 0xffff: none */
	__u32 flags; /* PEP_DRY_ */
};

struct pep_dry_metadata {
	struct pep_dry dry;
	__u32 reserved;
	__u64 time_ns; /* 0: now */
};

#define PEP_TRACE_FRAGMENT (1 << 0)
#define PEP_TRACE_FIRST (1 << 1)
#define PEP_TRACE_CACHEABLE (1 << 2)

struct pep_step {
	__u32 slot;
	__u32 rank;
	__u8 action;
	__u8 flags; /* PEP_VERSION_ */
	__u8 conform; /* of a limit */
	__u8 reserved[5];
};

/* Map "trace": one element, mmap-able. No process reads another one's. */
struct pep_trace {
	/* What the run is asked beside its packet; the daemon writes it. */
	__u64 word; /* the state to be seen, which need not be in force; 0: the one that is */
	__u32 after_rank; /* pass over all policies up to this rank */
	__u32 reserved0;

	__u64 runs; /* counts up with every trace written */
	__u64 generation;
	__u64 time_ns;
	struct pep_key key;
	__u32 ifindex;
	__u32 vlans;
	__u32 length; /* L3 bytes of the whole buffer */
	__u32 packets; /* wire segments */
	__u32 flags; /* PEP_TRACE_ */
	__u32 outcome;
	__u32 slot; /* that decided; PEP_SLOT_NONE: none */
	__u32 steps;
	__u32 failsafe_for; /* the slot whose drop a failsafe policy overruled */
	__u32 reserved;
	struct pep_step step[PEP_CHAIN + 1];
};

/* ---- a run: what the next process reads to go on where this one ended ------------ */

/* Map "this_run", one element; programs do not use it. */
struct pep_run {
	__u32 stripes; /* of its counters */
	__u32 complete; /* its baselines have what earlier runs counted; 0: they are not valid */
	__u64 reserved[3];
	struct pep_totals baseline; /* of the totals; last, as it grows with them */
};

/*
 * Baselines are what is subtracted from the counters: what they were at the last
 * reset, less what earlier runs counted since then, modulo 2^64.  Those of
 * policies and interfaces are in outer maps, "baselines" and
 * "interface_baselines", an array as those of the counters by chunk and by id;
 * where there is none they are 0.  Programs do not use them.
 */

/* Map "names": of interfaces, by their ids. */
#define PEP_NAME_BYTES 16

struct pep_name {
	char text[PEP_NAME_BYTES];
};

/* ---- sizes ----------------------------------------------------------------- */

#define PEP_ASSERT_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type)

PEP_ASSERT_SIZE(struct pep_control, 64);
PEP_ASSERT_SIZE(struct pep_version, 24);
PEP_ASSERT_SIZE(struct pep_slot, 64 + PEP_GROWN * 16);
PEP_ASSERT_SIZE(struct pep_limits, 80 + PEP_GROWN * 16);
PEP_ASSERT_SIZE(struct pep_matches, 32 + PEP_GROWN * 16);
PEP_ASSERT_SIZE(struct pep_interface, 8);
PEP_ASSERT_SIZE(struct pep_tally, 16);
PEP_ASSERT_SIZE(struct pep_totals, 64 + PEP_GROWN * 16);
PEP_ASSERT_SIZE(struct pep_flow, 64);
PEP_ASSERT_SIZE(struct pep_sightings, 8);
PEP_ASSERT_SIZE(struct pep_fragment_key, 48);
PEP_ASSERT_SIZE(struct pep_fragment, 32);
PEP_ASSERT_SIZE(struct pep_rule, 24);
PEP_ASSERT_SIZE(struct pep_rule4, 32);
PEP_ASSERT_SIZE(struct pep_rule6, 64);
PEP_ASSERT_SIZE(struct pep_extra, 40);
PEP_ASSERT_SIZE(struct pep_event, 80);
PEP_ASSERT_SIZE(struct pep_dry, 20);
PEP_ASSERT_SIZE(struct pep_dry_metadata, 32);
PEP_ASSERT_SIZE(struct pep_step, 16);
PEP_ASSERT_SIZE(struct pep_run, 96 + PEP_GROWN * 16);

#endif
