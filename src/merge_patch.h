/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Merge Patch, RFC 7396.
 */
#ifndef MERGE_PATCH_H
#define MERGE_PATCH_H

struct json_object;

/**
 * Applies @patch to *target, which is changed in place or replaced. Members of
 * @patch are shared with the result. Returns 0 or -ENOMEM.
 */
int merge_patch(struct json_object **target, struct json_object *patch);

#endif
