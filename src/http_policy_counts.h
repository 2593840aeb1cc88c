/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters of policies, as many of them as /stats and /metrics show: all
 * are read, one by one, and nothing is kept of the others but their sum.
 */
#ifndef HTTP_POLICY_COUNTS_H
#define HTTP_POLICY_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "datapath_counters.h"

struct daemon;

struct http_policy_count {
	struct pep_counters counters;
	uint32_t index; /* in the set in force */
};

struct http_policy_counts {
	struct http_policy_count *of;
	size_t count;
	size_t left_out;
	struct pep_counters rest; /* the sum of those that are left out */
	uint64_t logged; /* packets that matched a policy that reports them */
};

/** The first @most by id. Release with http_policy_counts_clear(). Returns 0 or -ENOMEM. */
int http_policy_counts_first(const struct daemon *daemon, size_t most,
			     struct http_policy_counts *ret);

/** Those that matched most packets, the most first. As http_policy_counts_first(). */
int http_policy_counts_top(const struct daemon *daemon, size_t most,
			   struct http_policy_counts *ret);

/** Frees the counts. */
void http_policy_counts_clear(struct http_policy_counts *counts);

#endif
