/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of 16 bits and ranges of them ("23", "1000-2000"), as ports, VLAN
 * ids, lengths and the like are written.
 */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"

struct reason;

#define NUMBER_TEXT_MAX 16

/**
 * Reads decimal digits and nothing else, without leading zeros. Returns 0,
 * -EINVAL, -ERANGE above @max; @ret unchanged then.
 */
int number_parse(const char *text, uint64_t max, uint64_t *ret);

/** Reads "N" or "N-M", N <= M <= @max. Returns 0; -EINVAL with the reason. */
int number_range_parse(const char *text, uint16_t max, struct number_range *ret,
		       struct reason *reason);

/** Prints it so that number_range_parse() gives it back. */
void number_range_print(const struct number_range *range, char ret_text[NUMBER_TEXT_MAX]);

/** Whether the two have the same ranges in the same order. */
bool number_list_equal(const struct number_list *a, const struct number_list *b);

/** How many numbers the union has; 65536 for an empty list, which means any. */
uint32_t number_list_span(const struct number_list *list);

#endif
