/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API says of a change: what it did, or why it did not.
 */
#ifndef CHANGE_ANSWER_H
#define CHANGE_ANSWER_H

#include <stdbool.h>

struct change_result;
struct http_request;
struct pending;
struct json_object;
struct problems;

struct change_answer {
	const struct change_result *result;
	const struct problems *problems; /* the warnings */
	bool dry_run;
	const struct pending *pending; /* the change that it is; NULL: it stays, or is none */
	struct json_object *more; /* for the audit log; NULL: nothing */
};

/** The caller owns the result; NULL when out of memory. */
struct json_object *change_json(const struct change_answer *answer);

/** A pending change as the API shows it; the caller owns the result, NULL when out of memory. */
struct json_object *change_pending_json(const struct pending *pending);

/** Writes to the log and the audit log who changed what. */
void change_log(struct http_request *request, const struct change_answer *answer);

/** Answers that a change failed with -errno. */
void change_refused(struct http_request *request, int error, const struct problems *problems);

#endif
