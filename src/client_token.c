/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pepctl token: the file of tokens, which the daemon reads and never writes.
 * Whoever may write it may run this, with and without a daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_json.h"
#include "client_request.h"
#include "client_text.h"
#include "directories.h"
#include "http_json.h"
#include "json_cleanup.h"
#include "problem.h"
#include "timestamp.h"
#include "token.h"

/* The file while it is changed. */
struct edit {
	const char *path;
	struct tokens tokens;
	int lock; /* of its directory */
};

static int create_token(struct client *client);
static int list_tokens(struct client *client);
static int revoke_token(struct client *client);
static int load(struct client *client, const char *path, struct tokens *ret);
static int begin(struct client *client, struct edit *ret);
static int save(struct client *client, const struct edit *edit);
static int tell_daemon(struct client *client, const char *path);

static const struct {
	const char *name, *arguments;
	unsigned int least, most; /* arguments behind the name */
	int (*run)(struct client *client);
} subcommands[] = {
	{ "create", "TOKEN-NAME [viewer|operator]", 1, 2, create_token },
	{ "list", "", 0, 0, list_tokens },
	{ "revoke", "TOKEN-NAME", 1, 1, revoke_token },
};

static void edit_end(struct edit *edit)
{
	tokens_clear(&edit->tokens);
	cleanup_fd(&edit->lock);
}

int client_token(struct client *client)
{
	const char *name = client->argument[0];
	unsigned int count = client->argument_count - 1;

	for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++) {
		if (strcmp(subcommands[i].name, name) != 0)
			continue;
		if (count < subcommands[i].least || count > subcommands[i].most)
			return client_usage(client, "it is: pepctl token %s %s", name,
					    subcommands[i].arguments);
		return subcommands[i].run(client);
	}
	return client_usage(client, "\"%s\" is not create, list or revoke", name);
}

static const char *path_of(const struct client *client)
{
	return client->value[OPTION_FILE] ? client->value[OPTION_FILE] : TOKENS_FILE;
}

/* What is printed on the output is the token alone, for `> FILE`. */
static int print_token(struct client *client, const struct token *token, const char *text)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	const char *file = client->value[OPTION_FILE];
	CLEANUP(cleanup_free) char *word = file ? text_shell_word(file) : NULL;

	if (!client->value[OPTION_JSON]) {
		fprintf(client->out, "%s\n", text);
		fprintf(client->err,
			"created the %s's token %s, which is shown only now "
			"(undo: pepctl token revoke %s%s%s)\n",
			token_role_name(token->role), token->name, token->name,
			word ? " --file " : "", word ? word : "");
		return CLIENT_DONE;
	}
	json = json_object_new_object();
	if (!json || json_add_text(json, "name", token->name) ||
	    json_add_text(json, "role", token_role_name(token->role)) ||
	    json_add_text(json, "token", text))
		return client_fail(client, "out of memory");
	client_json_print(client->out, json);
	return CLIENT_DONE;
}

static int create_token(struct client *client)
{
	const char *name = client->argument[1];
	const char *role = client->argument_count > 2 ? client->argument[2] : "viewer";
	struct token token = { .created_us = (int64_t)time(NULL) * 1000000 };
	CLEANUP(edit_end) struct edit edit = { .lock = -1 };
	char text[TOKEN_TEXT_SIZE];
	int status, error;

	if (!token_name_valid(name))
		return client_usage(client,
				    "\"%s\" is no name: up to %d letters, digits and ._@-, the "
				    "first a letter or digit",
				    name, TOKEN_NAME_MAX);
	if (!token_role_parse(role, &token.role))
		return client_usage(client, "\"%s\" is not viewer or operator", role);
	strcpy(token.name, name);
	status = begin(client, &edit);
	if (status)
		return status;
	if (tokens_named(&edit.tokens, name))
		return client_fail(client, "there is a token %s already: pepctl token revoke %s",
				   name, name);
	if (client->value[OPTION_DRY_RUN]) {
		fprintf(client->out, "dry run: the %s's token %s would be created\n", role, name);
		return CLIENT_DONE;
	}
	error = token_make(&token, text);
	if (!error)
		error = tokens_add(&edit.tokens, &token);
	if (error)
		return client_fail(client, "no token can be made: %s", strerror(-error));
	status = save(client, &edit);
	if (!status)
		status = print_token(client, &token, text);
	return status ? status : tell_daemon(client, edit.path);
}

