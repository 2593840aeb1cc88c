/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Did you mean": the known word that somebody who typed another had in mind.
 */
#ifndef SUGGEST_H
#define SUGGEST_H

/* The best candidate so far; starts as { .wrong = what was typed }. */
struct suggestion {
	const char *wrong;
	const char *best; /* NULL: none is near enough */
	unsigned int distance; /* of best */
};

/** Considers a known word; it must outlive the suggestion. */
void suggest(struct suggestion *suggestion, const char *known);

#endif
