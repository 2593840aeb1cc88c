/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all writes to policies have in common: conditions, the change itself
 * and what is answered.
 */
#ifndef POLICY_WRITE_H
#define POLICY_WRITE_H

#include "policy_json.h"

struct change;
struct http_request;
struct problems;

/** What the API's texts may say, as of now; they may name the sets in force. */
struct policy_source policy_write_source(const struct http_request *request);

/**
 * Whether If-Match and If-None-Match agree with @etag, NULL when what they
 * speak of does not exist. Otherwise answers with 412 and returns -EBUSY.
 */
int policy_write_condition(struct http_request *request, const char *etag);

/** The same for all policies, by their tag. */
int policy_write_condition_all(struct http_request *request);

/** Answers with what is wrong in a text: 422, or 503 when @error is -ENOMEM. */
void policy_write_invalid(struct http_request *request, int error, const struct problems *problems);

/**
 * Makes the change and answers. @problems may hold warnings of parsing.
 * @location: the path of what is created, for 201; NULL: always 200.
 */
void policy_write(struct http_request *request, const struct change *change,
		  struct problems *problems, const char *location);

#endif
