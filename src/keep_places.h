/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The places where things are kept, for keep.c.
 */
#ifndef KEEP_PLACES_H
#define KEEP_PLACES_H

#include <stdbool.h>

typedef int (*keep_found)(void *context, const char *name, int fd);

/* Each works on the directory of pins, which the store ignores. */
struct keep_place_rows {
	/* Calls back for each thing, whose @fd the callback takes. Returns 0 or its -errno. */
	int (*each)(const char *directory, keep_found found, void *context);
	/* Returns 0 or -errno. */
	int (*put)(const char *directory, const char *name, int fd);
	void (*drop)(const char *directory, const char *name);
};

extern const struct keep_place_rows keep_store, keep_pins;

/** Whether a service manager runs this process that may have a store. */
bool keep_store_is_there(void);

/** Makes the directory one of a bpffs. Returns 0 or -errno. */
int keep_pins_prepare(const char *directory);

#endif
