// SPDX-License-Identifier: Apache-2.0
/* tokens.json: reading all of it, and writing it as a whole. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <json-c/json.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "http_json.h"
#include "json.h"
#include "json_cleanup.h"
#include "json_pointer.h"
#include "problem.h"
#include "reason.h"
#include "settings_kind.h"
#include "timestamp.h"
#include "token.h"

#define FILE_FORMAT 1
#define FILE_MAX_BYTES (1 << 20)
#define FILE_MODE 0640
#define FILE_GROUP "pepctl"

static int read_document(struct json_object *json, struct tokens *ret, struct problems *problems);
static int read_token(struct json_object *json, const char *pointer, struct tokens *tokens,
		      struct problems *problems);
static struct json_object *write_document(const struct tokens *tokens);
static int write_file(const char *path, struct json_object *json);
static int sync_directory_of(const char *path);

int tokens_load(const char *path, struct tokens *ret, struct problems *problems)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	CLEANUP(tokens_clear) struct tokens tokens = { 0 };
	size_t first = problems->count, errors = problems->errors;
	struct stat status;
	int error;

	error = json_read_file(path, FILE_MAX_BYTES, JSON_COMMENTS, &json, problems);
	if (error == -ENOENT) {
		tokens_clear(ret);
		return 0;
	}
	if (error && problems->errors == errors)
		problem_add(problems, "", "cannot be read: %s", json_file_error(error));
	/* Who can write to it lets himself in. */
	if (!error && !stat(path, &status) && status.st_mode & (S_IWGRP | S_IWOTH))
		problem_add(problems, "", "can be written to by others: chmod 0640 it");
	if (!error)
		error = read_document(json, &tokens, problems);
	if (!error && problems->errors > errors)
		error = -EINVAL;
	problems_prefix(problems, first, path);
	if (error)
		return error;
	tokens_clear(ret);
	*ret = tokens;
	tokens = (struct tokens){ 0 };
	return 0;
}

