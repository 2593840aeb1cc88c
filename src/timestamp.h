/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points in time as microseconds since 1970 in UTC, and as RFC 3339 text:
 * 2026-01-31T23:59:59Z, with .123456 in front of the Z when there are any.
 */
#ifndef TIMESTAMP_H
#define TIMESTAMP_H

#include <stdint.h>

struct reason;

#define TIMESTAMP_TEXT_MAX 32

/* The last second of the year 9999. */
#define TIMESTAMP_MAX_US 253402300799999999

/**
 * Reads UTC only, years 1970 to 9999, 1 to 9 digits of a second's fraction of
 * which six count. Returns 0; -EINVAL with the reason.
 */
int timestamp_parse(const char *text, int64_t *ret_us, struct reason *reason);

/** Prints it; "" for what timestamp_parse() could not give. */
void timestamp_print(int64_t us, char ret_text[TIMESTAMP_TEXT_MAX]);

#endif
