/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subcommands of `pepctl set` that write; client->argument[0] is the
 * subcommand, [1] the name of the set. All return the exit status.
 */
#ifndef CLIENT_SET_H
#define CLIENT_SET_H

struct client;

/** "/sets/NAME" of the second argument; the caller frees it. NULL: no memory. */
char *client_set_target(const struct client *client);

/** Replaces a set by what a file or the input says. */
int client_set_put(struct client *client);

/** Adds the entries that are the arguments, "for DURATION" behind them. */
int client_set_add(struct client *client);

/** Deletes the entries that are the arguments; without any, the set. */
int client_set_delete(struct client *client);

#endif
