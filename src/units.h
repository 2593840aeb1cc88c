/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amounts, rates and durations as people write them: "64KiB", "10MB/s",
 * "100Mbit/s", "1000/s", "1h30m".
 */
#ifndef UNITS_H
#define UNITS_H

#include <stdbool.h>
#include <stdint.h>

struct reason;

/* What a number counts, which decides the units that it may carry. */
enum units_kind {
	UNITS_BYTES, /* 64KiB, 10MB, 512kbit, 1500 */
	UNITS_PACKETS, /* 1000, 10k, 1M */
};

#define UNITS_TEXT_MAX 32
#define UNITS_MAX 1000000000000 /* the largest amount: 10^12 */

/**
 * Reads an amount, with "/s" behind its unit when @per_second (or "pps"). Fractions may be
 * written where the result is whole: "1.5MB". Returns 0; -EINVAL with the
 * reason.
 */
int units_parse(const char *text, enum units_kind kind, bool per_second, uint64_t *ret,
		struct reason *reason);

/** Prints so that units_parse() gives it back, with the unit that makes it shortest. */
void units_print(uint64_t amount, enum units_kind kind, bool per_second,
		 char ret_text[UNITS_TEXT_MAX]);

/** Whether a text carries a unit of bytes or bits. */
bool units_are_bytes(const char *text);

/**
 * Reads a duration in seconds: "90", "90s", "5m", "1h30m", "2d", "1w".
 * Returns 0; -EINVAL with the reason.
 */
int duration_parse(const char *text, uint64_t *ret_seconds, struct reason *reason);

/** Prints it with the two largest units that matter: "1h30m", "2d". Rounds down. */
void duration_print(uint64_t seconds, char ret_text[UNITS_TEXT_MAX]);

#endif
