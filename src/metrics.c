/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <errno.h>
#include <time.h>

#include "cleanup.h"
#include "daemon.h"
#include "datapath.h"
#include "datapath_counters.h"
#include "http_health.h"
#include "http_server.h"
#include "policyset.h"
#include "settings.h"

#define NUMBER(member) metric_number, offsetof(struct metrics_data, member)
#define DURATION(member) metric_duration, offsetof(struct metrics_data, member)
#define POLICY(member) metric_policy_counter, offsetof(struct pep_counters, member)

const struct metric metrics_table[] = {
	{ "pepctl_build_info", METRIC_INFO, "Version of pepctl and of the kernel it runs on.",
	  metric_build_info, 0 },
	{ "pepctl_uptime_seconds", METRIC_GAUGE, "Seconds since the daemon was started.",
	  NUMBER(uptime_seconds) },

	/* of the original pepctl */
	{ "pepctl_policies_total", METRIC_UNTYPED, "Policies in force, by its old name.",
	  NUMBER(policy_count) },
	{ "pepctl_daemon_packets_processed_total", METRIC_COUNTER, "Packets that were decided.",
	  NUMBER(traffic.packets) },
	{ "pepctl_daemon_packets_allowed_total", METRIC_COUNTER, "Packets that passed.",
	  NUMBER(traffic.allowed) },
	{ "pepctl_daemon_packets_blocked_total", METRIC_COUNTER,
	  "Packets dropped for any reason but a limit.", NUMBER(traffic.blocked) },
	{ "pepctl_daemon_packets_logged_total", METRIC_COUNTER,
	  "Packets that matched a policy in force that reports its matches.",
	  NUMBER(policies.logged) },
	{ "pepctl_daemon_packets_rate_limited_total", METRIC_COUNTER,
	  "Packets dropped because they exceeded a limit.", NUMBER(traffic.rate_limited) },
	{ "pepctl_daemon_bytes_processed_total", METRIC_COUNTER, "Layer 3 bytes that were decided.",
	  NUMBER(traffic.bytes) },
	{ "pepctl_ebpf_packets_processed_total", METRIC_COUNTER,
	  "Packets that the kernel programs decided.", NUMBER(traffic.packets) },

	/* traffic */
	{ "pepctl_packets_total", METRIC_COUNTER, "Packets by interface, direction and verdict.",
	  metric_traffic_packets, 0 },
	{ "pepctl_bytes_total", METRIC_COUNTER,
	  "Layer 3 bytes by interface, direction and verdict.", metric_traffic_bytes, 0 },
	{ "pepctl_dropped_packets_total", METRIC_COUNTER, "Dropped packets by reason.",
	  metric_dropped_packets, 0 },

	/* policies */
	{ "pepctl_policy_packets_total", METRIC_COUNTER, "Packets that matched a policy.",
	  POLICY(packets) },
	{ "pepctl_policy_bytes_total", METRIC_COUNTER, "Layer 3 bytes that matched a policy.",
	  POLICY(bytes) },
	{ "pepctl_policy_dropped_packets_total", METRIC_COUNTER, "Packets that a policy dropped.",
	  POLICY(dropped_packets) },
	{ "pepctl_policy_dropped_bytes_total", METRIC_COUNTER,
	  "Layer 3 bytes that a policy dropped.", POLICY(dropped_bytes) },
	{ "pepctl_policy_would_drop_packets_total", METRIC_COUNTER,
	  "Packets that a policy in audit mode would have dropped.", POLICY(would_drop_packets) },
	{ "pepctl_policy_info", METRIC_INFO, "What a policy is.", metric_policy_info, 0 },
	{ "pepctl_policies_unexported", METRIC_GAUGE,
	  "Policies without samples of their own, see metrics.policies.",
	  NUMBER(policies_unexported) },
	{ "pepctl_policies", METRIC_GAUGE, "Policies in force by origin.",
	  metric_policies_by_origin, 0 },
	{ "pepctl_policies_capacity", METRIC_GAUGE, "Policies that there is room for.",
	  NUMBER(policies_capacity) },
	{ "pepctl_rules", METRIC_GAUGE, "Rules that the policies come to.", NUMBER(rules) },
	{ "pepctl_rules_capacity", METRIC_GAUGE, "Rules that there is room for.",
	  NUMBER(rules_capacity) },

	/* what is in force */
	{ "pepctl_generation", METRIC_GAUGE, "Generation in force; each change has the next.",
	  NUMBER(generation) },
	{ "pepctl_publish_duration_seconds", METRIC_HISTOGRAM,
	  "How long it took to put a change in force.", metric_publish_durations, 0 },
	{ "pepctl_hotplug_window_seconds", METRIC_HISTOGRAM,
	  "From the kernel's message about a new interface to its attachment.",
	  metric_hotplug_windows, 0 },
	{ "pepctl_image_bytes", METRIC_GAUGE, "Size of the compiled policies.",
	  NUMBER(image_bytes) },
	{ "pepctl_overlay_policies", METRIC_GAUGE,
	  "Policies that are not in the main image as they are, and wait to be folded into it.",
	  NUMBER(overlay_policies) },
	{ "pepctl_worst_compares", METRIC_GAUGE, "Most rules that one lookup can compare.",
	  NUMBER(worst_compares) },
	{ "pepctl_interface_attached", METRIC_GAUGE, "1 if policies are enforced on an interface.",
	  metric_interface_attached, 0 },
	{ "pepctl_interface_info", METRIC_INFO, "How an interface is attached.",
	  metric_interface_info, 0 },
	{ "pepctl_enforcement_in_sync", METRIC_GAUGE,
	  "1 if every interface that should be attached is.", NUMBER(in_sync) },
	{ "pepctl_flow_cache_hits_total", METRIC_COUNTER, "Packets decided by the flow cache.",
	  NUMBER(cache_hits) },
	{ "pepctl_flow_cache_misses_total", METRIC_COUNTER, "Packets that needed the classifier.",
	  NUMBER(cache_misses) },
	{ "pepctl_events_lost_total", METRIC_COUNTER, "Events without room in the ring buffer.",
	  NUMBER(events_lost) },
	{ "pepctl_events_suppressed_total", METRIC_COUNTER,
	  "Events beyond the limit of their policy or reason.", NUMBER(events_suppressed) },
	{ "pepctl_limiter_races_total", METRIC_COUNTER,
	  "Updates of a limit that another processor came before.", NUMBER(limit_races) },
	{ "pepctl_limiter_saturated", METRIC_GAUGE,
	  "1 if packets were dropped because a limit was contended too much.",
	  NUMBER(limiter_saturated) },

	/* the daemon */
	{ "pepctl_listener_up", METRIC_GAUGE, "1 if the API listens there.", metric_listener_up,
	  0 },
	{ "pepctl_http_requests_total", METRIC_COUNTER, "Requests to the API.", metric_requests,
	  0 },
	{ "pepctl_http_request_duration_seconds", METRIC_HISTOGRAM,
	  "How long requests took until the answer was ready.", metric_request_durations, 0 },
	{ "pepctl_config_last_reload_successful", METRIC_GAUGE,
	  "1 if the files were good when they were last read.", NUMBER(reload_ok) },
	{ "pepctl_config_last_reload_success_timestamp_seconds", METRIC_GAUGE,
	  "When files were last read that were good.", DURATION(reload_time_ns) },
	{ "process_cpu_seconds_total", METRIC_COUNTER, "Processor time, user and system.",
	  DURATION(cpu_ns) },
	{ "process_open_fds", METRIC_GAUGE, "Open file descriptors.", NUMBER(open_fds) },
	{ "process_max_fds", METRIC_GAUGE, "Most file descriptors that can be open.",
	  NUMBER(max_fds) },
	{ "process_virtual_memory_bytes", METRIC_GAUGE, "Virtual memory.", NUMBER(virtual_bytes) },
	{ "process_resident_memory_bytes", METRIC_GAUGE, "Resident memory.",
	  NUMBER(resident_bytes) },
	{ "process_start_time_seconds", METRIC_GAUGE, "When the process was started.",
	  DURATION(start_time_ns) },
};
const size_t metrics_count = ARRAY_SIZE(metrics_table);