int tokens_save(const char *path, const struct tokens *tokens)
{
	CLEANUP(cleanup_json) struct json_object *json = write_document(tokens);
	CLEANUP(cleanup_free) char *temporary = NULL;
	int error;

	if (!json || asprintf(&temporary, "%s.tmp", path) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	error = write_file(temporary, json);
	if (!error && rename(temporary, path))
		error = -errno;
	if (error)
		unlink(temporary);
	return error ? error : sync_directory_of(path);
}

/* ---- reading */

static void refuse_unknown(struct json_object *object, const char *pointer,
			   const char *const *known, struct problems *problems)
{
	json_object_object_foreach(object, key, value) {
		char at[128];
		size_t i = 0;

		(void)value;
		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (known[i])
			continue;
		snprintf(at, sizeof(at), "%s", pointer);
		json_pointer_append(at, sizeof(at), key);
		problem_add(problems, at, "is unknown");
	}
}

static int read_document(struct json_object *json, struct tokens *ret, struct problems *problems)
{
	static const char *const known[] = { "$schema", "format", "tokens", NULL };
	struct json_object *format = NULL, *list = NULL;
	int error = 0;

	if (!json_object_is_type(json, json_type_object)) {
		problem_add(problems, "", "is not an object with \"format\" and \"tokens\"");
		return 0;
	}
	refuse_unknown(json, "", known, problems);
	json_object_object_get_ex(json, "format", &format);
	if (!json_object_is_type(format, json_type_int) ||
	    json_object_get_int64(format) != FILE_FORMAT)
		problem_add(problems, "/format", "must be %d, which is all that this version knows",
			    FILE_FORMAT);
	json_object_object_get_ex(json, "tokens", &list);
	if (!json_object_is_type(list, json_type_array)) {
		problem_add(problems, "/tokens", "must be a list");
		return 0;
	}
	for (size_t i = 0; i < json_object_array_length(list) && !error; i++) {
		char pointer[32];

		snprintf(pointer, sizeof(pointer), "/tokens/%zu", i);
		error = read_token(json_object_array_get_idx(list, i), pointer, ret, problems);
	}
	return error;
}

/* The text of a member; "" when it is absent or none. */
static const char *text_of(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;
	const char *text;

	json_object_object_get_ex(object, key, &value);
	text = setting_text(value);
	return text ? text : "";
}

static bool parse_hash(const char *text, unsigned char ret[TOKEN_HASH_BYTES])
{
	if (strlen(text) != 2 * TOKEN_HASH_BYTES ||
	    strspn(text, "0123456789abcdef") != strlen(text))
		return false;
	for (size_t i = 0; i < TOKEN_HASH_BYTES; i++) {
		char digits[3] = { text[2 * i], text[2 * i + 1] };

		ret[i] = (unsigned char)strtoul(digits, NULL, 16);
	}
	return true;
}

static void note(struct problems *problems, const char *pointer, const char *key, const char *what)
{
	char at[64];

	snprintf(at, sizeof(at), "%s/%s", pointer, key);
	problem_add(problems, at, "%s", what);
}

static int read_token(struct json_object *json, const char *pointer, struct tokens *tokens,
		      struct problems *problems)
{
	static const char *const known[] = { "name", "role", "sha256", "created_at", NULL };
	const char *name = text_of(json, "name"), *created = text_of(json, "created_at");
	struct token token = { 0 };
	struct reason reason;
	size_t errors = problems->errors;

	if (!json_object_is_type(json, json_type_object)) {
		problem_add(problems, pointer, "must be an object");
		return 0;
	}
	refuse_unknown(json, pointer, known, problems);
	if (!token_name_valid(name))
		note(problems, pointer, "name", "must be a name: letters, digits and ._@-");
	else if (tokens_named(tokens, name))
		note(problems, pointer, "name", "is there twice");
	if (!token_role_parse(text_of(json, "role"), &token.role))
		note(problems, pointer, "role", "must be \"viewer\" or \"operator\"");
	if (!parse_hash(text_of(json, "sha256"), token.hash))
		note(problems, pointer, "sha256", "must be 64 digits of 0-9a-f");
	if (*created && timestamp_parse(created, &token.created_us, &reason))
		note(problems, pointer, "created_at", "must be a time in UTC");
	if (problems->errors > errors)
		return 0;
	snprintf(token.name, sizeof(token.name), "%s", name);
	return tokens_add(tokens, &token);
}

/* ---- writing */

static struct json_object *write_token(const struct token *token)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();
	char digits[2 * TOKEN_HASH_BYTES + 1];

	for (size_t i = 0; i < TOKEN_HASH_BYTES; i++)
		sprintf(digits + 2 * i, "%02x", token->hash[i]);
	if (!json || json_add_text(json, "name", token->name) ||
	    json_add_text(json, "role", token_role_name(token->role)) ||
	    json_add_text(json, "sha256", digits) ||
	    (token->created_us && json_add_time(json, "created_at", token->created_us)))
		return NULL;
	return TAKE_PTR(json);
}

static struct json_object *write_document(const struct tokens *tokens)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();
	struct json_object *list;

	if (!json || json_add_number(json, "format", FILE_FORMAT))
		return NULL;
	list = json_object_new_array();
	if (json_add(json, "tokens", list))
		return NULL;
	for (size_t i = 0; i < tokens->count; i++)
		if (json_append(list, write_token(&tokens->token[i])))
			return NULL;
	return TAKE_PTR(json);
}

/* Where the group does not exist the daemon is root, or its owner. */
static int give_to_group(int fd)
{
	const struct group *group = getgrnam(FILE_GROUP);

	if (group && fchown(fd, (uid_t)-1, group->gr_gid) && errno != EPERM)
		return -errno;
	return fchmod(fd, FILE_MODE) ? -errno : 0;
}

static int write_file(const char *path, struct json_object *json)
{
	const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY |
									JSON_C_TO_STRING_SPACED);
	CLEANUP(cleanup_fd) int fd = -1;
	int error;

	if (!text)
		return -ENOMEM;
	unlink(path); /* of a run that was interrupted */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	error = dprintf(fd, "%s\n", text) < 0 ? -errno : give_to_group(fd);
	if (!error && fsync(fd))
		error = -errno;
	return error;
}

/* What is revoked stays so, whatever happens to the power. */
static int sync_directory_of(const char *path)
{
	CLEANUP(cleanup_free) char *copy = strdup(path);
	CLEANUP(cleanup_fd) int fd = -1;

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) ? -errno : 0;
}
