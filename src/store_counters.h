/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters in the state directory: from a stop to the next start.
 */
#ifndef STORE_COUNTERS_H
#define STORE_COUNTERS_H

#include <stdint.h>

struct store;

#define STORE_COUNT_NUMBERS 4

enum store_count_kind {
	COUNT_POLICY = 1, /* passed packets and bytes, dropped packets and bytes */
	COUNT_INTERFACE, /* direction, outcome, packets, bytes */
	COUNT_TOTAL, /* index, number */
};

/* What was counted. */
struct store_count {
	enum store_count_kind kind;
	const char *name; /* of the policy or interface; "" */
	uint64_t number[STORE_COUNT_NUMBERS];
};

struct store_writer;

/** Calls store_add_count() for all there is. */
typedef void (*store_counts)(void *context, struct store_writer *writer);
/** To be called from that. */
void store_add_count(struct store_writer *writer, const struct store_count *count);
/** Stores counters for the next start. Returns 0 or -errno. */
int store_save_counters(struct store *store, store_counts counts, void *context);

typedef void (*store_counted)(void *context, const struct store_count *count);
/** Reads them back. Returns 0, -ENOENT, -EBADMSG, -EPROTO or -errno. */
int store_load_counters(const struct store *store, store_counted counted, void *context);
/** They are counted on, and not to be read again. */
void store_drop_counters(const struct store *store);

#endif
