/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of the client's commands, and their help made of it.
 */
#ifndef CLIENT_HELP_H
#define CLIENT_HELP_H

#include <stdio.h>

struct client_command;

/** The row of a command; NULL: there is none of that name. */
const struct client_command *client_command_find(const char *name);

/** The row at @index, which counts from 0; NULL behind the last. */
const struct client_command *client_command_at(size_t index);

/** `pepctl help`: all commands and the general options. */
void client_help_all(FILE *out);

/** `pepctl COMMAND --help`. */
void client_help(const struct client_command *command, FILE *out);

#endif
