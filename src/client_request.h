/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the daemon: JSON there and back, and its refusals said to the
 * operator.
 */
#ifndef CLIENT_REQUEST_H
#define CLIENT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

struct client;
struct json_object;

struct client_request {
	const char *method;
	const char *target; /* path and query, encoded */
	struct json_object *body; /* NULL: none */
	const char *text; /* a body as it is instead; NULL: none */
	size_t text_bytes;
	bool text_is_json; /* else it is text/plain */
	bool patch; /* the body is a merge patch */
	bool must_be_new; /* refused with 412 when the target exists */
	bool may_be_absent; /* 404 is an answer too */
	bool may_be_unwell; /* 503 with JSON is an answer too */
	bool ask_only; /* no daemon is an answer too: nothing is said, only returned */
};

/**
 * Asks and reads the answer. What goes wrong is said on client->err: that there
 * is no daemon and how to start it, that one is not permitted, or the daemon's
 * problem document. Returns the exit status. On CLIENT_DONE the caller owns
 * *ret; it is NULL for an answer without body and for an allowed 404.
 */
int client_ask(struct client *client, const struct client_request *request,
	       struct json_object **ret);

/** client_ask() with GET. */
int client_get(struct client *client, const char *target, struct json_object **ret);

/** The same of an answer that may be too long for a tree: the caller frees *ret. */
int client_get_text(struct client *client, const char *target, char **ret, size_t *ret_size);

/** "/policies/ID" and @query, with the id encoded; the caller frees it. NULL: no memory. */
char *client_policy_target(const char *id, const char *query);

/** @text percent-encoded as a part of a path or query; the caller frees it. NULL: no memory. */
char *client_encode(const char *text);

/**
 * Says why the daemon could not be asked, from -errno and what is wrong with TLS. Returns the
 * exit status.
 */
int client_explain_unreachable(struct client *client, int error, const char *fault);

/** Says what a problem document says. Returns the exit status for @status. */
int client_explain_problem(struct client *client, unsigned int status, const char *body,
			   size_t bytes);

/** Prints the warnings of an answer on client->err. */
void client_print_warnings(struct client *client, struct json_object *answer);

#endif
