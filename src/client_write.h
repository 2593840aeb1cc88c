/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands that write have in common: what was there before, and the
 * command that brings it back.
 */
#ifndef CLIENT_WRITE_H
#define CLIENT_WRITE_H

#include <stdbool.h>

struct client;
struct json_object;

/**
 * Asks for the definition of a policy; *ret is NULL when there is none and it
 * may be absent. Returns the exit status.
 */
int client_definition(struct client *client, const char *id, bool may_be_absent,
		      struct json_object **ret);

/** `pepctl add '{...}'`; the caller frees it. NULL: no memory. */
char *client_undo_delete(struct json_object *definition);

/** `pepctl modify ID '{...}'` that leads from @after to @before. Ownership as above. */
char *client_undo_modify(const char *id, struct json_object *before, struct json_object *after);

/** The same by a patch that is known. Ownership as above. */
char *client_undo_patch(const char *id, struct json_object *patch);

/**
 * The merge patch (RFC 7396) that leads from @from to @to; the caller owns it.
 * NULL: no memory.
 */
struct json_object *client_merge_patch(struct json_object *from, struct json_object *to);

/**
 * Says one thing that was done: "@done @what (undo: @undo)", where @undo may
 * be NULL; or with --dry-run would be: "@what would be @done".
 */
void client_print_done(struct client *client, const char *done, const char *what, const char *undo);

/**
 * Prints " (undo: @undo)", a command that begins with "pepctl", with the --socket or
 * --url of this run; nothing when it is NULL.
 */
void client_print_undo(struct client *client, const char *undo);

/** With --json: the answer with a member "undo". Returns the exit status. */
int client_print_answer(struct client *client, struct json_object *answer,
			struct json_object *undo);

#endif
