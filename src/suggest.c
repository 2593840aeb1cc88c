// SPDX-License-Identifier: Apache-2.0
#include "suggest.h"

#include <ctype.h>
#include <string.h>

#define WORD_MAX 40

static unsigned int least(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int least_ab = a < b ? a : b;

	return least_ab < c ? least_ab : c;
}

/* Levenshtein's distance, case ignored; row by row, words up to WORD_MAX. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[WORD_MAX + 1];
	size_t length = strlen(b);

	for (unsigned int j = 0; j <= length; j++)
		row[j] = j;
	for (unsigned int i = 1; a[i - 1]; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (unsigned int j = 1; j <= length; j++) {
			unsigned int above = row[j];
			unsigned int changed = tolower((unsigned char)a[i - 1]) !=
					       tolower((unsigned char)b[j - 1]);

			row[j] = least(above + 1, row[j - 1] + 1, diagonal + changed);
			diagonal = above;
		}
	}
	return row[length];
}

void suggest(struct suggestion *suggestion, const char *known)
{
	size_t length = strlen(known);
	unsigned int near, bound = length < 4 ? 1 : length < 8 ? 2 : 3;

	if (length > WORD_MAX || strlen(suggestion->wrong) > WORD_MAX)
		return;
	near = distance(suggestion->wrong, known);
	if (near > bound || (suggestion->best && near >= suggestion->distance))
		return;
	suggestion->best = known;
	suggestion->distance = near;
}
