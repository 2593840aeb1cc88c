/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What bench/classifier measures, and how it is printed.
 */
#ifndef MEASURED_H
#define MEASURED_H

#include <stdio.h>

#include "figures.h"

struct bed;

enum measured {
	EMPTY,
	LOOKUP,
	HASH,
	HASH_ALL,
	LPM,
	FEED,
	HASH_PIPELINE,
	HOT,
	COLD,
	OVERLAID,
	WORST_LOOKUP,
	WORST_PIPELINE,
	MEASURED
};

/* As in the JSON; NULL: in the table only. */
extern const char *const measured_names[MEASURED];

/** An object of a file's figures: MEASURED series; those without rounds were not measured. */
void measured_json(FILE *output, const char *path, const struct bed *bed,
		   const struct series *series);

/** The table's heading, and the rows of a file. */
void measured_heading(void);
void measured_row(const char *path, const struct bed *bed, const struct series *s);

#endif
