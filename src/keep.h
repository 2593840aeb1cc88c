/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What outlives the process: links and maps, by name, in the service manager's
 * store of descriptors or as pins in a bpffs.  The names are all there is to
 * know of them; a thing that is kept goes on until it is dropped.
 */
#ifndef KEEP_H
#define KEEP_H

#include <stdbool.h>
#include <stddef.h>

#define KEEP_NAME_BYTES 64

struct keep;

enum keep_choice {
	KEEP_AUTO, /* in the store where there is a service manager, else as pins */
	KEEP_PINS,
	KEEP_NOTHING,
};

/* Where things are kept. */
enum keep_place { KEEP_NOWHERE, KEEP_IN_STORE, KEEP_AS_PINS };

/**
 * Finds what earlier processes left in either place; @directory is that of the pins, in which a
 * bpffs is mounted if there is none. Where things cannot be kept as chosen it says so in the log,
 * and keeps nothing. Returns 0 or -ENOMEM.
 */
int keep_open(enum keep_choice choice, const char *directory, struct keep **ret);

/** Where keep_put() puts things. */
enum keep_place keep_place(const struct keep *keep);

/** The descriptor of a thing that was found, which stays the keep's; -1: there is none. */
int keep_find(const struct keep *keep, const char *name);

/** The names of what is kept, from an index on that begins at 0; NULL: no more. What is dropped
 * gives its index to another one. */
const char *keep_name(const struct keep *keep, size_t index);

/**
 * Keeps a thing under a name; one that has been found under it is it, and is moved if it is not
 * where it should be. The caller keeps @fd. Tolerates a NULL @keep. Returns 0 or -errno.
 */
int keep_put(struct keep *keep, const char *name, int fd);

/** Keeps it no longer, and closes what was found. Tolerates NULL, and a name that is not there. */
void keep_drop(struct keep *keep, const char *name);

/** Returns when what was put is sure to outlive this process, or after a second. */
void keep_wait(const struct keep *keep);

/** Closes what was found; all stays kept. Tolerates NULL. */
void keep_close(struct keep **keep);

#endif
