/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would become of packets under policies that are not in force: these are
 * prepared as a change is, beside the state in force, asked, and abandoned.
 */
#ifndef EXPLAIN_AGAINST_H
#define EXPLAIN_AGAINST_H

#include "explain.h"

struct http_request;

/**
 * Answers later with {"packets": [...]}. @policies, an array or an object that
 * holds one, take the place of all that there are, of any origin. Takes
 * @policies and @questions.
 */
void explain_against(struct http_request *request, struct json_object *policies,
		     struct explain_questions *questions);

/** {"packets": @answers}, which it takes; NULL: out of memory. */
struct json_object *explain_answer(struct json_object *answers);

#endif
