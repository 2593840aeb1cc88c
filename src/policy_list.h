/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies that are read one after the other and become a list: the elements
 * of an array, whether it is there as a tree or still a text.
 */
#ifndef POLICY_LIST_H
#define POLICY_LIST_H

#include "policy_json.h"

struct list_id;

/* A list in the making; begins with its first three members set, ends with policy_reader_clear(). */
struct policy_reader {
	const struct policy_source *source;
	struct problems *problems;
	const char *prefix; /* of the elements' places: "" or "/policies" */
	struct policy_list list; /* a bad policy is a NULL in it */
	size_t room;
	struct list_id *bad; /* what the bad ones say their ids are */
	size_t bad_count;
};

/** Reads one element; what is wrong is noted at its place. Returns 0 or -ENOMEM. */
int policy_reader_add(struct policy_reader *reader, struct json_object *json);

/** Reads one that is not in an array. Returns 0, -EINVAL (noted) or -ENOMEM. */
int policy_reader_add_single(struct policy_reader *reader, struct json_object *json);

/** Notes ids that occur twice, after the last element. Returns 0 or -ENOMEM. */
int policy_reader_refuse_twins(const struct policy_reader *reader);

/** Drops and frees what is in the reader. */
void policy_reader_clear(struct policy_reader *reader);

/** Notes members of @object that have no business beside "policies"; their values do not matter. */
void policy_list_refuse_unknown(struct json_object *object, struct problems *problems);

#endif
