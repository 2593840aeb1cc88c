/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's commands, each in the file of its subject.
 */
#ifndef CLIENT_COMMANDS_H
#define CLIENT_COMMANDS_H

struct client;

/** @{ */
/** The commands, each in the file of its subject; all return the exit status. */
int client_add(struct client *client);
int client_apply(struct client *client);
int client_audit(struct client *client);
int client_check(struct client *client);
int client_complete(struct client *client);
int client_confirm(struct client *client);
int client_delete(struct client *client);
int client_detach(struct client *client);
int client_diff(struct client *client);
int client_doctor(struct client *client);
int client_events(struct client *client);
int client_explain(struct client *client);
int client_export(struct client *client);
int client_flush(struct client *client);
int client_interfaces(struct client *client);
int client_list(struct client *client);
int client_modify(struct client *client);
int client_reload(struct client *client);
int client_rollback(struct client *client);
int client_set(struct client *client);
int client_show(struct client *client);
int client_stats(struct client *client);
int client_status(struct client *client);
int client_token(struct client *client);
/** @} */

#endif
