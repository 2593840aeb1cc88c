/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that changes something, from what it says to its answer: what all
 * writes have in common.  A route begins one; what it asks for is found out by
 * the thread of the commits, from the state that it is to change.
 */
#ifndef HTTP_CHANGE_H
#define HTTP_CHANGE_H

#include "audit.h"
#include "commits.h"
#include "policy_json.h"

struct http_change;
struct http_request;
struct json_object;

/* What a kind of write does. */
struct http_change_kind {
	struct commit_kind commit; /* begins with HTTP_CHANGE_COMMIT */
	/** In the thread, as plan() of a commit. */
	int (*plan)(struct http_change *change, struct group *group);
	/** In the loop: adds what is special to the answer's members. Returns 0 or -ENOMEM; NULL: nothing. */
	int (*answer)(const struct http_change *change, struct json_object *json);
	/** Frees what plan() has left in it; NULL: nothing. */
	void (*clear)(struct http_change *change);
	size_t size; /* of the structure that begins with a struct http_change; 0: of that alone */
	const char *location; /* "/policies/%s": of what is created, for 201; NULL: always 200 */
	bool body; /* it needs one */
	bool alone; /* as of a commit */
};

struct http_change {
	struct commit commit;
	const struct http_change_kind *kind;
	struct http_request *request; /* its id and method may be read in the thread */
	char *if_match, *if_none_match; /* NULL: not given */
	bool json, text; /* what the body is said to be */
	struct evbuffer *body; /* NULL: none */
	size_t body_bytes;
	char etag[64]; /* of what was written; "": none */
	int status; /* of a refusal, with its reason; 0: none, or that of the error */
	char *detail;
	struct audit_diff diff; /* what it does to policies */
};

/** @{ */
/** As struct commit_kind says. */
int http_change_plan(struct commit *commit, struct group *group);
void http_change_finish(struct commit *commit, int error);
/** @} */
#define HTTP_CHANGE_COMMIT .plan = http_change_plan, .finish = http_change_finish

/** Begins one, which it ends by itself. Answers in any case. */
void http_change_begin(struct http_request *request, const struct http_change_kind *kind);

/* ---- for plan() */

/** Refuses: to be returned. With a NULL @format only the problems are told. */
int http_change_refuse(struct http_change *change, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * Whether If-Match and If-None-Match agree with @etag, NULL when what they
 * speak of does not exist; otherwise refuses with 412.
 */
int http_change_condition(struct http_change *change, const char *etag);

/** The body as one text. Returns 0 or refuses. */
int http_change_body(struct http_change *change, const char **ret, size_t *ret_size);

/** Frees the body, of a large one, which is not planned again. */
void http_change_forget_body(struct http_change *change);

/** The body as JSON, which the caller owns. Returns 0 or refuses. */
int http_change_json(struct http_change *change, struct json_object **ret);

/** What is wrong with a body's content, by the error of its parser: 400, 422 or 503. To be returned. */
int http_change_invalid(struct http_change *change, int error);

/** What the API's texts may say, as of now; they may name the sets of the group. */
struct policy_source http_change_source(const struct group *group);

#endif
