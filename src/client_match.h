/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `list --match`: which policies somebody is looking for.
 */
#ifndef CLIENT_MATCH_H
#define CLIENT_MATCH_H

#include <stdbool.h>

struct json_object;

/**
 * Whether a policy is meant by @match: "KEY=VALUE", where KEY is the path of a
 * member ("action", "dst.port", "labels.team") and VALUE what it or one of
 * its elements is; or a text that its id, description or words contain.
 * Letters match in either case. A NULL matches all.
 */
bool client_match(struct json_object *policy, const char *match);

#endif
