/* SPDX-License-Identifier: Apache-2.0 */
#include "http_policy_counts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "daemon.h"
#include "datapath.h"
#include "datapath_counters.h"
#include "policyset.h"

static void add_counters(struct pep_counters *sum, const struct pep_counters *more)
{
	sum->packets += more->packets;
	sum->bytes += more->bytes;
	sum->dropped_packets += more->dropped_packets;
	sum->dropped_bytes += more->dropped_bytes;
	sum->would_drop_packets += more->would_drop_packets;
	sum->would_drop_bytes += more->would_drop_bytes;
}

static int start(const struct daemon *daemon, size_t most, struct http_policy_counts *ret)
{
	struct pep_totals totals;
	size_t room = daemon->set->count < most ? daemon->set->count : most;

	datapath_totals(daemon->datapath, &totals);
	*ret = (struct http_policy_counts){ .logged = totals.logged_packets };
	ret->of = calloc(room + 1, sizeof(*ret->of));
	return ret->of ? 0 : -ENOMEM;
}

static void read_count(const struct daemon *daemon, size_t index, struct http_policy_count *ret)
{
	ret->index = (uint32_t)index;
	datapath_slot_counters(daemon->datapath,
			       datapath_slot_of(daemon->datapath, daemon->set, index),
			       &ret->counters);
}

static void leave_out(struct http_policy_counts *counts, const struct http_policy_count *count)
{
	counts->left_out++;
	add_counters(&counts->rest, &count->counters);
}

int http_policy_counts_first(const struct daemon *daemon, size_t most,
			     struct http_policy_counts *ret)
{
	int error = start(daemon, most, ret);

	for (size_t i = 0; !error && i < daemon->set->count; i++) {
		struct http_policy_count count;

		read_count(daemon, i, &count);
		if (i < most)
			ret->of[ret->count++] = count;
		else
			leave_out(ret, &count);
	}
	return error;
}

/* Of equal ones the first by id comes first. */
static int compare(const void *left, const void *right)
{
	const struct http_policy_count *a = left, *b = right;

	if (a->counters.packets != b->counters.packets)
		return a->counters.packets > b->counters.packets ? -1 : 1;
	return a->index < b->index ? -1 : 1;
}

/* A heap with the last one at its top: @count takes its place, and sinks. */
static void sink(struct http_policy_counts *counts, const struct http_policy_count *count)
{
	struct http_policy_count *of = counts->of;
	size_t at = 0, child;

	while ((child = 2 * at + 1) < counts->count) {
		if (child + 1 < counts->count && compare(&of[child + 1], &of[child]) > 0)
			child++;
		if (compare(&of[child], count) < 0)
			break;
		of[at] = of[child];
		at = child;
	}
	of[at] = *count;
}

static void rise(struct http_policy_counts *counts, const struct http_policy_count *count)
{
	struct http_policy_count *of = counts->of;
	size_t at = counts->count++;

	for (; at && compare(&of[(at - 1) / 2], count) < 0; at = (at - 1) / 2)
		of[at] = of[(at - 1) / 2];
	of[at] = *count;
}

int http_policy_counts_top(const struct daemon *daemon, size_t most, struct http_policy_counts *ret)
{
	int error = start(daemon, most, ret);

	for (size_t i = 0; !error && i < daemon->set->count; i++) {
		struct http_policy_count count;

		read_count(daemon, i, &count);
		if (ret->count < most) {
			rise(ret, &count);
		} else if (!most || compare(&ret->of[0], &count) < 0) {
			leave_out(ret, &count);
		} else {
			leave_out(ret, &ret->of[0]);
			sink(ret, &count);
		}
	}
	if (!error)
		qsort(ret->of, ret->count, sizeof(*ret->of), compare);
	return error;
}

void http_policy_counts_clear(struct http_policy_counts *counts)
{
	free(counts->of);
	*counts = (struct http_policy_counts){ 0 };
}