static void read_datapath(struct metrics_data *data);
static void read_daemon(struct metrics_data *data);

int metrics_read(struct http *http, struct metrics_data *ret)
{
	*ret = (struct metrics_data){ .http = http, .daemon = http->daemon };
	if (http_traffic(http, &ret->traffic) ||
	    http_policy_counts_first(http->daemon, http->daemon->settings->metrics_policies,
				     &ret->policies))
		return -ENOMEM;
	read_datapath(ret);
	read_daemon(ret);
	metrics_read_process(ret);
	return 0;
}

void metrics_data_clear(struct metrics_data *data)
{
	http_policy_counts_clear(&data->policies);
}

int metrics_write(const struct metrics_data *data, bool openmetrics, FILE *out)
{
	struct metrics_text text = { .out = out, .openmetrics = openmetrics };

	for (size_t i = 0; i < metrics_count; i++) {
		const struct metric *metric = &metrics_table[i];

		metrics_family(&text, metric->name, metric->type, metric->help);
		metric->emit(&text, data, metric);
	}
	metrics_end(&text);
	return fflush(out) || ferror(out) ? -EIO : 0;
}

static void read_datapath(struct metrics_data *data)
{
	struct datapath_figures figures;
	struct pep_totals totals;

	datapath_figures(data->daemon->datapath, &figures);
	datapath_totals(data->daemon->datapath, &totals);
	data->rules = figures.rules;
	data->generation = figures.generation;
	data->image_bytes = figures.image_bytes;
	data->overlay_policies = figures.overlay_policies;
	data->worst_compares = figures.worst_compares;
	data->cache_hits = totals.cache_hits;
	data->cache_misses = totals.cache_misses;
	data->events_lost = totals.events_lost;
	data->events_suppressed = totals.events_suppressed;
	data->limit_races = totals.limit_races;
	data->limiter_saturated = data->traffic.outcome[PEP_OUTCOME_LIMIT_CONTENDED].packets > 0;
}

static void read_daemon(struct metrics_data *data)
{
	const struct daemon *daemon = data->daemon;
	const struct settings *settings = daemon->settings;
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	data->uptime_seconds = ((uint64_t)now.tv_sec * HTTP_NS_PER_SECOND + (uint64_t)now.tv_nsec -
				daemon->started_ns) /
			       HTTP_NS_PER_SECOND;
	data->policy_count = daemon->set->count;
	data->policies_unexported = data->policies.left_out;
	data->policies_capacity = settings->capacity;
	data->rules_capacity = settings->max_rules;
	data->in_sync = health_of(daemon, NULL) != HEALTH_OUT_OF_SYNC;
	data->reload_ok = daemon->last_reload_ok;
	data->reload_time_ns = (uint64_t)daemon->last_reload_us * 1000;
	data->start_time_ns = (uint64_t)daemon->started_us * 1000;
}
