/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a request that is kept, also when its client has left.
 * For http_request.c.
 */
#ifndef HTTP_KEPT_H
#define HTTP_KEPT_H

struct http_kept;

/** Path and query. */
const char *http_kept_target(const struct http_kept *kept);

#endif
