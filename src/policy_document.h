/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text of policies, however many: one policy, an array, or an object that
 * holds the array.  It is cut into policies that are read one by one, so what
 * it takes is the text and the policies, and no tree of all of it.
 */
#ifndef POLICY_DOCUMENT_H
#define POLICY_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "policy_json.h"

/* All of it is borrowed. */
struct policy_document {
	const char *text; /* JSON */
	size_t size;
	const struct policy_source *source;
	bool go_on; /* also when a key occurs twice, so that what else is wrong can be said too */
	bool whole; /* no page of a longer list, as the API answers them */
};

/**
 * Reads it. Every bad policy is reported; an id that occurs twice is an error.
 * It touches nothing but what it is given, so any thread may call it.
 * Returns 0; -EBADMSG when it is not JSON or a key occurs twice (noted, as
 * json_read() does); -ERANGE when it is to be whole and says of itself that it
 * is a page (not noted); -EINVAL when policies are wrong (noted); -ENOMEM.
 * *ret is unchanged then.
 */
int policy_document_parse(const struct policy_document *document, struct policy_list *ret,
			  struct problems *problems);

#endif
