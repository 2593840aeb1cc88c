/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The undo of commands that change many policies: the API's policies as they
 * were, in a file for `apply --replace`.
 */
#ifndef CLIENT_BACKUP_H
#define CLIENT_BACKUP_H

struct client;
struct json_object;

/** The definitions of the API's policies, {"policies": [...]}. Returns the exit status. */
int client_backup_read(struct client *client, struct json_object **ret);

/**
 * Writes them to a new file in TMPDIR or /tmp that only this user can read.
 * Returns the command that brings them back, which the caller frees; NULL with
 * the reason on client->err.
 */
char *client_backup_keep(struct client *client, struct json_object *policies);

#endif
