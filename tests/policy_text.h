/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies for tests, made of JSON text in which ' stands for ".
 */
#ifndef POLICY_TEXT_H
#define POLICY_TEXT_H

#include <check.h>

struct policy;
struct problems;

/* What the tests take for now. */
#define TEST_NOW_US 1800000000000000 /* 2027-01-15T08:00:00Z */
#define TEST_BOOTTIME_NS 5000000000

/** The policy that @text says; the test fails when it is not valid. The caller puts it. */
struct policy *policy_from(const char *text);

/** What is wrong with @text: "pointer: detail" a line. The caller frees it; "" when nothing is. */
char *problems_of(const char *text);

/** The definition in one line. The caller frees it. */
char *policy_text(const struct policy *policy);

/** A file of the source tree as a string. The caller frees it. */
char *read_source_file(const char *name);

/** Runs the test cases of a file; what main() returns. */
int run_case(const char *name, TCase *tcase);

#endif
