/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random packets of the few values that random policies ask for.
 */
#ifndef RANDOM_SAMPLES_H
#define RANDOM_SAMPLES_H

#include "datapath.h"
#include "oracle.h"

/** Draws a packet: of either family and direction, with tags, fragments and all. */
void draw_sample(struct sample *s);

/** Draws a program of its direction. */
enum datapath_program draw_program(const struct sample *s);

#endif
