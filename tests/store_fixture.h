/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the store have in common: a directory, a series of
 * transactions, and what a set looks like after some of them.
 */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include <check.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "policyset.h"
#include "store.h"

#define TEXT_MAX 4096
#define FILE_MAX 65536

extern char fixture_base[PATH_MAX];
extern char fixture_directory[PATH_MAX + 8]; /* of the store, below it; not there at first */

/** Makes a new base below $TMPDIR. */
void fixture_make(void);

/** Removes a file or a directory with all that is in it, if it is there. */
void fixture_remove(const char *path);

/* ---- files of the store */

/** The path of one, valid until the next call. */
const char *fixture_path(const char *name);
size_t fixture_read(const char *name, char text[FILE_MAX]);
void fixture_write(const char *name, const char *text, size_t size);
bool fixture_exists(const char *name);

/* ---- policies */

struct policy *fixture_policy(const char *text);

/** One that blocks all, with @number as its description. */
struct policy *fixture_block(const char *id, unsigned int number);

/** "a=1 b=7 ": ids and descriptions. */
void fixture_text(const struct policyset *set, char text[TEXT_MAX]);

/* ---- transactions 1, 2 ...: each changes an old policy, adds and removes one */

int fixture_append(struct store *store, unsigned int number);

/** Puts in the place of a set the one after a transaction. */
void fixture_apply(struct policyset **set, unsigned int number);

/** The bits of the transactions 1 to @last. */
unsigned int fixture_up_to(unsigned int last);

/** Whether a set is what the transactions give whose bits are set. */
bool fixture_is(const struct policyset *set, unsigned int numbers);
void fixture_assert_set(const struct policyset *set, unsigned int numbers);

#endif
