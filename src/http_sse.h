/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /events: events of the datapath as Server-Sent Events.
 */
#ifndef HTTP_SSE_H
#define HTTP_SSE_H

#include <stddef.h>

struct sse_readers;

/** How many read; NULL: none. */
size_t sse_readers_count(const struct sse_readers *readers);

/** Ends those who came by TCP: what they have shown may not be valid any more. Tolerates NULL. */
void sse_readers_end_remote(struct sse_readers *readers);

/** Ends all readers of /events. Tolerates NULL. */
void sse_readers_free(struct sse_readers **readers);

#endif
