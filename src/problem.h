/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with an input, said all at once: a list of places (JSON
 * pointers) with what was found there and what would be right.  Parsers
 * append and go on; their caller looks at the count.
 */
#ifndef PROBLEM_H
#define PROBLEM_H

#include <stdbool.h>
#include <stddef.h>

struct problem {
	char *pointer; /* RFC 6901, "" for the whole document */
	char *detail; /* one sentence without a full stop */
	bool warning;
};

struct problems {
	struct problem *list;
	size_t count; /* of both kinds */
	size_t errors;
	bool out_of_memory; /* one could not be noted; counts as an error too */
};

/** Notes an error. Never fails visibly: see out_of_memory. */
void problem_add(struct problems *problems, const char *pointer, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** Notes a warning: worth saying, and nothing is refused for it. */
void problem_warn(struct problems *problems, const char *pointer, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** Prefixes the pointers of all entries from index @first on with @prefix. */
void problems_prefix(struct problems *problems, size_t first, const char *prefix);

/** Appends the entries of @from to @to, and leaves none. */
void problems_move(struct problems *from, struct problems *to);

/** Releases the entries; the struct itself stays usable and empty. */
void problems_clear(struct problems *problems);

#endif
