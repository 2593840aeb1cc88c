/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of addresses for tests, made of their text form.
 */
#ifndef SET_TEXT_H
#define SET_TEXT_H

#include <check.h>

struct address_set;
struct address_sets;

/* What the sets take for now. */
#define SET_NOW_US 1800000000000000 /* 2027-01-15T08:00:00Z */

/** The set that @text says, entries separated by a space or a newline; the caller puts it. */
struct address_set *set_from(const char *name, const char *text);

/** Its entries, a space behind each; valid until the next call. */
const char *set_text(const struct address_set *set);

/** A collection with that set put in; takes over both references. */
struct address_sets *sets_with(struct address_sets *sets, struct address_set *set);

#endif
