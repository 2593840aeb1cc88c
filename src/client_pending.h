/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows a change that is pending.
 */
#ifndef CLIENT_PENDING_H
#define CLIENT_PENDING_H

struct client;

/**
 * Says how client->pending is confirmed; on a terminal it counts down, and Enter confirms it.
 * Returns the exit status: CLIENT_REFUSED when it has gone back.
 */
int client_follow_pending(struct client *client);

#endif
