/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of routes: which function answers a method on a path, and what
 * one must be to ask.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include <stddef.h>

#include "http_access.h"

struct http_request;

enum route_method {
	ROUTE_GET, /* HEAD too */
	ROUTE_POST,
	ROUTE_PUT,
	ROUTE_PATCH,
	ROUTE_DELETE,
	ROUTE_METHODS,
};

typedef void (*route_answer)(struct http_request *request);

struct route {
	const char *pattern; /* "/policies/{id}": one variable segment at most */
	enum route_method method;
	enum http_access access;
	const char *parameters; /* of the query that it knows: "limit cursor"; NULL: none */
	route_answer answer;
};

extern const struct route route_table[];
extern const size_t route_count;

/* What a path leads to. */
struct route_match {
	const struct route *route; /* NULL: the path has no such method */
	const char *pattern; /* NULL: there is no such path */
	const char *variable; /* where the variable segment begins in the path; NULL: none */
	size_t variable_length;
	unsigned int methods; /* of the path: bit per enum route_method */
};

/** Looks @path (without query, still encoded) up. */
void route_find(const char *path, enum route_method method, struct route_match *ret);

/** "GET", "POST" ... */
const char *route_method_name(enum route_method method);

/** Writes the value of an Allow header for a set of methods. */
void route_allow(unsigned int methods, char *ret, size_t size);

/** @{ */
/** What answers: route_NAME.c, sse.c. */
void route_health(struct http_request *request);
void route_metrics(struct http_request *request);
void route_stats(struct http_request *request);
void route_interfaces(struct http_request *request);
void route_events(struct http_request *request);
void route_audit(struct http_request *request);
void route_reset(struct http_request *request);
void route_reload(struct http_request *request);
void route_check(struct http_request *request);
void route_explain(struct http_request *request);

void route_list_policies(struct http_request *request);
void route_get_policy(struct http_request *request);

void route_list_sets(struct http_request *request);
void route_get_set(struct http_request *request);
void route_put_set(struct http_request *request);
void route_patch_set(struct http_request *request);
void route_delete_set(struct http_request *request);

void route_list_changes(struct http_request *request);
void route_roll_back(struct http_request *request);
void route_confirm(struct http_request *request);

void route_put_policies(struct http_request *request); /* POST: add or replace */
void route_replace_policies(struct http_request *request); /* PUT on all of the API's */
void route_delete_policies(struct http_request *request); /* ?id= */
void route_put_policy(struct http_request *request);
void route_patch_policy(struct http_request *request);
void route_delete_policy(struct http_request *request);
/** @} */

#endif
