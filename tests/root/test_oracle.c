// SPDX-License-Identifier: Apache-2.0
/*
 * Random packets against random policies: the loaded programs, run dry, must
 * agree with the oracle in verdict, policy and reason, and leave no trace.
 */
#include <stdlib.h>
#include <time.h>

#include "cleanup.h"
#include "dry_bed.h"
#include "random_policies.h"
#include "random_samples.h"

#define SETS 2000
#define SETS_QUICK 600
#define PACKETS 100 /* a set */
#define POLICIES_MOST 50
#define FAILSAFE_MOST 3

static void run_set(struct dry_bed *bed)
{
	char *text = malloc(RANDOM_JSON_BYTES), *safe = malloc(RANDOM_JSON_BYTES);
	struct policyset *set = random_set(1 + draw(POLICIES_MOST), false, text);
	struct policyset *failsafe = random_set(draw(FAILSAFE_MOST), true, safe);
	bool default_block = draw(2);
	struct oracle *oracle = oracle_new(set, failsafe, default_block, time(NULL) * 1000000LL);
	struct sample sample;

	bed->state = text;
	dry_bed_publish(bed, set, failsafe, default_block);
	for (int i = 0; i < PACKETS; i++) {
		draw_sample(&sample);
		dry_bed_ask(bed, oracle, &sample, draw_program(&sample));
	}
	oracle_free(oracle);
	policyset_put(&set);
	policyset_put(&failsafe);
	free(text);
	free(safe);
}

int main(int argc, char **argv)
{
	unsigned int usual = getenv("TEST_SLOW") ? SETS : SETS_QUICK;
	unsigned int sets = argc > 1 ? (unsigned int)atoi(argv[1]) : usual;
	struct dry_bed bed;

	dry_bed_open(&bed);
	for (unsigned int i = 0; i < sets; i++)
		run_set(&bed);
	dry_bed_check_still(&bed);
	return dry_bed_close(&bed);
}
