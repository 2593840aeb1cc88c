/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the client's commands have in common: the options, the row of the table
 * of commands, and the run of one.
 */
#ifndef CLIENT_COMMAND_H
#define CLIENT_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "client_commands.h"
#include "client_endpoint.h"

/* Exit statuses. */
enum {
	CLIENT_DONE,
	CLIENT_REFUSED, /* also: differs, warnings with --strict */
	CLIENT_USAGE,
	CLIENT_NO_DAEMON,
	CLIENT_NOT_PERMITTED,
};

/* One row each of client_options[]. */
enum client_option_id {
	OPTION_HELP,
	OPTION_JSON,
	OPTION_SOCKET,
	OPTION_URL,
	OPTION_NO_COLOR,
	OPTION_TOKEN_FILE,
	OPTION_CACERT,
	OPTION_CERT,
	OPTION_KEY,
	OPTION_DRY_RUN,
	OPTION_CONFIRM,
	OPTION_FORCE,
	OPTION_FILE,
	OPTION_REPLACE,
	OPTION_ORIGIN,
	OPTION_MATCH,
	OPTION_LIMIT,
	OPTION_STRICT,
	OPTION_POLICY,
	OPTION_VERDICT,
	OPTION_PCAP,
	OPTION_AGAINST,
	CLIENT_OPTIONS,
};

#define OPTION_BIT(option) (1u << (option))

/* Those that every command knows. */
#define CLIENT_GENERAL_OPTIONS                                                                     \
	(OPTION_BIT(OPTION_HELP) | OPTION_BIT(OPTION_JSON) | OPTION_BIT(OPTION_SOCKET) |           \
	 OPTION_BIT(OPTION_URL) | OPTION_BIT(OPTION_TOKEN_FILE) | OPTION_BIT(OPTION_CACERT) |      \
	 OPTION_BIT(OPTION_CERT) | OPTION_BIT(OPTION_KEY) | OPTION_BIT(OPTION_NO_COLOR))

struct client_option {
	const char *name; /* without the dashes */
	const char *value; /* what the help calls it; NULL: it has none */
	const char *summary;
};

struct client;

struct client_command {
	const char *name;
	const char *arguments; /* as the help prints them */
	const char *summary; /* one line */
	const char *details; /* more, for --help; NULL: none */
	unsigned int options; /* OPTION_BIT of those it knows beside the general ones */
	unsigned int arguments_min, arguments_max;
	int (*run)(struct client *client); /* returns the exit status */
};

#define CLIENT_ANY_NUMBER (~0u)
#define CLIENT_CHANGE_ID 32

/* One run of the client. */
struct client {
	const struct client_command *command;
	char **argument; /* behind the command */
	unsigned int argument_count;
	const char *value[CLIENT_OPTIONS]; /* NULL: not given; "" for those without a value */
	struct client_endpoint endpoint;
	bool color;
	FILE *out, *err;
	char pending[CLIENT_CHANGE_ID]; /* the change that goes back; "": none */
	unsigned int pending_seconds;
};

extern const struct client_option client_options[CLIENT_OPTIONS];

/** What client_main() does, with the streams of the caller's choice and no look at the terminal. */
int client_run(int argc, char **argv, FILE *out, FILE *err);

/** Sets client->endpoint by options and environment. Returns CLIENT_DONE or (said) CLIENT_USAGE. */
int client_find_daemon(struct client *client);

/** Says what is wrong with the command line on client->err. Returns CLIENT_USAGE. */
int client_usage(struct client *client, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Says what went wrong on client->err, "pepctl: " in front. Returns CLIENT_REFUSED. */
int client_fail(struct client *client, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
