// SPDX-License-Identifier: Apache-2.0
/*
 * What earlier runs counted goes into this one's baselines.
 */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "datapath_counters.h"
#include "datapath_inherit.h"
#include "datapath_past.h"
#include "datapath_reader.h"

#define TALLIES (PEP_DIRECTIONS * PEP_OUTCOME_MAX)

/* Where values go that are added to baselines, or taken from them. */
struct pour {
	struct datapath_reader *reader;
	uint32_t entry;
	bool add;
};

static void pour_words(uint64_t *to, const uint64_t *from, size_t words, bool add)
{
	for (size_t i = 0; i < words; i++) {
		if (from[i])
			to[i] += add ? from[i] : -from[i];
	}
}

static void pour_chunk(struct datapath *datapath, const struct past_run *run,
		       const struct pour *pour, uint32_t chunk)
{
	const struct pep_matches *from;
	size_t count;

	from = (const void *)datapath_reader_read(pour->reader, pour->entry, &count);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t slot = run->slot[chunk * PEP_CHUNK + i];

		if (slot == PEP_SLOT_NONE)
			continue;
		pour_words(
			(uint64_t *)&datapath->chunk[slot / PEP_CHUNK].baseline[slot % PEP_CHUNK],
			(const uint64_t *)&from[i], PAST_WORDS(*from), pour->add);
	}
}

static int pour_policies(struct datapath *datapath, const struct past_run *run)
{
	CLEANUP(datapath_reader_close) struct datapath_reader *counters = NULL;
	CLEANUP(datapath_reader_close) struct datapath_reader *baselines = NULL;
	const uint32_t stripes = run->header->stripes;
	int error;

	error = past_read(run, MAP_COUNTERS, PAST_WORDS(struct pep_matches), &counters);
	if (!error)
		error = past_read(run, MAP_BASELINES, PAST_WORDS(struct pep_matches), &baselines);
	for (uint32_t chunk = 0; chunk < run->slots / PEP_CHUNK && !error; chunk++) {
		for (uint32_t i = 0; i < stripes; i++)
			pour_chunk(datapath, run,
				   &(struct pour){ counters, chunk * stripes + i, false }, chunk);
		if (run->header->complete)
			pour_chunk(datapath, run, &(struct pour){ baselines, chunk, true }, chunk);
	}
	return error;
}

static void pour_tally(const struct pour *pour, struct pep_tally *to)
{
	size_t count;
	const uint64_t *from = datapath_reader_read(pour->reader, pour->entry, &count);

	if (count >= TALLIES)
		pour_words((uint64_t *)to, from, TALLIES * PAST_WORDS(*to), pour->add);
}

static int pour_interfaces(struct datapath *datapath, const struct past_run *run,
			   const struct pep_name *names)
{
	CLEANUP(datapath_reader_close) struct datapath_reader *counters = NULL;
	CLEANUP(datapath_reader_close) struct datapath_reader *baselines = NULL;
	int error = past_read(run, MAP_INTERFACE_COUNTERS, PAST_WORDS(struct pep_tally), &counters);

	if (!error)
		error = past_read(run, MAP_INTERFACE_BASELINES, PAST_WORDS(struct pep_tally),
				  &baselines);
	for (uint32_t old = 0; old < PEP_INTERFACES && !error; old++) {
		struct pep_tally sum[TALLIES] = { 0 };

		if (old && !names[old].text[0])
			break;
		for (uint32_t i = 0; i < run->header->stripes; i++)
			pour_tally(&(struct pour){ counters, old * run->header->stripes + i,
						   false },
				   sum);
		if (run->header->complete)
			pour_tally(&(struct pour){ baselines, old, true }, sum);
		error = datapath_tally_inherit(datapath, names[old].text, sum);
	}
	return error;
}

static int pour_totals(struct datapath *datapath, const struct past_run *run)
{
	CLEANUP(cleanup_free) struct pep_totals *totals = NULL;
	int error = past_copy(run, MAP_TOTALS, run->header->stripes, PAST_WORDS(*totals), &totals);

	if (error)
		return error;
	for (uint32_t i = 0; i < run->header->stripes; i++)
		pour_words((uint64_t *)&datapath->run->baseline, (const uint64_t *)&totals[i],
			   PAST_WORDS(*totals), false);
	if (run->header->complete)
		pour_words((uint64_t *)&datapath->run->baseline,
			   (const uint64_t *)&run->header->baseline, PAST_WORDS(*totals), true);
	return 0;
}

int past_pour(struct datapath *datapath, const struct past_run *run)
{
	CLEANUP(cleanup_free) struct pep_name *names = NULL;
	int error;

	error = pour_policies(datapath, run);
	if (!error)
		error = pour_totals(datapath, run);
	if (!error)
		error = past_copy(run, MAP_NAMES, PEP_INTERFACES, PAST_WORDS(*names), &names);
	if (!error)
		error = pour_interfaces(datapath, run, names);
	return error;
}

/* ---- of what else is known */

bool datapath_has_past(const struct datapath *datapath)
{
	const struct datapath_past *past = datapath->past;

	for (size_t i = 0; past && i < past->count; i++) {
		if (past_is_whole(&past->run[i]))
			return true;
	}
	return false;
}

void datapath_policy_count_on(struct datapath *datapath, const char *id, const uint64_t number[4])
{
	uint32_t slot = datapath_policy_slot(datapath, id);
	struct datapath_chunk *chunk;

	if (slot == PEP_SLOT_NONE)
		return;
	chunk = &datapath->chunk[slot / PEP_CHUNK];
	if (!chunk->baseline && datapath_chunks_add_baselines(datapath))
		return;
	pour_words((uint64_t *)&chunk->baseline[slot % PEP_CHUNK], number,
		   PAST_WORDS(struct pep_matches), false);
}

void datapath_interface_count_on(struct datapath *datapath, const char *name,
				 const uint64_t number[4])
{
	struct pep_tally sum[TALLIES] = { 0 };

	if (number[0] >= PEP_DIRECTIONS || number[1] >= PEP_OUTCOME_MAX)
		return;
	sum[number[0] * PEP_OUTCOME_MAX + number[1]] = (struct pep_tally){
		.packets = -number[2],
		.bytes = -number[3],
	};
	(void)datapath_tally_inherit(datapath, name, sum);
}

void datapath_total_count_on(struct datapath *datapath, const uint64_t number[2])
{
	if (number[0] < PAST_WORDS(struct pep_totals))
		((uint64_t *)&datapath->run->baseline)[number[0]] -= number[1];
}
