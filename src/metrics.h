/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metrics: a table with a row for each, and what the rows are made of.
 */
#ifndef METRICS_H
#define METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http_policy_counts.h"
#include "http_traffic.h"
#include "metrics_text.h"

struct http;

/* Everything that one page shows, read once. */
struct metrics_data {
	const struct http *http;
	const struct daemon *daemon;
	struct http_traffic traffic;
	struct http_policy_counts policies; /* that have samples of their own */

	/* rows of one sample name these by their offset */
	uint64_t uptime_seconds;
	uint64_t policy_count, policies_unexported, policies_capacity;
	uint64_t rules, rules_capacity;
	uint64_t generation;
	uint64_t image_bytes;
	uint64_t overlay_policies;
	uint64_t worst_compares;
	uint64_t in_sync;
	uint64_t cache_hits, cache_misses;
	uint64_t events_lost, events_suppressed;
	uint64_t limit_races, limiter_saturated;
	uint64_t reload_ok;
	uint64_t open_fds, max_fds;
	uint64_t virtual_bytes, resident_bytes;
	/* the same in nanoseconds */
	uint64_t reload_time_ns;
	uint64_t cpu_ns;
	uint64_t start_time_ns;
};

struct metric {
	const char *name;
	enum metric_type type;
	const char *help;
	void (*emit)(struct metrics_text *text, const struct metrics_data *data,
		     const struct metric *metric);
	size_t offset; /* in struct metrics_data, of emit functions that take one */
};

extern const struct metric metrics_table[];
extern const size_t metrics_count;

/** Reads everything; release with metrics_data_clear(). Returns 0 or -ENOMEM. */
int metrics_read(struct http *http, struct metrics_data *ret);
/** Frees what metrics_read() has read. */
void metrics_data_clear(struct metrics_data *data);

/** Fills the members about the process; what cannot be read stays 0. */
void metrics_read_process(struct metrics_data *data);

/** Writes the whole page. Returns 0 or -EIO, with errors that @out had before too. */
int metrics_write(const struct metrics_data *data, bool openmetrics, FILE *out);

/* ---- rows: metrics_emit.c */

typedef void metric_emit(struct metrics_text *text, const struct metrics_data *data,
			 const struct metric *metric);

metric_emit metric_number; /* the uint64_t at the offset */
metric_emit metric_duration; /* the same in nanoseconds, as seconds */
metric_emit metric_traffic_packets; /* {interface,direction,verdict} */
metric_emit metric_traffic_bytes;
metric_emit metric_dropped_packets; /* {interface,direction,reason} */
metric_emit metric_policy_counter; /* {policy}; the offset is in struct pep_counters */
metric_emit metric_policy_info; /* {policy,action,mode,origin} */
metric_emit metric_policies_by_origin;
metric_emit metric_interface_attached;
metric_emit metric_interface_info;
metric_emit metric_listener_up;
metric_emit metric_requests; /* {route,method,code} */
metric_emit metric_request_durations;
metric_emit metric_publish_durations;
metric_emit metric_hotplug_windows;
metric_emit metric_build_info;

#endif
