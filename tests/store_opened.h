/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One store for the tests of what it reads, opened over and over.
 */
#ifndef STORE_OPENED_H
#define STORE_OPENED_H

#include "problem.h"
#include "store_fixture.h"
#include "store_state.h"

/* What the last opening gave; a test begins without. */
extern struct store *store;
extern struct policyset *set;
extern struct problems problems;

void close_all(void);

/** Opens it, again perhaps. As store_open(). */
int reopen(void);
void assert_opens(void);

/** Opens it and finds that there is nothing to say. */
void assert_opens_clean(void);

/** Appends the transactions 1 to @last of the fixture. */
void append_up_to(unsigned int last);

/** Writes a file of one line: format, @body, checksum. */
void write_line(const char *name, const char *body);

/** Runs the tests of a case; the exit status. */
int run_case(TCase *tcase);

#endif
