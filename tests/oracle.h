/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What should happen to a packet, found the slow way: sort all policies, try
 * them one by one.  Shares no code with the classifier, nor with the
 * comparison and the address arithmetic of src/.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "pep.h"
#include "policyset.h"

/* A packet in terms of what policies ask for. */
struct sample {
	enum pep_family family;
	enum pep_direction direction;
	const char *interface;
	uint16_t outer_vlan, inner_vlan; /* PEP_VLAN_NONE: no such tag */
	uint32_t src[4], dst[4];
	uint8_t protocol;
	uint16_t sport, dport; /* ICMP: type, code */
	uint8_t tcp_flags;
	uint8_t dscp;
	uint8_t ttl;
	uint16_t payload; /* bytes behind the transport header */
	bool first_fragment;
	bool later_fragment;
	uint32_t length; /* L3 bytes, filled in by frame_build() */
};

struct oracle_answer {
	enum pep_outcome outcome;
	const char *policy; /* id of the one that decided; NULL: none */
	unsigned int steps;
};

struct oracle;

/** Sorts @set and @failsafe, which it borrows, for lookups at @now_us (CLOCK_REALTIME). */
struct oracle *oracle_new(const struct policyset *set, const struct policyset *failsafe,
			  bool default_block, int64_t now_us);
void oracle_free(struct oracle *oracle);

/** Sets the time of the lookups to come. */
void oracle_set_time(struct oracle *oracle, int64_t now_us);

void oracle_ask(const struct oracle *oracle, const struct sample *sample,
		struct oracle_answer *ret);

#endif
