/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packet that is asked about: what somebody says of it, and the frame that
 * this makes.
 *
 * It is said with the members by which policies match, each with one value, or
 * as a frame in hexadecimal digits.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stddef.h>
#include <stdint.h>

#include "pep.h"

struct json_object;
struct policy;
struct problems;

/* BPF_PROG_TEST_RUN takes what fits into a page beside what the kernel keeps there. */
#define PROBE_FRAME_MAX 3456
#define PROBE_LINK_BYTES 14 /* of an Ethernet header */
#define PROBE_INTERFACE_BYTES 16

struct probe_packet {
	char interface[PROBE_INTERFACE_BYTES]; /* "": not said */
	enum pep_direction direction;
	size_t bytes;
	unsigned char frame[PROBE_FRAME_MAX]; /* begins with the Ethernet header */
};

/** Reads one. Returns 0, -EINVAL (noted, below @pointer), -ENOMEM. */
int probe_read(struct json_object *json, const char *pointer, struct probe_packet *ret,
	       struct problems *problems);

/**
 * Builds the frame of what a policy with one value a member describes; what it
 * does not say is made up: a SYN, an echo request, a TTL of 64. Returns 0, or
 * -EINVAL (noted).
 */
int probe_build(const struct policy *policy, struct probe_packet *ret, struct problems *problems);

#endif
