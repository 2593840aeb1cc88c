// SPDX-License-Identifier: Apache-2.0
/*
 * What a lookup costs, beside other structures on the same headers: see
 * usage[] for what is measured.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bed.h"
#include "cleanup.h"
#include "datapath_counters.h"
#include "measured.h"
#include "trace.h"

#define ROUNDS 31

static const char usage[] =
	"usage: bench/classifier [--json] [--output FILE] [OPTION...] FILE...\n"
	"\n"
	"Compiles ClassBench sets (IPv4 or IPv6; also .gz, .xz), lets 10 % of the policies'\n"
	"slots die, and measures on a trace of 65536 headers: 90 % a random point of a random\n"
	"rule, 10 % with random addresses.  Every header is held against a linear search (8192\n"
	"of them above 50,000 rules), which comes before anything is measured.\n"
	"\n"
	"  --json         print an object for each file instead of the table\n"
	"  --output FILE  write the objects to FILE, and the table\n"
	"  --rounds N     measure N times (31)\n"
	"  --dead N       percentage of slots that are dead (10)\n"
	"  --overlay N    measure lookups with N of the policies in the overlay, too\n"
	"  --worst        measure the worst headers that a search over a million finds, too\n"
	"  --lookups      leave out whole programs\n"
	"  --unchecked    leave out the linear search\n"
	"  --cpu N        run on this CPU (the last), before all others while it is measured\n"
	"\n"
	"All are measured in turn, the whole trace each, N times, in runs of 4096 headers\n"
	"(BPF_PROG_TEST_RUN).  Figures are ns a header, with nothing subtracted: \"min\" and\n"
	"\"median\" of each 4096 headers over the rounds, then the mean.\n"
	"\n"
	"  empty_ns       the loop that the lookups run in: a header is read and made a packet\n"
	"  lookup_ns      that and the classifier, which is the datapath's own code and maps\n"
	"  hash_ns        that and a BPF hash lookup of the five-tuple (16 bytes; IPv6: 40), of\n"
	"                 as many entries as rules: distinct headers of the trace, as many as fit,\n"
	"                 and strangers if there is room.  The trace is cut down to those headers,\n"
	"                 in random order, so that every lookup finds its key\n"
	"  hash64k (table only)  the same with an entry for each header of the whole trace\n"
	"  lpm_ns         that and an LPM trie lookup of the source, of all source prefixes\n"
	"  feed (table only)  what whole programs are given packets by: a frame is copied, then a\n"
	"                 tail call to a program that returns at once\n"
	"  hash_pipeline_ns   that with a program that parses, does the lookup of hash_ns (and on\n"
	"                 its trace), and counts\n"
	"  pipeline_hot_ns    that with the loaded program, on those of the same flows that the flow\n"
	"                 cache of the usual size holds at once (all of them in sets of some ten\n"
	"                 thousand rules): each is found there\n"
	"  pipeline_cold_ns   that with the loaded program on the whole trace, every packet a new\n"
	"                 flow\n"
	"\n"
	"  overlay_ns     as lookup_ns, of a datapath whose main image lacks some policies\n"
	"  worst_lookup_ns, worst_pipeline_ns   as lookup_ns and pipeline_cold_ns, on the 4096 headers\n"
	"                 with the most nodes and comparisons of a million: corners of rules and random\n"
	"                 points of them, crossed with each other and with the worst found so far\n"
	"\n"
	"Ratios (table only) are of lookups to hash, and of pipelines to hash_pipeline; /raw as\n"
	"measured, the others less empty or feed, which both sides have in them.  The interval\n"
	"is that of the median over the rounds, at 95 %.\n";

/* Beds of the same file. */
enum which { PLAIN, OVERLAY, WORST, STANDS };

struct stand {
	struct bed bed;
	struct programs *programs; /* NULL: it is not there */
};

