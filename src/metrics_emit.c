/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "attach.h"
#include "daemon.h"
#include "datapath.h"
#include "datapath_counters.h"
#include "http.h"
#include "http_health.h"
#include "http_server.h"
#include "metrics.h"
#include "outcome.h"
#include "policyset.h"

static const char *const direction_names[PEP_DIRECTIONS] = { "ingress", "egress" };
static const char *const verdict_names[] = { [PEP_PASS] = "pass", [PEP_DROP] = "drop" };

static void emit_traffic(struct metrics_text *text, const struct metrics_data *data, bool bytes);
static void emit_dropped(struct metrics_text *text, const struct pep_tally *outcome,
			 const char *interface, const char *direction);

static uint64_t number_at(const void *base, size_t offset)
{
	uint64_t value;

	memcpy(&value, (const char *)base + offset, sizeof(value));
	return value;
}

void metric_number(struct metrics_text *text, const struct metrics_data *data,
		   const struct metric *metric)
{
	metrics_sample(text, NULL, number_at(data, metric->offset));
}

void metric_duration(struct metrics_text *text, const struct metrics_data *data,
		     const struct metric *metric)
{
	metrics_seconds(text, number_at(data, metric->offset));
}

void metric_traffic_packets(struct metrics_text *text, const struct metrics_data *data,
			    const struct metric *metric)
{
	(void)metric;
	emit_traffic(text, data, false);
}

void metric_traffic_bytes(struct metrics_text *text, const struct metrics_data *data,
			  const struct metric *metric)
{
	(void)metric;
	emit_traffic(text, data, true);
}

void metric_dropped_packets(struct metrics_text *text, const struct metrics_data *data,
			    const struct metric *metric)
{
	(void)metric;
	for (size_t i = 0; i < data->http->interface_count; i++) {
		const char *interface = data->http->interface_names[i];

		for (int j = 0; j < PEP_DIRECTIONS; j++) {
			struct pep_tally outcome[PEP_OUTCOME_MAX];

			datapath_interface_tally(data->daemon->datapath, interface,
						 (enum pep_direction)j, outcome);
			emit_dropped(text, outcome, interface, direction_names[j]);
		}
	}
}

void metric_policy_counter(struct metrics_text *text, const struct metrics_data *data,
			   const struct metric *metric)
{
	struct metrics_label labels[] = { { "policy", "" }, { NULL, NULL } };

	for (size_t i = 0; i < data->policies.count; i++) {
		const struct http_policy_count *count = &data->policies.of[i];

		labels[0].value = data->daemon->set->policy[count->index]->id;
		metrics_sample(text, labels, number_at(&count->counters, metric->offset));
	}
	labels[0].value = "";
	if (data->policies_unexported)
		metrics_sample(text, labels, number_at(&data->policies.rest, metric->offset));
}

void metric_policy_info(struct metrics_text *text, const struct metrics_data *data,
			const struct metric *metric)
{
	(void)metric;
	for (size_t i = 0; i < data->policies.count; i++) {
		const struct policy *policy = data->daemon->set->policy[data->policies.of[i].index];
		const struct metrics_label labels[] = {
			{ "policy", policy->id },
			{ "action", policy_action_name(policy->action) },
			{ "mode", policy->enabled ? "enforce" : "disabled" },
			{ "origin", policy_origin_name(policy->origin) },
			{ NULL, NULL },
		};

		metrics_sample(text, labels, 1);
	}
}

void metric_policies_by_origin(struct metrics_text *text, const struct metrics_data *data,
			       const struct metric *metric)
{
	static const enum origin origins[] = { ORIGIN_FILE, ORIGIN_API };

	(void)metric;
	for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
		const struct metrics_label labels[] = {
			{ "origin", policy_origin_name(origins[i]) },
			{ NULL, NULL },
		};

		metrics_sample(text, labels, data->daemon->set->of_origin[origins[i]]);
	}
}

void metric_interface_attached(struct metrics_text *text, const struct metrics_data *data,
			       const struct metric *metric)
{
	size_t count = 0;
	const struct attachment *const *list = attachments_list(data->daemon->attachments, &count);

	(void)metric;
	for (size_t i = 0; i < count; i++) {
		const struct metrics_label labels[] = { { "interface", list[i]->name },
							{ NULL, NULL } };

		metrics_sample(text, labels, list[i]->mode && health_attached(list[i]));
	}
}

