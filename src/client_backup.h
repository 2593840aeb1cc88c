/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The undo of commands that change many policies: the API's policies as they
 * were, in a file for `apply --replace`.
 */
#ifndef CLIENT_BACKUP_H
#define CLIENT_BACKUP_H

#include <stdbool.h>
#include <stddef.h>

struct client;

/* The definitions of the API's policies, {"policies": [...]}, of which there may be a million. */
struct client_backup {
	char *text;
	size_t size;
};

/** Asks for them. Release with client_backup_clear(). Returns the exit status. */
int client_backup_read(struct client *client, struct client_backup *ret);

/** Whether there is none. */
bool client_backup_is_empty(const struct client_backup *backup);

/** Frees the text. */
void client_backup_clear(struct client_backup *backup);

/**
 * Writes them to a new file in TMPDIR or /tmp that only this user can read.
 * Returns the command that brings them back, which the caller frees; NULL with
 * the reason on client->err.
 */
char *client_backup_keep(struct client *client, const struct client_backup *backup);

#endif
