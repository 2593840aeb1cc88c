// SPDX-License-Identifier: Apache-2.0
#include "suggest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define WORD_MAX 40

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/*
 * Insertions, deletions, changes and swaps of neighbours that lead from one
 * word to the other, case ignored: row by row, of which the last three are kept.
 */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int rows[3][WORD_MAX + 1];
	size_t length = strlen(b);
	size_t i;

	for (unsigned int j = 0; j <= length; j++)
		rows[0][j] = j;
	for (i = 1; a[i - 1]; i++) {
		unsigned int *row = rows[i % 3], *above = rows[(i - 1) % 3];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= length; j++) {
			row[j] = least(above[j], row[j - 1]) + 1;
			row[j] = least(row[j], above[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1);
		}
	}
	return rows[(i - 1) % 3][length];
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
