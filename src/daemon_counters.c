/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters on disk: written at a stop, and read by a start that finds nothing
 * of an earlier process to count on with, as after a reboot.
 */
#include <errno.h>
#include <string.h>

#include "daemon.h"
#include "daemon_takeover.h"
#include "datapath.h"
#include "datapath_counters.h"
#include "datapath_inherit.h"
#include "log.h"
#include "policyset.h"
#include "store_counters.h"

static void add_policies(const struct daemon *daemon, struct store_writer *writer)
{
	for (size_t i = 0; i < daemon->set->count; i++) {
		struct pep_counters counted;
		struct store_count count = { .kind = COUNT_POLICY };

		datapath_slot_counters(daemon->datapath,
				       datapath_slot_of(daemon->datapath, daemon->set, i),
				       &counted);
		if (!counted.packets)
			continue;
		count.name = daemon->set->policy[i]->id;
		count.number[0] = counted.packets - counted.dropped_packets;
		count.number[1] = counted.bytes - counted.dropped_bytes;
		count.number[2] = counted.dropped_packets;
		count.number[3] = counted.dropped_bytes;
		store_add_count(writer, &count);
	}
}

static void add_direction(const struct daemon *daemon, const char *name, int direction,
			  struct store_writer *writer)
{
	struct pep_tally outcome[PEP_OUTCOME_MAX];

	datapath_interface_tally(daemon->datapath, name, (enum pep_direction)direction, outcome);
	for (uint64_t i = 0; i < PEP_OUTCOME_MAX; i++) {
		const struct store_count count = {
			COUNT_INTERFACE,
			name,
			{ (uint64_t)direction, i, outcome[i].packets, outcome[i].bytes },
		};

		if (outcome[i].packets)
			store_add_count(writer, &count);
	}
}

static void add_all(void *context, struct store_writer *writer)
{
	const struct daemon *daemon = context;
	struct pep_totals totals;
	const char *name;
	size_t id = 0;

	add_policies(daemon, writer);
	while ((name = datapath_next_counted(daemon->datapath, &id))) {
		for (int direction = 0; direction < PEP_DIRECTIONS; direction++)
			add_direction(daemon, name, direction, writer);
	}
	datapath_totals(daemon->datapath, &totals);
	for (uint64_t i = 0; i < sizeof(totals) / sizeof(uint64_t); i++) {
		const struct store_count count = {
			COUNT_TOTAL,
			"",
			{ i, ((const uint64_t *)&totals)[i] },
		};

		store_add_count(writer, &count);
	}
}

void daemon_save_counters(const struct daemon *daemon)
{
	int r = store_save_counters(daemon->store, add_all, (void *)daemon);

	if (r < 0)
		log_warn("counters cannot be stored, and begin at zero where no map is kept: %s",
			 strerror(-r));
}

static void take(void *context, const struct store_count *count)
{
	struct datapath *datapath = context;
	const uint64_t *number = count->number;

	if (count->kind == COUNT_POLICY)
		datapath_policy_count_on(datapath, count->name, number);
	else if (count->kind == COUNT_INTERFACE)
		datapath_interface_count_on(datapath, count->name, number);
	else if (count->kind == COUNT_TOTAL)
		datapath_total_count_on(datapath, number);
}

void daemon_load_counters(const struct daemon *daemon)
{
	int r;

	if (datapath_has_past(daemon->datapath))
		return;
	r = store_load_counters(daemon->store, take, daemon->datapath);
	if (r < 0 && r != -ENOENT)
		log_warn("stored counters cannot be read, and begin at zero: %s", strerror(-r));
}
