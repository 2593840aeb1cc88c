/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies as JSON, in both directions: what is printed parses again and
 * prints identically.
 */
#ifndef POLICY_JSON_H
#define POLICY_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address_sets;
struct json_object;
struct policy;
struct printbuf;
struct problems;

/* Where a text comes from decides what it may say. */
struct policy_source {
	bool file; /* ttl_seconds is an error, a past expires_at a warning */
	bool failsafe; /* action ALLOW is implied, limits and expiry are errors */
	int64_t now_us; /* CLOCK_REALTIME */
	uint64_t boottime_ns; /* CLOCK_BOOTTIME */
	const struct address_sets *sets; /* that there are; NULL: names are not looked up */
};

/* Array of policies that a parser returns; release with policy_list_clear(). */
struct policy_list {
	struct policy **policy;
	size_t count;
};

/**
 * Reads one policy.
 * @id: what "id" must be or defaults to; NULL: the member is required.
 * Returns 0, -EINVAL when @problems got errors, -ENOMEM.
 */
int policy_parse(struct json_object *json, const char *id, const struct policy_source *source,
		 struct policy **ret, struct problems *problems);

/**
 * Reads a body: one policy, an array, or {"policies": [...]}. Every bad
 * policy is reported; an id that occurs twice is an error. Errors as
 * policy_parse(), @ret unchanged then.
 */
int policy_parse_list(struct json_object *json, const struct policy_source *source,
		      struct policy_list *ret, struct problems *problems);

/** Drops the policies, NULLs among them, and frees the list. */
void policy_list_clear(struct policy_list *list);

/**
 * The definition: everything that was written, in canonical form and order,
 * without read-only members. The caller owns the result; NULL when out of
 * memory.
 */
struct json_object *policy_to_json(const struct policy *policy);

/**
 * Appends the same as text, plain and without slashes escaped; without an end
 * unless @expiry. No tree is made of it, so that many take less long. Returns 0
 * or -ENOMEM.
 */
int policy_print(const struct policy *policy, bool expiry, struct printbuf *ret);

/** An id made of the content, stable for equal definitions: "p-" and 12 hex digits. */
void policy_content_id(const struct policy *policy, char ret_id[16]);

#endif
