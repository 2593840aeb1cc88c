/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy said in words on a command line, as pepctl(8) shows them:
 *
 *   [ID] block in proto tcp from any to any port 23 dev eth0 for 1h log
 *
 * The words only become the definition that JSON would have been; one parser
 * checks both.
 */
#ifndef WORDS_H
#define WORDS_H

#include <stdbool.h>

struct json_object;
struct problems;

/**
 * Makes a definition of @count words. It has an "id" only if the first word
 * is one: see policy_content_id(). The caller owns *ret (json_object_put).
 * Returns 0; -EINVAL when a word is wrong (noted, the word named, pointer
 * ""); -ENOMEM.
 * Of a @packet there is neither action nor id, only what it is matched by; whether
 * a member is one of a packet is the daemon's to say.
 */
int words_parse(const char *const *words, int count, bool packet, struct json_object **ret,
		struct problems *problems);

#endif
