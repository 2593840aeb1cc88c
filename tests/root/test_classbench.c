// SPDX-License-Identifier: Apache-2.0
/*
 * ClassBench rule sets as policies: headers aimed at the rules, and random
 * ones, must meet what a linear search finds.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "classbench.h"
#include "cleanup.h"
#include "dry_bed.h"
#include "random_policies.h"

#define HEADERS 4096
#define HEADERS_LARGE 1500 /* of sets above LARGE: the oracle is linear */
#define LARGE 15000

static void draw_header(const struct classbench *file, struct sample *s)
{
	classbench_draw(file, draw(10) == 0, s);
	s->interface = "orc0";
}

static void run_file(struct dry_bed *bed, const char *path)
{
	struct policyset *none = policyset_new(), *set;
	struct datapath_figures figures;
	struct oracle *oracle;
	struct classbench file;
	struct sample sample;
	unsigned long before;

	classbench_read(path, &file);
	set = classbench_policies(&file);
	bed->state = path;
	dry_bed_publish(bed, set, none, true);
	datapath_figures(bed->datapath, &figures);
	oracle = oracle_new(set, none, true, 0);
	before = bed->failed;
	for (int i = 0; i < (file.count > LARGE ? HEADERS_LARGE : HEADERS); i++) {
		draw_header(&file, &sample);
		dry_bed_ask(bed, oracle, &sample, i % 2 ? PROGRAM_TC_INGRESS : PROGRAM_XDP_FRAGS);
	}
	printf("%s: %zu rules, image %zu bytes, at most %u compares, built in %" PRIu64
	       " ms, mismatches %lu\n",
	       path, figures.rules, figures.image_bytes, figures.worst_compares,
	       figures.build_ns / 1000000, bed->failed - before);
	oracle_free(oracle);
	policyset_put(&set);
	policyset_put(&none);
	classbench_clear(&file);
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "acl1_1k",	    "acl3_1k",	  "acl5_1k",  "fw1_1k",
					     "fw4_1k",	    "ipc1_1k",	  "acl1_10k", "acl3_10k",
					     "acl5_10k",    "fw1_10k",	  "fw4_10k",  "ipc1_10k",
					     "acl1_v6_10k", "fw1_v6_10k", "ipc1_32k", "fw1_31k",
					     "acl1_44k" };
	const char *srcdir = getenv("srcdir");
	struct dry_bed bed;
	char path[512];

	dry_bed_open(&bed);
	for (int i = 1; i < argc; i++)
		run_file(&bed, argv[i]);
	for (size_t i = 0; i < ARRAY_SIZE(names) && argc == 1; i++) {
		snprintf(path, sizeof(path), "%s/tests/data/classbench/%s.gz",
			 srcdir ? srcdir : ".", names[i]);
		run_file(&bed, path);
	}
	dry_bed_check_still(&bed);
	return dry_bed_close(&bed);
}
