/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request as the routes see it: what was asked, and the ways to answer.
 * Every route answers exactly once.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http_caller.h"
#include "route.h"

struct daemon;
struct evbuffer;
struct evhttp_request;
struct http;
struct http_connection;
struct json_object;
struct problems;

struct http_request {
	struct http *http;
	struct daemon *daemon;
	struct http_connection *connection;
	struct evhttp_request *evhttp;
	struct http_query *query;
	const struct route *route; /* NULL until it is found */
	enum route_method method;
	struct http_caller caller;
	bool audited; /* what becomes of it is in the audit log, or need not be */
	bool head; /* HEAD: a GET without its body */
	char *id; /* the variable segment of the path, decoded; NULL: none */
	uint64_t began_ns;
	struct http_kept *kept; /* it is answered later; NULL: at once */
};

/* ---- answering later */

/**
 * Makes a request outlive the route's call: the caller owns the result, and the original is
 * nothing any more. Without memory it answers and returns NULL.
 */
struct http_request *http_keep(struct http_request *request);

/** To be called before it is answered: whether somebody is still there to be answered. */
bool http_resume(struct http_request *request);

/** Frees one that was kept, answered or not. */
void http_release(struct http_request **request);

/* ---- asking */

/** What was asked for: path and query, as sent. Of one that is kept also when the client has left. */
const char *http_target(const struct http_request *request);

/** "GET", "HEAD" ..., or "other". */
const char *http_method(const struct http_request *request);

/** A header's value; NULL: there is none. */
const char *http_header(const struct http_request *request, const char *name);

/** The value of a parameter of the query, the @n-th of that name; NULL: there is none. */
const char *http_parameter(const struct http_request *request, const char *name, size_t n);

/**
 * Reads "true" or "false", absent is false. Otherwise answers with 400 and
 * returns -EINVAL.
 */
int http_flag(struct http_request *request, const char *name, bool *ret);

/** Reads a time of 1 to @most seconds, absent is 0. As http_flag(). */
int http_seconds(struct http_request *request, const char *name, uint32_t most, uint32_t *ret);

/** Takes the body, which the caller frees. When there is none: answers and returns -errno. */
int http_take_body(struct http_request *request, struct evbuffer **ret);

/* ---- answering */

/** Sets a header of the answer in place of one of that name. */
void http_set_header(struct http_request *request, const char *name, const char *value);

/** Sends @json, which it releases; NULL: there was no memory for it, which is 503. */
void http_answer(struct http_request *request, int status, struct json_object *json);

/** Sends @body as it is, which is emptied. */
void http_answer_text(struct http_request *request, const char *content_type,
		      struct evbuffer *body);

/** Sends a problem document with a detail. */
void http_refuse(struct http_request *request, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** The same with the errors of @problems; @detail sums up several and may be NULL. */
void http_refuse_all(struct http_request *request, int status, const struct problems *problems,
		     const char *detail);

/* A long answer, made part by part as the client takes it, so that it is
 * never in memory as a whole and others are served in between. */
struct http_parts {
	const char *content_type;
	/** Appends the next part: 1, 0 when it was the last one, or -errno: the connection ends. */
	int (*next)(void *context, struct evbuffer *part);
	void (*release)(void *context); /* at the end, however it comes */
	void *context;
};

/** Sends it. The answer owns the context from here on. */
void http_answer_parts(struct http_request *request, const struct http_parts *parts);

/** Notes that the request is answered, for the metrics. */
void http_count(struct http_request *request, int status);

#endif
