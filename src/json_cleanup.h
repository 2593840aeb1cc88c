/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership of a JSON value by a variable, for CLEANUP().
 */
#ifndef JSON_CLEANUP_H
#define JSON_CLEANUP_H

#include <json-c/json.h>

/** Drops the reference that *json holds; tolerates NULL. */
static inline void cleanup_json(struct json_object **json)
{
	json_object_put(*json);
}

#endif
