/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_help.h"
#include "client_pending.h"
#include "directories.h"

static int parse(struct client *client, int argc, char **argv);
static int parse_option(struct client *client, int argc, char **argv, int *index);
static int read_token(struct client *client);
static int check_options(struct client *client);
static int finish(FILE *out, FILE *err, int status);

int client_main(int argc, char **argv)
{
	return client_run(argc, argv, stdout, stderr);
}

int client_run(int argc, char **argv, FILE *out, FILE *err)
{
	CLEANUP(cleanup_free) char **arguments = calloc(argc + 1, sizeof(*arguments));
	struct client client = { .out = out, .err = err, .argument = arguments };
	int status;

	if (!arguments)
		return client_fail(&client, "out of memory");
	status = parse(&client, argc, argv);
	if (status)
		return status;
	if (!client.command)
		client_help_all(out);
	else if (client.value[OPTION_HELP])
		client_help(client.command, out);
	else
		status = client.command->run(&client);
	if (!status && *client.pending)
		status = client_follow_pending(&client);
	return finish(out, err, status);
}

int client_find_daemon(struct client *client)
{
	const char *environment = getenv("PEPCTL_SOCKET"), *url = client->value[OPTION_URL];
	int result;

	client->endpoint.socket = CONTROL_SOCKET;
	if (environment && *environment)
		client->endpoint.socket = environment;
	if (client->value[OPTION_SOCKET])
		client->endpoint.socket = client->value[OPTION_SOCKET];
	if (!url && client->value[OPTION_TOKEN_FILE])
		return client_usage(client, "--token-file goes with --url: the socket needs none");
	if (!url)
		return CLIENT_DONE;
	if (client->value[OPTION_SOCKET])
		return client_usage(client, "--url and --socket exclude each other");
	result = client_endpoint_parse(url, &client->endpoint);
	if (result)
		return client_usage(client, "\"%s\" is no URL such as http://127.0.0.1:8080", url);
	client->endpoint.cacert = client->value[OPTION_CACERT];
	client->endpoint.cert = client->value[OPTION_CERT];
	client->endpoint.key = client->value[OPTION_KEY];
	if (client->value[OPTION_KEY] && !client->value[OPTION_CERT])
		return client_usage(client, "--key goes with --cert");
	return client->value[OPTION_TOKEN_FILE] ? read_token(client) : CLIENT_DONE;
}

static int read_token(struct client *client)
{
	const char *path = client->value[OPTION_TOKEN_FILE];
	int result = client_endpoint_read_token(path, &client->endpoint);

	if (result == -EPERM)
		return client_usage(client, "a token is sent to another machine only by https");
	if (result == -EINVAL)
		return client_usage(client, "the first line of %s is no token", path);
	if (result)
		return client_usage(client, "%s: %s", path, strerror(-result));
	return CLIENT_DONE;
}

int client_usage(struct client *client, const char *format, ...)
{
	const char *command = client->command ? client->command->name : "";
	va_list arguments;

	fputs("pepctl: ", client->err);
	va_start(arguments, format);
	vfprintf(client->err, format, arguments);
	va_end(arguments);
	fprintf(client->err, "\n  see: pepctl %s%s\n", *command ? command : "help",
		*command ? " --help" : "");
	return CLIENT_USAGE;
}

int client_fail(struct client *client, const char *format, ...)
{
	va_list arguments;

	fputs("pepctl: ", client->err);
	va_start(arguments, format);
	vfprintf(client->err, format, arguments);
	va_end(arguments);
	fputc('\n', client->err);
	return CLIENT_REFUSED;
}

/* Sorts the command line into command, arguments and options. No command: help is asked for. */
static int parse(struct client *client, int argc, char **argv)
{
	bool options_end = false, help = false;
	const char *name = NULL;
	int status;

	for (int i = 1; i < argc; i++) {
		if (!options_end && !strcmp(argv[i], "--")) {
			options_end = true;
		} else if (!options_end && argv[i][0] == '-' && argv[i][1]) {
			status = parse_option(client, argc, argv, &i);
			if (status)
				return status;
		} else if (!name && !help && !strcmp(argv[i], "help")) {
			help = true;
		} else if (!name) {
			name = argv[i];
		} else {
			client->argument[client->argument_count++] = argv[i];
		}
	}
	if (help)
		client->value[OPTION_HELP] = "";
	if (!name && client->value[OPTION_HELP])
		return CLIENT_DONE;
	if (!name)
		return client_usage(client, "which command?");
	client->command = client_command_find(name);
	if (!client->command)
		return client_usage(client, "there is no command \"%s\"", name);
	return check_options(client);
}

static int parse_option(struct client *client, int argc, char **argv, int *index)
{
	const char *text = argv[*index], *value;
	size_t length;

	if (!strcmp(text, "-h"))
		text = "--help";
	length = strcspn(text + 2, "=");
	value = text[2 + length] ? text + 3 + length : NULL;
	for (size_t i = 0; i < CLIENT_OPTIONS; i++) {
		const struct client_option *option = &client_options[i];

		if (text[1] != '-' || strlen(option->name) != length ||
		    strncmp(option->name, text + 2, length) != 0)
			continue;
		if (!option->value && value)
			return client_usage(client, "--%s takes no value", option->name);
		if (option->value && !value && *index + 1 < argc)
			value = argv[++*index];
		if (option->value && !value)
			return client_usage(client, "--%s needs %s", option->name, option->value);
		client->value[i] = value ? value : "";
		return CLIENT_DONE;
	}
	return client_usage(client, "there is no option %s", text);
}

static int check_options(struct client *client)
{
	const struct client_command *command = client->command;
	unsigned int known = command->options | CLIENT_GENERAL_OPTIONS;
	const char *no_color = getenv("NO_COLOR");

	for (size_t i = 0; i < CLIENT_OPTIONS; i++)
		if (client->value[i] && !(known & OPTION_BIT(i)))
			return client_usage(client, "%s has no option --%s", command->name,
					    client_options[i].name);
	if (client->value[OPTION_HELP])
		return CLIENT_DONE;
	if (client->argument_count < command->arguments_min)
		return client_usage(client, "%s needs %s", command->name, command->arguments);
	if (client->argument_count > command->arguments_max)
		return client_usage(client, "%s does not take \"%s\"", command->name,
				    client->argument[command->arguments_max]);
	client->color = !client->value[OPTION_NO_COLOR] && !(no_color && *no_color) &&
			isatty(fileno(client->out));
	return client_find_daemon(client);
}

static bool reader_left(FILE *out)
{
	struct pollfd poll_fd = { .fd = fileno(out) };

	return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLERR);
}

/* What could not be written was not said: that is a failure, but a reader who left wants no words. */
static int finish(FILE *out, FILE *err, int status)
{
	errno = 0;
	if (!fflush(out) && !ferror(out))
		return status;
	if (errno != EPIPE && !reader_left(out))
		fprintf(err, "pepctl: cannot write the output: %s\n",
			errno ? strerror(errno) : "error");
	return status ? status : CLIENT_REFUSED;
}