void metric_interface_info(struct metrics_text *text, const struct metrics_data *data,
			   const struct metric *metric)
{
	size_t count = 0;
	const struct attachment *const *list = attachments_list(data->daemon->attachments, &count);

	(void)metric;
	for (size_t i = 0; i < count; i++) {
		const struct metrics_label labels[] = {
			{ "interface", list[i]->name },
			{ "mode", list[i]->mode ? list[i]->mode : "" },
			{ "driver", list[i]->driver ? list[i]->driver : "" },
			{ NULL, NULL },
		};

		metrics_sample(text, labels, 1);
	}
}

void metric_listener_up(struct metrics_text *text, const struct metrics_data *data,
			const struct metric *metric)
{
	size_t count = 0;
	const struct http_listener_state *list = http_listeners(data->http, &count);

	(void)metric;
	for (size_t i = 0; i < count; i++) {
		const struct metrics_label labels[] = { { "listener", list[i].address },
							{ NULL, NULL } };

		metrics_sample(text, labels, list[i].up);
	}
}

void metric_requests(struct metrics_text *text, const struct metrics_data *data,
		     const struct metric *metric)
{
	(void)metric;
	for (size_t i = 0; i < data->http->tally_count; i++) {
		const struct http_tally *tally = &data->http->tallies[i];
		char code[16];
		const struct metrics_label labels[] = {
			{ "route", tally->route },
			{ "method", tally->method },
			{ "code", code },
			{ NULL, NULL },
		};

		snprintf(code, sizeof(code), "%d", tally->status);
		metrics_sample(text, labels, tally->requests);
	}
}

void metric_request_durations(struct metrics_text *text, const struct metrics_data *data,
			      const struct metric *metric)
{
	(void)metric;
	metrics_histogram(text, &data->http->request_durations);
}

void metric_publish_durations(struct metrics_text *text, const struct metrics_data *data,
			      const struct metric *metric)
{
	(void)metric;
	metrics_histogram(text, &data->http->publish_durations);
}

void metric_hotplug_windows(struct metrics_text *text, const struct metrics_data *data,
			    const struct metric *metric)
{
	(void)metric;
	metrics_histogram(text, &data->http->hotplug_windows);
}

void metric_build_info(struct metrics_text *text, const struct metrics_data *data,
		       const struct metric *metric)
{
	struct utsname kernel = { .release = "" };
	const struct metrics_label labels[] = {
		{ "version", PACKAGE_VERSION },
		{ "kernel", kernel.release },
		{ NULL, NULL },
	};

	(void)data;
	(void)metric;
	uname(&kernel);
	metrics_sample(text, labels, 1);
}

static void emit_traffic(struct metrics_text *text, const struct metrics_data *data, bool bytes)
{
	for (size_t i = 0; i < data->http->interface_count * PEP_DIRECTIONS * 2; i++) {
		const char *interface = data->http->interface_names[i / (PEP_DIRECTIONS * 2)];
		enum pep_direction direction = (enum pep_direction)(i / 2 % PEP_DIRECTIONS);
		enum pep_verdict verdict = i % 2 ? PEP_DROP : PEP_PASS;
		const struct metrics_label labels[] = {
			{ "interface", interface },
			{ "direction", direction_names[direction] },
			{ "verdict", verdict_names[verdict] },
			{ NULL, NULL },
		};
		struct pep_tally outcome[PEP_OUTCOME_MAX], sum;

		datapath_interface_tally(data->daemon->datapath, interface, direction, outcome);
		sum = http_verdict_tally(outcome, verdict);
		metrics_sample(text, labels, bytes ? sum.bytes : sum.packets);
	}
}

static void emit_dropped(struct metrics_text *text, const struct pep_tally *outcome,
			 const char *interface, const char *direction)
{
	for (unsigned int i = 0; i < PEP_OUTCOME_COUNT; i++) {
		const struct outcome *row = outcome_find(i);
		const struct metrics_label labels[] = {
			{ "interface", interface },
			{ "direction", direction },
			{ "reason", row->label },
			{ NULL, NULL },
		};

		if (row->verdict == PEP_DROP)
			metrics_sample(text, labels, outcome[i].packets);
	}
}
