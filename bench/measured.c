// SPDX-License-Identifier: Apache-2.0
#include "measured.h"

#include <math.h>
#include <string.h>

#include "bed.h"

const char *const measured_names[MEASURED] = {
	[EMPTY] = "empty_ns",
	[LOOKUP] = "lookup_ns",
	[HASH] = "hash_ns",
	[HASH_ALL] = NULL,
	[LPM] = "lpm_ns",
	[FEED] = NULL,
	[HOT] = "pipeline_hot_ns",
	[COLD] = "pipeline_cold_ns",
	[HASH_PIPELINE] = "hash_pipeline_ns",
	[OVERLAID] = "overlay_ns",
	[WORST_LOOKUP] = "worst_lookup_ns",
	[WORST_PIPELINE] = "worst_pipeline_ns",
};

static void print_json_ratio(FILE *output, const char *name, struct ratio ratio)
{
	if (isfinite(ratio.median))
		fprintf(output, ",\"%s\":{\"median\":%.3f,\"low\":%.3f,\"high\":%.3f}", name,
			ratio.median, ratio.low, ratio.high);
}

/* As the table has them. */
static void print_json_ratios(FILE *output, const struct series *s)
{
	print_json_ratio(output, "lookup_by_hash", series_ratio(&s[LOOKUP], &s[HASH], &s[EMPTY]));
	print_json_ratio(output, "lookup_by_hash_raw", series_ratio(&s[LOOKUP], &s[HASH], NULL));
	print_json_ratio(output, "hot_by_hash_pipeline",
			 series_ratio(&s[HOT], &s[HASH_PIPELINE], &s[FEED]));
	print_json_ratio(output, "hot_by_hash_pipeline_raw",
			 series_ratio(&s[HOT], &s[HASH_PIPELINE], NULL));
	print_json_ratio(output, "cold_by_hash_pipeline",
			 series_ratio(&s[COLD], &s[HASH_PIPELINE], &s[FEED]));
	print_json_ratio(output, "cold_by_hash_pipeline_raw",
			 series_ratio(&s[COLD], &s[HASH_PIPELINE], NULL));
}

void measured_json(FILE *output, const char *path, const struct bed *bed,
		   const struct series *series)
{
	fprintf(output, "{\"file\":\"%s\",\"rules\":%zu,\"mismatches\":%lu", path, bed->file.count,
		bed->mismatches);
	for (int i = 0; i < MEASURED; i++) {
		struct summary summary;

		if (!measured_names[i] || !series[i].rounds)
			continue;
		summary = series_summary(&series[i]);
		fprintf(output, ",\"%s\":{\"min\":%.1f,\"median\":%.1f}", measured_names[i],
			summary.min, summary.median);
	}
	print_json_ratios(output, series);
	fprintf(output, ",\"image_bytes\":%zu,\"build_ms\":%.1f,\"worst_compares\":%u}\n",
		bed->figures.image_bytes, (double)bed->figures.build_ns / 1e6,
		bed->figures.worst_compares);
	fflush(output);
}

void measured_heading(void)
{
	printf("%-14s %6s %4s | %6s %6s %6s %7s %6s | %6s %6s %6s %6s | %-18s %6s | %-18s %-18s %6s\n",
	       "medians, ns", "rules", "bad", "empty", "lookup", "hash", "hash64k", "lpm", "feed",
	       "hashpl", "hot", "cold", "lookup/hash", "/raw", "hot/hashpl", "cold/hashpl", "/raw");
}

static void print_ratio(struct ratio ratio)
{
	printf(" %4.2f [%4.2f, %4.2f]", ratio.median, ratio.low, ratio.high);
}

/* What is measured on other stands, beside its like on the plain one. */
static void print_beside(const struct series *s, enum measured what, enum measured like,
			 enum measured base)
{
	if (!s[what].rounds)
		return;
	printf("    %-18s %6.1f, to %s", measured_names[what], series_summary(&s[what]).median,
	       measured_names[like]);
	print_ratio(series_ratio(&s[what], &s[like], &s[base]));
	printf(" /raw %4.2f\n", series_ratio(&s[what], &s[like], NULL).median);
}

void measured_row(const char *path, const struct bed *bed, const struct series *s)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	printf("%-14s %6zu %4lu |", name, bed->file.count, bed->mismatches);
	for (int i = 0; i <= COLD; i++) {
		if (s[i].rounds)
			printf(i == HASH_ALL ? " %7.1f" : " %6.1f", series_summary(&s[i]).median);
		else
			printf(" %6s", "-");
		if (i == LPM || i == COLD)
			printf(" |");
	}
	print_ratio(series_ratio(&s[LOOKUP], &s[HASH], &s[EMPTY]));
	printf(" %6.2f |", series_ratio(&s[LOOKUP], &s[HASH], NULL).median);
	if (s[COLD].rounds) {
		print_ratio(series_ratio(&s[HOT], &s[HASH_PIPELINE], &s[FEED]));
		print_ratio(series_ratio(&s[COLD], &s[HASH_PIPELINE], &s[FEED]));
		printf(" %6.2f", series_ratio(&s[COLD], &s[HASH_PIPELINE], NULL).median);
	}
	printf("\n");
	print_beside(s, OVERLAID, LOOKUP, EMPTY);
	print_beside(s, WORST_LOOKUP, LOOKUP, EMPTY);
	print_beside(s, WORST_PIPELINE, COLD, FEED);
	fflush(stdout);
}
