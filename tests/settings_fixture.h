/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the configuration have in common: one of each, a directory,
 * and how to read a text.
 */
#ifndef SETTINGS_FIXTURE_H
#define SETTINGS_FIXTURE_H

#include <check.h>

#include "policyset.h"
#include "problem.h"
#include "settings.h"

/* What the last text or file gave; a test begins without. */
extern struct settings *settings;
extern struct policyset *set;
extern struct problems problems;

/** settings_parse() of a text. */
int parse(const char *text);

/** settings_load() of a file with that text. */
int load(const char *text);

/** Writes a file in the test's directory. */
void write_file(const char *name, const char *text);

/** The path of a file there, valid until the next call. */
const char *path_of(const char *name);

/** The problem at @pointer, or NULL. */
const struct problem *problem_at(const char *pointer);

/** Runs the tests of a case; the exit status. */
int run_case(TCase *tcase);

#endif
