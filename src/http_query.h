/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query of a URL: names and values, decoded.
 */
#ifndef HTTP_QUERY_H
#define HTTP_QUERY_H

#include <stddef.h>

struct http_query;

/** Parses what is behind the "?"; NULL is an empty one. 0, -EINVAL or -ENOMEM. */
int http_query_parse(const char *text, struct http_query **ret);

/** The @n-th value of @name, or NULL. */
const char *http_query_value(const struct http_query *query, const char *name, size_t n);

/** The first name that is not a word of @known ("limit cursor"; NULL: none is known), or NULL. */
const char *http_query_unknown(const struct http_query *query, const char *known);

/** The first name that occurs again, but for @except, or NULL. */
const char *http_query_repeated(const struct http_query *query, const char *except);

/** Tolerates NULL. */
void http_query_free(struct http_query **query);

#endif
