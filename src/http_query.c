/* SPDX-License-Identifier: Apache-2.0 */
#include "http_query.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

struct pair {
	const char *name, *value; /* within the text */
};

struct http_query {
	char *text; /* decoded in place */
	struct pair *pair;
	size_t count;
};

static int add_pair(struct http_query *query, char *text);
static int decode(char *text);
static int hex_digit(char digit);
static bool is_word(const char *words, const char *word);

int http_query_parse(const char *text, struct http_query **ret)
{
	CLEANUP(http_query_free) struct http_query *query = calloc(1, sizeof(*query));
	int result = 0;
	char *rest;

	if (!query)
		return -ENOMEM;
	rest = query->text = strdup(text ? text : "");
	if (!rest)
		return -ENOMEM;
	while (rest && !result) {
		char *part = strsep(&rest, "&");

		if (*part)
			result = add_pair(query, part);
	}
	if (!result)
		*ret = TAKE_PTR(query);
	return result;
}

const char *http_query_value(const struct http_query *query, const char *name, size_t n)
{
	for (size_t i = 0; i < query->count; i++)
		if (!strcmp(query->pair[i].name, name) && !n--)
			return query->pair[i].value;
	return NULL;
}

const char *http_query_unknown(const struct http_query *query, const char *known)
{
	for (size_t i = 0; i < query->count; i++)
		if (!known || !is_word(known, query->pair[i].name))
			return query->pair[i].name;
	return NULL;
}

const char *http_query_repeated(const struct http_query *query, const char *except)
{
	for (size_t i = 0; i < query->count; i++) {
		const char *name = query->pair[i].name;

		if (strcmp(name, except) != 0 && http_query_value(query, name, 1))
			return name;
	}
	return NULL;
}

void http_query_free(struct http_query **query)
{
	if (!*query)
		return;
	free((*query)->pair);
	free((*query)->text);
	free(*query);
	*query = NULL;
}

static int add_pair(struct http_query *query, char *text)
{
	struct pair *pairs = reallocarray(query->pair, query->count + 1, sizeof(*pairs));
	char *value = strchrnul(text, '=');

	if (!pairs)
		return -ENOMEM;
	query->pair = pairs;
	if (*value)
		*value++ = '\0';
	if (decode(text) || decode(value))
		return -EINVAL;
	pairs[query->count++] = (struct pair){ .name = text, .value = value };
	return 0;
}

/* A NUL would end the text early; it is as malformed as half an escape. */
static int decode(char *text)
{
	char *to = text;

	for (; *text; text++) {
		int high, low;

		if (*text != '%') {
			*to++ = *text == '+' ? ' ' : *text;
			continue;
		}
		high = hex_digit(text[1]);
		low = high < 0 ? -1 : hex_digit(text[2]);
		if (low < 0 || !(high << 4 | low))
			return -EINVAL;
		*to++ = (char)(high << 4 | low);
		text += 2;
	}
	*to = '\0';
	return 0;
}

static int hex_digit(char digit)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *found = digit ? strchr(digits, digit) : NULL;
	int value = found ? (int)(found - digits) : -1;

	return value > 15 ? value - 6 : value;
}

static bool is_word(const char *words, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = words; length && (at = strstr(at, word)); at++)
		if ((at == words || at[-1] == ' ') && (!at[length] || at[length] == ' '))
			return !strchr(word, ' ');
	return false;
}