struct options {
	bool json;
	FILE *output;
	size_t rounds;
	unsigned int dead_percent, overlay;
	bool lookups, unchecked, worst;
	int cpu; /* -1: the last */
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* ---- one measurement */

static const struct kind {
	bool whole; /* a program, not a lookup */
	enum which stand;
	enum lookup lookup;
	enum bench_next next;
	enum bench_trace trace;
} kinds[MEASURED] = {
	[EMPTY] = { .lookup = LOOKUP_EMPTY },
	[LOOKUP] = { .lookup = LOOKUP_CLASSIFY },
	[HASH] = { .lookup = LOOKUP_HASH, .trace = TRACE_HASH },
	[HASH_ALL] = { .lookup = LOOKUP_HASH_ALL },
	[LPM] = { .lookup = LOOKUP_LPM },
	[FEED] = { true, .next = NEXT_EMPTY },
	[HASH_PIPELINE] = { true, .next = NEXT_HASH, .trace = TRACE_HASH },
	[HOT] = { true, .next = NEXT_PIPELINE, .trace = TRACE_CACHED },
	[COLD] = { true, .next = NEXT_PIPELINE, .trace = TRACE_ALL },
	[OVERLAID] = { .stand = OVERLAY, .lookup = LOOKUP_CLASSIFY },
	[WORST_LOOKUP] = { .stand = WORST, .lookup = LOOKUP_CLASSIFY },
	[WORST_PIPELINE] = { true, .stand = WORST, .next = NEXT_PIPELINE },
};

static bool is_measured(const struct options *options, const struct stand *stands,
			enum measured what)
{
	return stands[kinds[what].stand].programs && !(options->lookups && kinds[what].whole);
}

/* The whole trace: ns a header, of each slice. */
static void measure(struct stand *stands, enum measured what, double ret_ns[BENCH_SLICES])
{
	const struct kind *kind = &kinds[what];
	struct stand *stand = &stands[kind->stand];

	if (what == COLD || what == WORST_PIPELINE)
		datapath_refresh(stand->bed.datapath); /* the flow cache forgets */
	if (kind->whole) {
		programs_feed(stand->programs, kind->next, kind->trace, ret_ns);
		return;
	}
	for (unsigned int i = 0; i < BENCH_SLICES; i++)
		ret_ns[i] = programs_lookup(stand->programs, kind->lookup, kind->trace, i);
}

static void measure_round(struct stand *stands, enum measured what, struct series *series,
			  size_t round)
{
	double ns[BENCH_SLICES];

	if (what == HOT)
		measure(stands, what, ns); /* enters the flows */
	measure(stands, what, ns);
	for (unsigned int slice = 0; slice < BENCH_SLICES; slice++)
		series_put(series, round, slice, ns[slice]);
}

/* The flow cache must have what is said of it, or the figures are of something else. */
static void check_cache(struct stand *stands, enum measured what)
{
	struct datapath *datapath = stands[kinds[what].stand].bed.datapath;
	struct pep_totals before, after;
	double ns[BENCH_SLICES], hits;

	datapath_totals(datapath, &before);
	measure(stands, what, ns);
	datapath_totals(datapath, &after);
	hits = (double)(after.cache_hits - before.cache_hits) / BENCH_TRACE;
	if (what == HOT ? hits < 0.99 : hits > 0.01)
		fprintf(stderr, "%s: %.1f %% of the packets were found in the flow cache\n",
			measured_names[what], hits * 100);
}

/* ---- a file */

/* Before all others or among them again: what interrupts a round is in its figures. */
static void set_urgent(bool urgent)
{
	const struct sched_param parameter = { .sched_priority = urgent };

	if (sched_setscheduler(0, urgent ? SCHED_FIFO : SCHED_OTHER, &parameter))
		perror("SCHED_FIFO");
}

static void measure_all(const struct options *options, struct stand *stands, struct series *series)
{
	for (enum measured what = 0; what < MEASURED; what++) {
		if (is_measured(options, stands, what))
			series_open(&series[what], options->rounds, BENCH_SLICES);
	}
	set_urgent(true);
	for (size_t round = 0; round < options->rounds; round++) {
		for (enum measured what = 0; what < MEASURED; what++) {
			if (series[what].rounds)
				measure_round(stands, what, &series[what], round);
		}
	}
	set_urgent(false);
	if (options->lookups)
		return;
	check_cache(stands, COLD);
	if (options->worst)
		check_cache(stands, WORST_PIPELINE);
	measure_round(stands, HOT, &series[HOT], 0);
	check_cache(stands, HOT);
}

static void open_stand(const struct options *options, const char *path, enum which which,
		       struct stand *ret)
{
	const struct bed_options asked = {
		.dead_percent = options->dead_percent,
		.overlay = which == OVERLAY ? options->overlay : 0,
		.worst = which == WORST,
	};

