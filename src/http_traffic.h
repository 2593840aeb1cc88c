/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters as /stats, /interfaces and /metrics sum them up.
 */
#ifndef HTTP_TRAFFIC_H
#define HTTP_TRAFFIC_H

#include <stddef.h>
#include <stdint.h>

#include "pep.h"

struct http;
struct json_object;

/* By verdict, over all interfaces that there were and both directions. A packet
 * is in one of allowed, blocked and rate_limited. */
struct http_traffic {
	struct pep_tally outcome[PEP_OUTCOME_MAX];
	uint64_t packets, bytes; /* processed */
	uint64_t allowed, blocked, rate_limited; /* packets */
};

/** Sums it up. Returns 0 or -ENOMEM. */
int http_traffic(struct http *http, struct http_traffic *ret);

/** Packets and bytes of a verdict in the outcomes of an interface and direction. */
struct pep_tally http_verdict_tally(const struct pep_tally outcome[PEP_OUTCOME_MAX],
				    enum pep_verdict verdict);

/**
 * {"pass": {"packets", "bytes", "reasons": {LABEL: {"packets", "bytes"}}}, "drop": ...}, of
 * the reasons those that occurred. The caller owns it; NULL when out of memory.
 */
struct json_object *http_traffic_json(const struct pep_tally outcome[PEP_OUTCOME_MAX]);

#endif
