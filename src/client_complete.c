/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pepctl complete: what may come next on a command line. The shells' files in
 * completions/ ask for it, so what they offer is what the tables of commands
 * and options say, and the ids and names are those of the daemon that runs.
 *
 * It prints a word a line, with a tab and its summary behind it if there is
 * one. ":files" stands for the names of files.
 */
#include <ctype.h>
#include <json-c/json.h>
#include <string.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_help.h"
#include "client_json.h"
#include "client_request.h"

/* The words before the one to be completed, sorted. */
struct typed {
	const struct client_command *command; /* NULL: not there yet */
	const struct client_option *pending; /* its value comes next; NULL: none */
	char **argument; /* in the command line */
	unsigned int arguments;
	const char *start; /* of the word to be completed, or of the value in it */
	const char *prefix; /* "--name=" in front of the value, with its length */
	int prefix_bytes;
};

/* A word of a command's arguments or an option's value, and what may stand for it. */
struct kind {
	const char *name;
	const char *target, *list, *member; /* where the daemon says it; NULL: files */
};

static const struct kind kinds[] = {
	{ "FILE", NULL, NULL, NULL },
	{ "PATH", NULL, NULL, NULL },
	/* Those evaluated first: nobody reads on in a list that is longer. */
	{ "ID", "/policies?limit=10000&fields=definition", "policies", "id" },
	{ "NAME", "/sets", "sets", "name" },
	{ "INTERFACE", "/interfaces", "interfaces", "name" },
};

#define ALTERNATIVE_MAX 4 /* words */

static int sort_words(struct client *client, struct typed *typed);
static void offer_commands(struct client *client, const struct typed *typed);
static void offer_options(struct client *client, const struct typed *typed);
static void offer_arguments(struct client *client, const struct typed *typed);
static void offer_kind(struct client *client, const struct typed *typed, const char *name);

int client_complete(struct client *client)
{
	struct typed typed = {
		.start = client->argument[client->argument_count - 1],
		.prefix = "",
	};
	int status = sort_words(client, &typed);

	if (status)
		return status;
	if (typed.pending)
		offer_kind(client, &typed, typed.pending->value);
	else if (*typed.start == '-')
		offer_options(client, &typed);
	else if (!typed.command)
		offer_commands(client, &typed);
	else
		offer_arguments(client, &typed);
	return CLIENT_DONE;
}

/* The option that a word names, with or without "=VALUE"; NULL: there is none. */
static const struct client_option *option_find(const char *word)
{
	size_t length = strcspn(word, "=");

	for (size_t i = 0; i < CLIENT_OPTIONS; i++)
		if (length == strlen(client_options[i].name) + 2 &&
		    !strncmp(word + 2, client_options[i].name, length - 2))
			return &client_options[i];
	return NULL;
}

static int sort_words(struct client *client, struct typed *typed)
{
	unsigned int last = client->argument_count - 1;
	const char *value = strchr(typed->start, '=');

	typed->argument = client->argument;
	for (unsigned int i = 0; i < last; i++) {
		char *word = client->argument[i];

		if (typed->pending) {
			client->value[typed->pending - client_options] = word;
			typed->pending = NULL;
		} else if (*word == '-') {
			typed->pending = strchr(word, '=') ? NULL : option_find(word);
			if (typed->pending && !typed->pending->value)
				typed->pending = NULL;
		} else if (typed->command) {
			typed->argument[typed->arguments++] = word;
		} else if (strcmp(word, "help") != 0) {
			typed->command = client_command_find(word);
			if (!typed->command)
				return client_fail(client, "there is no command \"%s\"", word);
		}
	}
	if (!typed->pending && *typed->start == '-' && value) {
		typed->pending = option_find(typed->start);
		typed->prefix = typed->start;
		typed->start = value + 1;
		typed->prefix_bytes = (int)(typed->start - typed->prefix);
	}
	return client_find_daemon(client);
}

/* One line, if @word begins with what is typed. */
static void offer(struct client *client, const struct typed *typed, const char *word,
		  const char *summary)
{
	if (strncmp(word, typed->start, strlen(typed->start)) != 0)
		return;
	fprintf(client->out, "%.*s%s", typed->prefix_bytes, typed->prefix, word);
	if (*summary)
		fprintf(client->out, "\t%.*s", (int)strcspn(summary, "\n"), summary);
	fputc('\n', client->out);
}

static void offer_commands(struct client *client, const struct typed *typed)
{
	const struct client_command *command;

	for (size_t i = 0; (command = client_command_at(i)); i++)
		offer(client, typed, command->name, command->summary);
	offer(client, typed, "help", "say how a command is used");
}

static void offer_options(struct client *client, const struct typed *typed)
{
	unsigned int known = CLIENT_GENERAL_OPTIONS;

	if (typed->command)
		known |= typed->command->options;
	for (size_t i = 0; i < CLIENT_OPTIONS; i++) {
		char name[32];

		snprintf(name, sizeof(name), "--%s", client_options[i].name);
		if (known & OPTION_BIT(i))
			offer(client, typed, name, client_options[i].summary);
	}
}

static void offer_named(struct client *client, const struct typed *typed, const struct kind *kind)
{
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	struct json_object *list;

	if (!kind->target) {
		fprintf(client->out, ":files\n");
		return;
	}
	if (client_get(client, kind->target, &answer))
		return;
	list = client_member(answer, kind->list);
	for (size_t i = 0; i < client_length(list); i++)
		offer(client, typed, client_text(json_object_array_get_idx(list, i), kind->member),
		      "");
}

/* @name is as the help prints it: "ID...", "[FILE2]", "pass|drop|log". */
static void offer_kind(struct client *client, const struct typed *typed, const char *name)
{
	CLEANUP(cleanup_free) char *copy = NULL;
	char *rest, *word;

	name += *name == '[';
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t length = strlen(kinds[i].name);

		if (!strncmp(name, kinds[i].name, length) && !isupper((unsigned char)name[length]))
			offer_named(client, typed, &kinds[i]);
	}
	if (!islower((unsigned char)*name))
		return;
	copy = strdup(name);
	rest = copy;
	while (rest && (word = strsep(&rest, "|"))) {
		word[strcspn(word, "]")] = '\0';
		offer(client, typed, word, "");
	}
}

/* One of the ways in which a command takes arguments: "put NAME FILE". */
static void offer_alternative(struct client *client, const struct typed *typed, char *text)
{
	char *word[ALTERNATIVE_MAX], *part;
	unsigned int words = 0, at;

	while ((part = strsep(&text, " ")))
		if (*part && words < ALTERNATIVE_MAX)
			word[words++] = part;
	at = typed->arguments;
	if (words && at >= words && strstr(word[words - 1], "..."))
		at = words - 1;
	if (at >= words)
		return;
	for (unsigned int i = 0; i < at; i++)
		if (islower((unsigned char)*word[i]) && strcmp(word[i], typed->argument[i]) != 0)
			return;
	if (strcmp(word[at], "[ID]") != 0) /* one that is not there yet */
		offer_kind(client, typed, word[at]);
}

static void offer_arguments(struct client *client, const struct typed *typed)
{
	CLEANUP(cleanup_free) char *copy = strdup(typed->command->arguments);
	char *rest = copy, *bar;

	while (rest) {
		bar = strstr(rest, " | ");
		if (bar)
			*bar = '\0';
		offer_alternative(client, typed, rest);
		rest = bar ? bar + strlen(" | ") : NULL;
	}
}
