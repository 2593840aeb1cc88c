/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real runs of the programs, which use the flow cache, fragments and buckets
 * and count, on one CPU.
 */
#ifndef REAL_BED_H
#define REAL_BED_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#include "dry_bed.h"

#define LOOPBACK 1 /* the interface that BPF_PROG_TEST_RUN uses */

/** As dry_bed_open(), with "lo", and stays on this CPU: one flow cache. */
void real_bed_open(struct dry_bed *bed);

/** Makes the policies of @json current, without failsafe; it is shown when a check fails. */
void real_bed_publish(struct dry_bed *bed, const char *json);

/** Whether XDP, or TC if there is a @skb, drops a frame; exits when it cannot run. */
bool real_bed_run(struct dry_bed *bed, const void *frame, size_t bytes, struct __sk_buff *skb);

/** Whether XDP drops the frame of a sample. */
bool real_bed_drops(struct dry_bed *bed, struct sample *sample);

/** Counts a test; says @what failed. */
void real_bed_check(struct dry_bed *bed, bool ok, const char *what);

/** A datagram from 10.1.2.3 to 10.1.2.4. */
struct sample real_bed_udp(uint16_t dport);

#endif