	bed_open(path, &asked, &ret->bed);
	ret->programs = trace_load(&ret->bed);
	for (unsigned int slice = 0; slice < BENCH_SLICES; slice++)
		programs_lookup(ret->programs, LOOKUP_CHECK, TRACE_ALL, slice);
	if (!options->unchecked)
		bed_check(&ret->bed, programs_slots(ret->programs));
}

static unsigned long run_file(const struct options *options, const char *path)
{
	const bool wanted[STANDS] = { true, options->overlay > 0, options->worst };
	struct series series[MEASURED] = { 0 };
	struct stand stands[STANDS] = { 0 };
	struct bed *bed = &stands[PLAIN].bed;
	unsigned long mismatches;

	for (enum which i = 0; i < STANDS; i++) {
		if (wanted[i])
			open_stand(options, path, i, &stands[i]);
		bed->mismatches += i == PLAIN ? 0 : stands[i].bed.mismatches;
	}
	measure_all(options, stands, series);
	if (options->json)
		measured_json(stdout, path, bed, series);
	else
		measured_row(path, bed, series);
	if (options->output)
		measured_json(options->output, path, bed, series);
	mismatches = bed->mismatches;
	for (int i = 0; i < MEASURED; i++)
		series_close(&series[i]);
	for (int i = 0; i < STANDS; i++) {
		programs_free(&stands[i].programs);
		if (stands[i].bed.datapath)
			bed_close(&stands[i].bed);
	}
	return mismatches;
}

/* ---- the command */

static void pin(int cpu)
{
	cpu_set_t cpus;

	if (cpu < 0)
		cpu = (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
	CPU_ZERO(&cpus);
	CPU_SET((size_t)cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		die("--cpu");
}

static FILE *open_output(const char *path)
{
	FILE *output = fopen(path, "we");

	if (!output)
		die(path);
	return output;
}

static unsigned int number(const char *text, unsigned int least)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (!*end && end != text && value >= least && value <= 100000)
		return (unsigned int)value;
	fprintf(stderr, "not a number to be used here: %s\n", text);
	exit(2);
}

static bool take_option(struct options *options, int option)
{
	if (option == 'j')
		options->json = true;
	else if (option == 'o')
		options->output = open_output(optarg);
	else if (option == 'r')
		options->rounds = number(optarg, 1);
	else if (option == 'd')
		options->dead_percent = number(optarg, 0);
	else if (option == 'c')
		options->cpu = (int)number(optarg, 0);
	else if (option == 'v')
		options->overlay = number(optarg, 1);
	else if (option == 'w')
		options->worst = true;
	else if (option == 'l')
		options->lookups = true;
	else if (option == 'u')
		options->unchecked = true;
	else
		return false;
	return true;
}

static void read_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "output", required_argument, NULL, 'o' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "dead", required_argument, NULL, 'd' },
		{ "cpu", required_argument, NULL, 'c' },
		{ "overlay", required_argument, NULL, 'v' },
		{ "worst", no_argument, NULL, 'w' },
		{ "lookups", no_argument, NULL, 'l' },
		{ "unchecked", no_argument, NULL, 'u' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		if (take_option(options, option))
			continue;
		fputs(usage, option == 'h' ? stdout : stderr);
		exit(option == 'h' ? 0 : 2);
	}
	if (optind < argc)
		return;
	fputs(usage, stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	struct options options = { .rounds = ROUNDS, .dead_percent = 10, .cpu = -1 };
	unsigned long mismatches = 0;

	read_options(argc, argv, &options);
	pin(options.cpu);
	if (!options.json)
		measured_heading();
	for (int i = optind; i < argc; i++)
		mismatches += run_file(&options, argv[i]);
	cleanup_file(&options.output);
	return mismatches > 0;
}
