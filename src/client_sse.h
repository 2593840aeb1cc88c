/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-Sent Events: from pieces of a stream to the data of each event.
 */
#ifndef CLIENT_SSE_H
#define CLIENT_SSE_H

#include <stddef.h>

/* @data is terminated and valid during the call; anything but 0 ends the reading. */
typedef int (*client_sse_callback)(void *context, const char *name, const char *data);

struct client_sse {
	client_sse_callback callback;
	void *context;
	char name[32]; /* of the event, "message" unless it has one */
	char *line, *data;
	size_t line_bytes, data_bytes;
};

/**
 * Takes in a piece and calls back for each event that it completes. Returns
 * 0, -ENOMEM, -EMSGSIZE for a line or an event of more than a megabyte, or
 * what the callback gave.
 */
int client_sse_feed(struct client_sse *sse, const char *piece, size_t bytes);

/** Frees what a half-read event holds. */
void client_sse_clear(struct client_sse *sse);

#endif