static int revoke_token(struct client *client)
{
	const char *name = client->argument[1];
	CLEANUP(edit_end) struct edit edit = { .lock = -1 };
	struct token *token;
	int status = begin(client, &edit);

	if (status)
		return status;
	token = tokens_named(&edit.tokens, name);
	if (!token)
		return client_fail(client, "there is no token \"%s\" in %s", name, edit.path);
	if (client->value[OPTION_DRY_RUN]) {
		fprintf(client->out, "dry run: the token %s would be revoked\n", name);
		return CLIENT_DONE;
	}
	tokens_remove(&edit.tokens, token);
	status = save(client, &edit);
	if (status)
		return status;
	if (!client->value[OPTION_JSON])
		fprintf(client->out, "revoked %s; a new one: pepctl token create %s\n", name, name);
	return tell_daemon(client, edit.path);
}

static int print_json(struct client *client, const struct tokens *tokens)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();
	struct json_object *array = json ? json_object_new_array() : NULL;

	if (!json || json_add(json, "tokens", array))
		return client_fail(client, "out of memory");
	for (size_t i = 0; i < tokens->count; i++) {
		const struct token *token = &tokens->token[i];
		struct json_object *entry = json_object_new_object();

		if (json_append(array, entry) || json_add_text(entry, "name", token->name) ||
		    json_add_text(entry, "role", token_role_name(token->role)) ||
		    json_add_time(entry, "created_at", token->created_us))
			return client_fail(client, "out of memory");
	}
	client_json_print(client->out, json);
	return CLIENT_DONE;
}

static int list_tokens(struct client *client)
{
	static const char *const titles[] = { "NAME", "ROLE", "CREATED" };
	CLEANUP(text_table_clear)
	struct text_table table = { .titles = titles, .columns = ARRAY_SIZE(titles) };
	CLEANUP(tokens_clear) struct tokens tokens = { 0 };
	int status = load(client, path_of(client), &tokens);

	if (status)
		return status;
	if (client->value[OPTION_JSON])
		return print_json(client, &tokens);
	if (!tokens.count) {
		fprintf(client->out, "no tokens\n");
		return CLIENT_DONE;
	}
	for (size_t i = 0; i < tokens.count; i++) {
		char created[TIMESTAMP_TEXT_MAX] = "-";

		if (tokens.token[i].created_us)
			timestamp_print(tokens.token[i].created_us, created);
		text_table_add(&table, "%s", tokens.token[i].name);
		text_table_add(&table, "%s", token_role_name(tokens.token[i].role));
		text_table_add(&table, "%s", created);
	}
	return text_table_print(&table, client->out) ? client_fail(client, "out of memory")
						     : CLIENT_DONE;
}

/* ---- the file */

static int explain(struct client *client, const char *path, int error)
{
	client_fail(client, "%s: %s%s", path, strerror(-error),
		    error == -EACCES || error == -EPERM ? ": be root" : "");
	return error == -EACCES || error == -EPERM ? CLIENT_NOT_PERMITTED : CLIENT_REFUSED;
}

static int load(struct client *client, const char *path, struct tokens *ret)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	int error = tokens_load(path, ret, &problems);

	if (error == -EACCES)
		return explain(client, path, error);
	for (size_t i = 0; i < problems.count; i++)
		client_fail(client, "%s: %s", problems.list[i].pointer, problems.list[i].detail);
	return error ? CLIENT_REFUSED : CLIENT_DONE;
}

/* Two at a time would each write without what the other has added. */
static int begin(struct client *client, struct edit *ret)
{
	CLEANUP(cleanup_free) char *copy = NULL;

	ret->path = path_of(client);
	copy = strdup(ret->path);
	if (!copy)
		return client_fail(client, "out of memory");
	ret->lock = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret->lock < 0 || flock(ret->lock, LOCK_EX))
		return explain(client, ret->path, -errno);
	return load(client, ret->path, &ret->tokens);
}

static int save(struct client *client, const struct edit *edit)
{
	int error = tokens_save(edit->path, &edit->tokens);

	return error ? explain(client, edit->path, error) : CLIENT_DONE;
}

/* A daemon that does not run will read it when it does. */
static int tell_daemon(struct client *client, const char *path)
{
	const struct client_request request = {
		.method = "POST",
		.target = "/reload?only=credentials",
		.ask_only = true,
	};
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	CLEANUP(cleanup_free) char *here = realpath(path, NULL);
	const char *read_from;
	int status = client_ask(client, &request, &answer);

	if (status == CLIENT_NO_DAEMON) {
		fprintf(client->err, "no daemon runs: this is in force when it starts\n");
		return CLIENT_DONE;
	}
	if (status) {
		client_fail(client, "%s is written, and not in force yet: pepctl reload", path);
		return status;
	}
	read_from = client_text(answer, "tokens_file");
	if (here && strcmp(here, read_from) != 0 && strcmp(path, read_from) != 0)
		fprintf(client->err, "warning: the daemon reads %s: pepctl token --file %s\n",
			read_from, read_from);
	return CLIENT_DONE;
}
