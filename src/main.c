/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One executable: with a command the client, else the daemon.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include "client.h"
#include "daemon.h"
#include "settings.h"

#define EXIT_USAGE 2

/* What the daemon's options ask for. */
struct command_line {
	const char *config;
	const char *log_level;
	bool check, version, help;
	bool client; /* there is a command, or an option of the client */
	const char *incomplete; /* the option that lacks its value; NULL */
};

enum { OPTION_LOG_LEVEL = 256 };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "log-level", required_argument, NULL, OPTION_LOG_LEVEL },
	{ "check", no_argument, NULL, 'n' },
	{ "version", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void read_command_line(int argc, char **argv, struct command_line *ret);
static void take_option(int option, struct command_line *line);
static int run_daemon(const struct command_line *line);
static int say_usage(const char *what, const char *word);
static void print_help(void);

int main(int argc, char **argv)
{
	struct command_line line = { 0 };

	read_command_line(argc, argv, &line);
	if (line.client)
		return client_main(argc, argv);
	if (line.help) {
		print_help();
		return 0;
	}
	if (line.version) {
		printf("pepctl %s\n", PACKAGE_VERSION);
		return 0;
	}
	return run_daemon(&line);
}

static void read_command_line(int argc, char **argv, struct command_line *ret)
{
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:c:nvh", options, NULL)) >= 0) {
		if (option == ':')
			ret->incomplete = argv[optind - 1];
		else
			take_option(option, ret);
	}
	if (optind < argc)
		ret->client = true;
}

static void take_option(int option, struct command_line *line)
{
	if (option == 'c')
		line->config = optarg;
	else if (option == OPTION_LOG_LEVEL)
		line->log_level = optarg;
	else if (option == 'n')
		line->check = true;
	else if (option == 'v')
		line->version = true;
	else if (option == 'h')
		line->help = true;
	else
		line->client = true;
}

static int run_daemon(const struct command_line *line)
{
	enum log_level level;

	if (line->incomplete)
		return say_usage("a value is missing behind", line->incomplete);
	if (line->log_level && !log_level_parse(line->log_level, &level))
		return say_usage("the log level is one of trace, debug, info, warn, error and "
				 "critical, not",
				 line->log_level);
	if (!line->config)
		return say_usage("the daemon needs --config FILE, the client a command", NULL);
	return line->check ? daemon_check(line->config) : daemon_run(line->config, line->log_level);
}

static int say_usage(const char *what, const char *word)
{
	fprintf(stderr, "pepctl: %s%s%s\nTry 'pepctl --help'.\n", what, word ? " " : "",
		word ? word : "");
	return EXIT_USAGE;
}

static void print_help(void)
{
	printf("Usage: pepctl --config FILE [--log-level LEVEL]\n"
	       "       pepctl --config FILE --check\n"
	       "       pepctl COMMAND [ARGUMENT...]\n"
	       "\n"
	       "The first runs the daemon in the foreground, the last is its client.\n"
	       "\n"
	       "  -c, --config FILE      the configuration, see pepctl-config(5)\n"
	       "  -n, --check            only say what is wrong with configuration and policies\n"
	       "      --log-level LEVEL  trace, debug, info, warn, error or critical\n"
	       "  -v, --version\n"
	       "  -h, --help\n"
	       "\n"
	       "'pepctl help' lists the client's commands. Everything is in pepctl(8).\n");
}
