/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the interfaces that exist are attached to.  One packet must not be
 * seen twice: of a bond and its member, a bridge and its port, a VLAN and its
 * parent only one is taken, unless the configuration names both exactly.
 */
#ifndef INTERFACES_CHOICE_H
#define INTERFACES_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

#include "links.h"

struct settings;

struct choice {
	struct link link;
	bool wanted; /* the configuration names it */
	bool exact; /* by its name, not by a glob */
	/* NULL, or whose packets are the same; then it is not attached to. */
	const struct choice *refused_for;
};

/**
 * Decides for @count links with `link` filled in; sorts them by ifindex. Of
 * two that see the same packets the exactly named one stays, else the one
 * nearer to the wire, which sees all that the other does.
 */
void interfaces_choose(const struct settings *settings, struct choice *choices, size_t count);

/** Whether @text is a glob and no name. */
bool interfaces_is_glob(const char *text);

#endif
